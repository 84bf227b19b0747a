"""The environment on real servers: ingress, workers and the fakes of providers are child processes of this one."""

import asyncio
import http.client
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Event

import httpx

from workers.ops.dev.environment import Development, Wish
from workers.ops.dev.keys import Keys
from workers.ops.dev.outbox import taken_by_moto
from workers.ops.dev.processes import IdentityProcess, IngressProcess, StripeProcess, WorkersProcess
from workers.ops.dev.provision import provision
from workers.ops.dev.serving import serving_here
from workers.ops.dev.variables import CLIENT_KEYS_FILE, set_variables, variables_of
from workers.ops.fakes.messaging import MessagingFake
from workers.ops.fakes.opencorporates import OpenCorporatesFake
from workers.ops.fakes.opencorporates_controls import with_controls
from workers.ops.stack import Endpoints
from workers.ops.stack.server import Server
from workers.settings import Settings

WATCH_SECONDS = 0.2


@asynccontextmanager
async def on_servers(wish: Wish, endpoints: Endpoints, keys: Keys, folder: Path) -> AsyncIterator[Development]:
    scratch = None if wish.keep else folder
    stripe, identity = StripeProcess(folder, None, scratch), IdentityProcess(folder, None, scratch)
    ingress, workers = IngressProcess(folder, wish.port or None, scratch), WorkersProcess(folder, None, scratch)
    keys.write_client_keys(folder / CLIENT_KEYS_FILE)
    messaging = MessagingFake(moto=endpoints.aws)
    # The registry sends nothing, and feedback is little: they need no process of their own.
    async with (
        serving_here(wish.composition, with_controls(OpenCorporatesFake())) as registry,
        messaging.delivering(),
        serving_here(wish.composition, messaging) as messaging_url,
    ):
        fakes = f"http://{stripe.address}", f"http://{identity.address}", registry, messaging_url
        with set_variables(variables_of(wish.environment, endpoints, keys, folder, *fakes, kept=wish.keep is not None)):
            settings = Settings()
            async with _running(wish, settings, [stripe, identity], ingress, workers), wish.composition.open_backbone(settings) as backbone:
                await _listen(stripe, identity, ingress, keys)
                messaging.messages.listen(f"http://{ingress.address}")
                yield Development(
                    settings,
                    endpoints,
                    keys,
                    backbone,
                    f"http://{ingress.address}",
                    *fakes,
                    lambda: _first_to_end([stripe, identity, ingress, workers]),
                    lambda: _ails(workers),
                    lambda: taken_by_moto(endpoints.aws or ""),
                )


@asynccontextmanager
async def _running(
    wish: Wish, settings: Settings, fakes: Sequence[Server], ingress: IngressProcess, workers: WorkersProcess
) -> AsyncIterator[None]:
    async def workers_on_what_they_need() -> None:
        await provision(settings, wish.on_progress)
        await _start(workers, wish)

    try:
        async with asyncio.TaskGroup() as group:
            for fake in fakes:
                group.create_task(_start(fake, wish))
            group.create_task(_start(ingress, wish))
            group.create_task(workers_on_what_they_need())
        yield
    finally:
        # Each drains by itself; side by side, so that a slow one costs only its own time.
        await asyncio.gather(*(asyncio.to_thread(server.stop) for server in (ingress, workers, *fakes)))


async def _start(server: Server, wish: Wish) -> None:
    """A start that is cancelled is broken off and over when this returns: a server is never handled by two threads."""
    began, broken_off = time.monotonic(), Event()
    starting = asyncio.ensure_future(asyncio.to_thread(server.start, broken_off))
    try:
        await asyncio.shield(starting)
    except asyncio.CancelledError:
        broken_off.set()
        await asyncio.gather(starting, return_exceptions=True)
        raise
    wish.on_progress(f"{server.name}: ready on {server.address} after {time.monotonic() - began:.1f} s")


async def _listen(stripe: StripeProcess, identity: IdentityProcess, ingress: IngressProcess, keys: Keys) -> None:
    order = {
        "webhook_url": f"http://{ingress.address}/webhooks/stripe",
        "connect_url": f"http://{ingress.address}/webhooks/stripe-connect",
        "secrets": keys.webhook_secrets,
        "connect_secrets": keys.connect_webhook_secrets,
    }
    checks = {
        "ingress": f"http://{ingress.address}",
        "veriff_secrets": keys.identity_secrets("veriff"),
        "onfido_secrets": keys.identity_secrets("onfido"),
    }
    async with httpx.AsyncClient(trust_env=False) as client:
        for fake, wanted in ((stripe, order), (identity, checks)):
            answer = await client.post(f"http://{fake.address}/_fake/webhooks", json=wanted)
            answer.raise_for_status()


async def _first_to_end(servers: Sequence[Server]) -> str:
    while True:
        for server in servers:
            if not server.running:
                return f"{server.name} ended. Its log ends:\n{server.tail()}"
        await asyncio.sleep(WATCH_SECONDS)


async def _ails(workers: WorkersProcess) -> str:
    try:
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"http://{workers.address}/health/ready")
    except httpx.HTTPError as error:
        return f"workers: {error!r}"
    return "" if answer.status_code == http.client.OK else f"workers: {answer.text}\n{workers.tail()}"
