"""The composition root: what runs on what. Everything else gets what it needs handed in."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from random import SystemRandom
from typing import Any

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp

from workers.adapters.blind_index import email_hash
from workers.adapters.dynamodb import DynamoStore
from workers.adapters.kafka import KafkaLog
from workers.adapters.links import LinkKeys, Links
from workers.adapters.opening import ValueReader
from workers.adapters.pdf import PdfRenderer
from workers.adapters.prometheus import PrometheusMetrics
from workers.adapters.s3 import S3Documents
from workers.adapters.sealing import DEVELOPMENT_MASTER_KEY, MasterKeySealer
from workers.adapters.ses import SesMailer
from workers.adapters.stripe import StripePayments
from workers.adapters.tracing import OpenTelemetryTracer
from workers.engine.memory import MemoryLog, MemoryStore, SystemClock
from workers.engine.ports import Log, Store
from workers.engine.runtime import Runtime, World
from workers.engine.service import Service
from workers.engine.tracing import NoTracer
from workers.ingress import descriptions, health
from workers.ingress.app import create_app
from workers.ingress.clients import Clients, load_clients
from workers.ingress.dependencies import Dependencies, Health, StripeEndpoints
from workers.ingress.quarantine import DeliveryQuarantine
from workers.ingress.serving import serve
from workers.ops import standins
from workers.ops.cli import build_cli
from workers.ops.composition import Backbone
from workers.ops.fakes.memory import MemoryDocuments, MemoryMailer
from workers.services.analytics.service import SERVICE as ANALYTICS
from workers.services.contract.ports import Documents
from workers.services.contract.service import SERVICE as CONTRACT
from workers.services.notification.service import SERVICE as NOTIFICATION
from workers.services.payment.service import SERVICE as PAYMENT
from workers.settings import EMBEDDED, PRODUCTION, Settings

SERVICES: tuple[Service, ...] = (CONTRACT, PAYMENT, NOTIFICATION, ANALYTICS, *standins.SERVICES)


class MindLinks:
    """The one composition there is."""

    services: Mapping[str, Service] = {service.name: service for service in SERVICES}

    @asynccontextmanager
    async def open_backbone(self, settings: Settings) -> AsyncIterator[Backbone]:
        """Nothing connects before its first use."""
        registry = CollectorRegistry()
        embedded = settings.kafka == EMBEDDED
        log: Log = MemoryLog() if embedded else KafkaLog(settings.kafka)
        store: Store = MemoryStore() if embedded else DynamoStore(settings.environment, endpoint=settings.dynamodb, region=settings.region)
        tracer = OpenTelemetryTracer.to_collector(settings.traces, "mindlinks") if settings.traces else None
        try:
            yield Backbone(log, store, SystemClock(), registry, PrometheusMetrics(registry), tracer or NoTracer())
        finally:
            await log.close()
            await store.close()
            if tracer:
                tracer.close()

    @asynccontextmanager
    async def open_ports(self, settings: Settings) -> AsyncIterator[Mapping[str, Any]]:
        sealer = _sealer(settings)
        links = Links(settings.app_url.rstrip("/"), LinkKeys.parse(settings.link_keys.get_secret_value()))
        async with AsyncExitStack() as stack:
            renderer = PdfRenderer()
            stack.push_async_callback(renderer.close)
            payments = StripePayments(settings.stripe_api_key.get_secret_value(), sealer, api_base=settings.stripe_api_base)
            stripe = await stack.enter_async_context(payments)
            documents, mailer = await _storage_and_mail(settings, sealer, links, stack)
            yield {"documents": Documents(renderer, documents, ValueReader(sealer)), "ses": mailer, "render": mailer, "stripe": stripe}

    def world(self, settings: Settings, backbone: Backbone, ports: Mapping[str, Any]) -> World:
        return World(
            environment=settings.environment,
            log=backbone.log,
            store=backbone.store,
            clock=backbone.clock,
            metrics=backbone.metrics,
            random=SystemRandom(),
            ports=ports,
            tracer=backbone.tracer,
        )

    def ingress(self, settings: Settings, backbone: Backbone) -> ASGIApp:
        key = settings.blind_index_key.get_secret_value().encode()
        return create_app(
            Dependencies(
                environment=settings.environment,
                log=backbone.log,
                store=backbone.store,
                clock=backbone.clock,
                metrics=backbone.metrics,
                quarantine=DeliveryQuarantine(backbone.store),
                sealer=_sealer(settings),
                email_hash=partial(email_hash, key),
                blind_index_key=key,
                clients=load_clients(settings.client_keys_file) if settings.client_keys_file else Clients(()),
                stripe=StripeEndpoints(settings.webhook_secrets, settings.connect_webhook_secrets, settings.environment == PRODUCTION),
                health=Health(checks=backbone.checks()),
                registry=backbone.registry,
            )
        )

    def watch(self, backbone: Backbone, runtime: Runtime) -> ASGIApp:
        def not_ready() -> str | None:
            failed = [f"{name}: {error}" for name, error in runtime.failures.items()]
            return "; ".join(failed) or (None if runtime.ready else "partitions are not assigned yet")

        app = FastAPI(title="Mind-Links worker", docs_url=None, redoc_url=None, openapi_url=None)
        checks = Health(lambda: not runtime.stalled(backbone.clock.now()), not_ready, backbone.checks())
        app.include_router(health.router(checks, backbone.clock))
        app.include_router(descriptions.router(backbone.registry))
        return app

    async def serve(self, app: ASGIApp, host: str, port: int, on_ready: Callable[[int], None]) -> None:
        await serve(app, host, port, on_ready)


async def _storage_and_mail(settings: Settings, sealer: MasterKeySealer, links: Links, stack: AsyncExitStack) -> tuple[Any, Any]:
    if settings.kafka == EMBEDDED:
        return MemoryDocuments(), MemoryMailer(sealer, links)
    documents = await S3Documents.open(settings.bucket, region=settings.region)
    stack.push_async_callback(documents.close)
    mailer = SesMailer(sealer, links, sender=settings.mail_from, configuration_set=settings.mail_configuration_set, region=settings.region)
    return documents, await stack.enter_async_context(mailer)


def _sealer(settings: Settings) -> MasterKeySealer:
    return MasterKeySealer(settings.master_key.get_secret_value().encode() or DEVELOPMENT_MASTER_KEY)


cli = build_cli(MindLinks())

if __name__ == "__main__":
    cli()
