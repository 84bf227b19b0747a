"""The environment on real servers: ingress, workers and the Stripe fake are child processes of this one."""

import asyncio
import http.client
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Event

import aioboto3
import httpx

from workers.ops.dev.environment import Development, Wish
from workers.ops.dev.keys import Keys
from workers.ops.dev.processes import IngressProcess, StripeProcess, WorkersProcess
from workers.ops.dev.provision import provision
from workers.ops.dev.variables import CLIENT_KEYS_FILE, set_variables, variables_of
from workers.ops.stack import Endpoints
from workers.ops.stack.server import Server
from workers.settings import Settings

WATCH_SECONDS = 0.2


@asynccontextmanager
async def on_servers(wish: Wish, endpoints: Endpoints, keys: Keys, folder: Path) -> AsyncIterator[Development]:
    scratch = None if wish.keep else folder
    stripe = StripeProcess(folder, None, scratch)
    ingress, workers = IngressProcess(folder, wish.port or None, scratch), WorkersProcess(folder, None, scratch)
    keys.write_client_keys(folder / CLIENT_KEYS_FILE)
    variables = variables_of(wish.environment, endpoints, keys, folder, f"http://{stripe.address}", kept=wish.keep is not None)
    with set_variables(variables):
        settings = Settings()
        async with _running(wish, settings, stripe, ingress, workers), wish.composition.open_backbone(settings) as backbone:
            await _listen(stripe, ingress, keys)
            yield Development(
                settings,
                endpoints,
                keys,
                backbone,
                f"http://{ingress.address}",
                f"http://{stripe.address}",
                lambda: _first_to_end([stripe, ingress, workers]),
                lambda: _ails(workers),
                _mails,
            )


@asynccontextmanager
async def _running(
    wish: Wish, settings: Settings, stripe: StripeProcess, ingress: IngressProcess, workers: WorkersProcess
) -> AsyncIterator[None]:
    async def workers_on_what_they_need() -> None:
        await provision(settings, wish.on_progress)
        await _start(workers, wish)

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_start(stripe, wish))
            group.create_task(_start(ingress, wish))
            group.create_task(workers_on_what_they_need())
        yield
    finally:
        # Each drains by itself; side by side, so that a slow one costs only its own time.
        await asyncio.gather(*(asyncio.to_thread(server.stop) for server in (ingress, workers, stripe)))


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


async def _listen(stripe: StripeProcess, ingress: IngressProcess, keys: Keys) -> None:
    order = {
        "webhook_url": f"http://{ingress.address}/webhooks/stripe",
        "connect_url": f"http://{ingress.address}/webhooks/stripe-connect",
        "secrets": keys.webhook_secrets,
        "connect_secrets": keys.connect_webhook_secrets,
    }
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(f"http://{stripe.address}/_fake/webhooks", json=order)
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


async def _mails() -> int:
    async with aioboto3.Session().client("ses") as ses:
        return int((await ses.get_send_quota())["SentLast24Hours"])
