"""The composition root: what runs on what. Everything else gets what it needs handed in."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from random import SystemRandom
from typing import Any

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp

from workers.adapters.avatars import StoredAvatars
from workers.adapters.blind_index import email_hash
from workers.adapters.dynamodb import DynamoStore
from workers.adapters.kafka import KafkaLog
from workers.adapters.kafka_reading import KafkaReader
from workers.adapters.key_ring import KeyRing
from workers.adapters.key_wrapping import DEVELOPMENT_MASTER_KEY, KeyWrapping, LocalWrapping
from workers.adapters.kms import KmsWrapping
from workers.adapters.kyc_ports import KYC_PORTS, open_kyc_ports
from workers.adapters.lead_keys import LeadKeys
from workers.adapters.links import LinkKeys, Links
from workers.adapters.onfido import Onfido
from workers.adapters.opencorporates import OpenCorporates
from workers.adapters.opening import INGRESS, SIGN_IN, KeyRights, Opener, ValueReader, rights_by_provider
from workers.adapters.passwords import BcryptPasswords
from workers.adapters.pdf import PdfRenderer
from workers.adapters.prometheus import PrometheusMetrics
from workers.adapters.provider_limits import provider_limits, stripe_limit
from workers.adapters.raw_bodies import RawBodies
from workers.adapters.raw_sealing import OperationsSealer
from workers.adapters.s3 import S3Documents
from workers.adapters.s3_objects import S3Objects
from workers.adapters.s3_uploads import S3Uploads
from workers.adapters.sealing import Sealer
from workers.adapters.sender_ids import SenderIds
from workers.adapters.ses import SesMailer
from workers.adapters.sms import SnsTexts
from workers.adapters.sns_signing import SnsSigning
from workers.adapters.stripe import StripePayments
from workers.adapters.stripe_events import StripeEvents
from workers.adapters.subject_keys import SubjectKeys
from workers.adapters.templates import Rendering
from workers.adapters.tracing import OpenTelemetryTracer
from workers.adapters.veriff import Veriff
from workers.adapters.visit_records import StoredVisits
from workers.engine.effects import EffectPace
from workers.engine.memory import MemoryLog, MemoryStore, SystemClock
from workers.engine.memory.reading import MemoryReader
from workers.engine.ports import Clock, Log, Store
from workers.engine.rate_limit import RateLimit
from workers.engine.runtime import Runtime, World
from workers.engine.service import Service
from workers.engine.tracing import NoTracer
from workers.ingress import descriptions, health
from workers.ingress.app import create_app
from workers.ingress.clients import Clients, load_clients
from workers.ingress.dependencies import (
    Dependencies,
    Health,
    OnfidoEndpoints,
    SnsEndpoints,
    StripeEndpoints,
    TwilioEndpoint,
    VeriffEndpoints,
)
from workers.ingress.link_tokens import NewLinks
from workers.ingress.quarantine import DeliveryQuarantine
from workers.ingress.refresh_tokens import RefreshTokens
from workers.ingress.serving import serve
from workers.ingress.stripe_gaps import ListedEvents
from workers.ops.cli import build_cli
from workers.ops.composition import Backbone
from workers.ops.event_reading import EventReading
from workers.ops.fakes.memory import MemoryDocuments, MemoryMailer, MemoryObjects, MemoryTexts, MemoryUploads
from workers.services.analytics.service import SERVICE as ANALYTICS
from workers.services.auth.service import SERVICE as AUTH
from workers.services.client.service import SERVICE as CLIENT
from workers.services.contract.ports import Documents
from workers.services.contract.service import SERVICE as CONTRACT
from workers.services.contractor.service import SERVICE as CONTRACTOR
from workers.services.kyc.service import SERVICE as KYC
from workers.services.lead.service import SERVICE as LEAD
from workers.services.notification.service import SERVICE as NOTIFICATION
from workers.services.payment.service import SERVICE as PAYMENT
from workers.services.user.service import SERVICE as USER
from workers.settings import EMBEDDED, PRODUCTION, Settings

SERVICES: tuple[Service, ...] = (AUTH, USER, CLIENT, CONTRACTOR, KYC, CONTRACT, PAYMENT, NOTIFICATION, LEAD, ANALYTICS)


class MindLinks:
    """The one composition there is."""

    services: Mapping[str, Service] = {service.name: service for service in SERVICES}

    @asynccontextmanager
    async def open_backbone(self, settings: Settings) -> AsyncIterator[Backbone]:
        """Nothing connects before its first use."""
        registry = CollectorRegistry()
        embedded = settings.kafka == EMBEDDED
        memory = MemoryLog()
        log: Log = memory if embedded else KafkaLog(settings.kafka)
        reader = MemoryReader(memory) if embedded else KafkaReader(settings.kafka)
        store: Store = MemoryStore() if embedded else DynamoStore(settings.environment, endpoint=settings.dynamodb, region=settings.region)
        tracer = OpenTelemetryTracer.to_collector(settings.traces, "mindlinks") if settings.traces else None
        clock = SystemClock()
        keys = _key_ring(settings, store, clock)
        objects = MemoryObjects() if embedded else S3Objects(settings.bucket, region=settings.region)
        try:
            yield Backbone(log, store, clock, registry, PrometheusMetrics(registry), tracer or NoTracer(), keys, objects, reader)
        finally:
            await objects.close()
            await keys.close()
            await log.close()
            await store.close()
            if tracer:
                tracer.close()

    @asynccontextmanager
    async def open_ports(self, settings: Settings, backbone: Backbone) -> AsyncIterator[Mapping[str, Any]]:
        sealer = Sealer(backbone.keys)
        rights = dict.fromkeys(KYC_PORTS, KeyRights()) | dict(rights_by_provider(self.services.values()))
        openers = {name: Opener(sealer, declared, name) for name, declared in rights.items()}
        links = Links(settings.app_url.rstrip("/"), LinkKeys.parse(settings.link_keys.get_secret_value()))
        async with AsyncExitStack() as stack:
            renderer = PdfRenderer()
            stack.push_async_callback(renderer.close)
            payments = StripePayments(settings.stripe_api_key.get_secret_value(), openers["stripe"], api_base=settings.stripe_api_base)
            stripe = await stack.enter_async_context(payments)
            documents, mailer = await _storage_and_mail(settings, openers["ses"], links, stack)
            texts = await _texts(settings, openers["sms"], links, stack)
            registry = await stack.enter_async_context(_registry(settings, openers["opencorporates"]))
            identity = await stack.enter_async_context(open_kyc_ports(_veriff(settings), _onfido(settings), backbone.objects, openers))
            yield identity | {
                "documents": Documents(renderer, documents, ValueReader(openers["documents"])),
                "ses": mailer,
                "sms": texts,
                "render": Rendering(openers["render"], links),
                "stripe": stripe,
                "keys": backbone.keys,
                "opencorporates": registry,
                "avatars": StoredAvatars(backbone.objects),
                "lead-keys": LeadKeys(backbone.keys),
                "visits": StoredVisits(backbone.store),
            }

    def world(self, settings: Settings, backbone: Backbone, ports: Mapping[str, Any]) -> World:
        return World(
            environment=settings.environment,
            log=backbone.log,
            store=backbone.store,
            clock=backbone.clock,
            metrics=backbone.metrics,
            random=SystemRandom(),
            ports=ports,
            effects=EffectPace(limits=_limits(settings)),
            tracer=backbone.tracer,
            raw_sealer=OperationsSealer(Sealer(backbone.keys)),
        )

    def ingress(self, settings: Settings, backbone: Backbone) -> ASGIApp:
        return create_app(self._dependencies(settings, backbone))

    @asynccontextmanager
    async def event_reading(self, settings: Settings, backbone: Backbone) -> AsyncIterator[EventReading]:
        key, intake = settings.stripe_api_key.get_secret_value(), ListedEvents(self._dependencies(settings, backbone))
        async with StripeEvents(key, backbone.clock, stripe_limit(key), api_base=settings.stripe_api_base) as events:
            yield EventReading(events, intake, backbone.store, backbone.clock, settings.environment, SystemRandom())

    def _dependencies(self, settings: Settings, backbone: Backbone) -> Dependencies:
        key = settings.blind_index_key.get_secret_value().encode()
        return Dependencies(
            environment=settings.environment,
            log=backbone.log,
            store=backbone.store,
            clock=backbone.clock,
            metrics=backbone.metrics,
            quarantine=DeliveryQuarantine(backbone.store, OperationsSealer(Sealer(backbone.keys))),
            sealer=Opener(Sealer(backbone.keys), INGRESS, "ingress"),
            passwords=BcryptPasswords(settings.bcrypt_cost),
            password_hashes=Opener(Sealer(backbone.keys), SIGN_IN, "sign-in"),
            refresh_tokens=RefreshTokens.parse(settings.refresh_keys.get_secret_value()),
            uploads=MemoryUploads() if settings.kafka == EMBEDDED else S3Uploads(settings.bucket, region=settings.region),
            new_link=NewLinks(LinkKeys.parse(settings.link_keys.get_secret_value())),
            email_hash=partial(email_hash, key),
            blind_index_key=key,
            clients=load_clients(settings.client_keys_file) if settings.client_keys_file else Clients(()),
            stripe=StripeEndpoints(settings.webhook_secrets, settings.connect_webhook_secrets, settings.environment == PRODUCTION),
            veriff=VeriffEndpoints(settings.veriff_webhook_secrets, settings.veriff_api_key.get_secret_value()),
            onfido=OnfidoEndpoints(settings.onfido_webhook_secrets),
            sns=SnsEndpoints(SnsSigning(base=settings.sns_base), settings.topics_of_ses, settings.topics_of_sms),
            twilio=TwilioEndpoint(settings.twilio_auth_tokens, settings.twilio_callback),
            bodies=RawBodies(backbone.objects, Opener(Sealer(backbone.keys), INGRESS, "ingress")),
            health=Health(checks=backbone.checks()),
            registry=backbone.registry,
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


async def _storage_and_mail(settings: Settings, opener: Opener, links: Links, stack: AsyncExitStack) -> tuple[Any, Any]:
    if settings.kafka == EMBEDDED:
        return MemoryDocuments(), MemoryMailer(opener, links)
    documents = await S3Documents.open(settings.bucket, region=settings.region)
    stack.push_async_callback(documents.close)
    mailer = SesMailer(opener, links, sender=settings.mail_from, configuration_set=settings.mail_configuration_set, region=settings.region)
    return documents, await stack.enter_async_context(mailer)


async def _texts(settings: Settings, opener: Opener, links: Links, stack: AsyncExitStack) -> Any:
    if settings.kafka == EMBEDDED:
        return MemoryTexts(opener, links)
    return await stack.enter_async_context(SnsTexts(opener, links, SenderIds.parse(settings.sms_sender_ids), region=settings.region))


def _limits(settings: Settings) -> Mapping[str, RateLimit]:
    return provider_limits(settings.stripe_api_key.get_secret_value(), settings.mail_per_second, settings.sms_per_second)


def _registry(settings: Settings, opener: Opener) -> OpenCorporates:
    token, base = settings.opencorporates_token.get_secret_value(), settings.opencorporates_base
    return OpenCorporates(token, ValueReader(opener), base=base)


def _veriff(settings: Settings) -> Veriff:
    secret = next(iter(settings.veriff_webhook_secrets), "")
    return Veriff(settings.veriff_api_key.get_secret_value(), secret, _after_check(settings), base=settings.veriff_base)


def _onfido(settings: Settings) -> Onfido:
    return Onfido(settings.onfido_token.get_secret_value(), settings.onfido_workflow, _after_check(settings), base=settings.onfido_base)


def _after_check(settings: Settings) -> str:
    """Where a person's browser goes after an identity check."""
    return f"{settings.app_url.rstrip('/')}/kyc/return"


def _key_ring(settings: Settings, store: Store, clock: Clock) -> KeyRing:
    """With KMS, a master key only unwraps what it wrapped before there was KMS."""
    master_key = settings.master_key.get_secret_value().encode()
    wrappings: list[KeyWrapping] = []
    if settings.kms_key and settings.kafka != EMBEDDED:
        wrappings.append(KmsWrapping(settings.kms_key, region=settings.region))
    if master_key or not wrappings:
        wrappings.append(LocalWrapping(master_key or DEVELOPMENT_MASTER_KEY))
    return KeyRing(SubjectKeys(store, clock), wrappings, lifetime=settings.key_lifetime)


cli = build_cli(MindLinks())

if __name__ == "__main__":
    cli()
