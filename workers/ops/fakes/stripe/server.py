"""The Stripe fake as a server on the loopback address: API under /v1, controls under /_fake."""

import asyncio
import contextlib
from collections import Counter
from types import TracebackType
from typing import Self

from aiohttp import web

from workers.ops.fakes.stripe.clock import Clock, SystemClock
from workers.ops.fakes.stripe.control_api import control_routes
from workers.ops.fakes.stripe.controls import Controls
from workers.ops.fakes.stripe.deliveries import Attempt, Deliveries, Endpoint
from workers.ops.fakes.stripe.faults import FaultPlan
from workers.ops.fakes.stripe.idempotency import IdempotencyStore
from workers.ops.fakes.stripe.ids import Ids
from workers.ops.fakes.stripe.pipeline import Answer, Dropped, Incoming, Pipeline
from workers.ops.fakes.stripe.routes import ROUTER
from workers.ops.fakes.stripe.settings import DEFAULTS, FakeSettings
from workers.ops.fakes.stripe.state import Event, StripeState

HOST = "127.0.0.1"
API_VERSION = "2026-10-28.endive"
IDLE_SECONDS = 1.0


class StripeFake:
    """`async with StripeFake(...) as fake`: serves at `fake.url` until the block ends; everything it knew is then gone.

    `clock` rules keys, events, payouts and retries; `signing_clock` the signatures (the same one unless given): an ingress
    that lives in real time refuses a signature from tomorrow.
    """

    def __init__(self, settings: FakeSettings = DEFAULTS, clock: Clock | None = None, signing_clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        self.state = StripeState(Ids(settings.seed), self.clock, settings.terms)
        self.controls = Controls(self.state)
        self.faults = FaultPlan(ROUTER.names)
        retry = settings.first_retry_seconds
        self.deliveries = Deliveries(self.clock, signing_clock or self.clock, settings.seed, settings.faults, retry)
        self.state.on_event = self._take
        self.url = ""
        self._pipeline = Pipeline(self.state, IdempotencyStore(self.clock), self.faults)
        self._wake = asyncio.Event()
        self._running = contextlib.AsyncExitStack()
        self._dispatcher: asyncio.Task[None] | None = None
        self.listen(settings.webhook_url, settings.connect_url, settings.secrets, settings.connect_secrets)

    def listen(self, webhook_url: str | None, connect_url: str | None, secrets: tuple[str, ...], connect_secrets: tuple[str, ...]) -> None:
        """Sets where webhooks go and what signs them, now or later; a url of None leaves that endpoint as it is."""
        if webhook_url:
            self.deliveries.listen(Endpoint(webhook_url, secrets))
        if connect_url:
            self.deliveries.listen(Endpoint(connect_url, connect_secrets, connect=True))

    @property
    def created(self) -> Counter[str]:
        """Objects ever created, by Stripe's object name: `created["payment_intent"]`."""
        return self.state.created

    @property
    def calls(self) -> Counter[str]:
        """Calls received by route, replayed and failed ones too: `calls["POST /v1/transfers"]`."""
        return self.state.calls

    def _take(self, event: Event) -> Event:
        self._wake.set()
        return self.deliveries.enqueue(event)

    def resend(self, event: Event) -> None:
        """Owes the event once more, delivered or not, as the dashboard's button does."""
        self.deliveries.resend(event)
        self._wake.set()

    async def deliver_all(self) -> list[Attempt]:
        """One attempt for each webhook owed, due or not; what is lost or refused stays owed. Blocks on the endpoints."""
        return self._noted(await self.deliveries.deliver_all())

    async def flush(self) -> list[Attempt]:
        """Attempts until nothing is owed, ten times at most: lost webhooks arrive now."""
        return self._noted(await self.deliveries.flush())

    async def deliver_due(self) -> list[Attempt]:
        """One attempt for each webhook due by the clock."""
        return self._noted(await self.deliveries.deliver_due())

    def _noted(self, attempts: list[Attempt]) -> list[Attempt]:
        for attempt in attempts:
            if attempt.accepted and not self.deliveries.waits_for(attempt.event_id):
                self.state.delivered(attempt.event_id)
        return attempts

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.add_routes(control_routes(self))
        application.router.add_route("*", "/{path:.*}", self._serve)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        async with contextlib.AsyncExitStack() as starting:
            await runner.setup()
            starting.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, HOST, self.settings.port).start()
            self._running = starting.pop_all()
        self.url = "http://{}:{}".format(*runner.addresses[0])
        if self.settings.deliver:
            self._dispatcher = asyncio.create_task(self._dispatch(), name="stripe-fake-webhooks")
            self._running.push_async_callback(_cancelled, self._dispatcher)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        # Held calls would keep the server from closing.
        self.faults.clear()
        await self._running.aclose()

    async def serve_until(self, stop: asyncio.Event) -> None:
        """Returns once `stop` is set. Raises what ended the dispatcher, so no fake lives on without its webhooks."""
        stopping = asyncio.create_task(stop.wait())
        waited: set[asyncio.Task[None] | asyncio.Task[bool]] = {stopping}
        if self._dispatcher is not None:
            waited.add(self._dispatcher)
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if self._dispatcher is not None and self._dispatcher.done():
            self._dispatcher.result()

    async def _dispatch(self) -> None:
        """Delivers what falls due until cancelled; runs only where `deliver` is set."""
        while True:
            self._wake.clear()
            self.controls.run_payout_schedule()
            await self.deliver_due()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), IDLE_SECONDS)

    async def _serve(self, request: web.Request) -> web.Response:
        form = (await request.text()) if request.method == "POST" else request.query_string
        incoming = Incoming(
            method=request.method,
            path=request.path,
            form=form,
            api_key=request.headers.get("Authorization", "").removeprefix("Bearer ").strip(),
            idempotency_key=request.headers.get("Idempotency-Key"),
            account=request.headers.get("Stripe-Account"),
        )
        try:
            answer = await self._pipeline.answer(incoming)
        except Dropped:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)
        return _as_response(answer, request.headers.get("Stripe-Version", API_VERSION))


def _as_response(answer: Answer, version: str) -> web.Response:
    headers = {"Stripe-Version": version, "Cache-Control": "no-cache, no-store"} | answer.headers
    return web.Response(status=answer.status, body=answer.body, headers=headers, content_type="application/json")


async def _cancelled(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
