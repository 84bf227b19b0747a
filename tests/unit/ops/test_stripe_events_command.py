"""``mindlinks stripe-events`` over a store and a log in memory, against the Stripe fake."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Any

import anyio.from_thread
import pytest
import structlog
import typer
from prometheus_client import CollectorRegistry
from typer.testing import CliRunner

from contracts.topics import commands_topic
from tests.support.keys import HandClock, key_ring
from workers.engine.memory import MemoryLog, MemoryStore
from workers.engine.metrics import NoMetrics
from workers.engine.tracing import NoTracer
from workers.ingress import deliveries
from workers.main import MindLinks
from workers.ops import stripe_events
from workers.ops.composition import Backbone
from workers.ops.fakes.stripe import ManualClock, StripeFake
from workers.ops.reading_checkpoint import AnotherReading, Reading
from workers.settings import Settings

START, DAY = 1_795_300_000, 86_400
NOW = datetime.fromtimestamp(START, UTC)
INTENT: dict[str, Any] = {
    "object": "payment_intent",
    "id": "pi_1",
    "metadata": {"contractId": "c0a80101-0000-4000-8000-000000000001", "transactionId": "7b0f6a52-1111-4a6e-9d55-000000000001"},
}


class _Context(MindLinks):
    """Composition and settings in one."""

    def __init__(self, url: str) -> None:
        self.store, self.clock, self._url = MemoryStore(), HandClock(START * 1000), url
        self.log = MemoryLog(clock=self.clock)

    @property
    def composition(self) -> "_Context":
        return self

    def settings(self) -> Settings:
        return Settings(stripe_api_base=self._url, kafka="memory", environment="test")

    @asynccontextmanager
    async def open_backbone(self, settings: Settings) -> AsyncIterator[Backbone]:
        yield Backbone(self.log, self.store, self.clock, CollectorRegistry(), NoMetrics(), NoTracer(), key_ring(self.store))

    def commands(self) -> list[bytes]:
        return [record.value or b"" for at, found in self.log.records.items() if at.topic == commands_topic("payment") for record in found]


@contextmanager
def serving() -> Iterator[StripeFake]:
    """In a loop of its own, as the command makes one."""
    with ExitStack() as stack:
        portal = stack.enter_context(anyio.from_thread.start_blocking_portal())
        yield stack.enter_context(portal.wrap_async_context_manager(StripeFake(clock=ManualClock(START))))


@pytest.fixture(autouse=True)
def logs_of_this_test_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A logger remembers where it wrote first, which here is closed at the command's end."""
    monkeypatch.setattr(deliveries, "log", structlog.get_logger())


@pytest.fixture
def fake() -> Iterator[StripeFake]:
    with serving() as running:
        yield running


def run(context: _Context, *arguments: str) -> Any:
    app = typer.Typer()
    app.callback()(lambda: None)
    stripe_events.add(app, context)
    return CliRunner().invoke(app, ["stripe-events", *arguments])


def test_a_lost_webhook_becomes_its_command(fake: StripeFake) -> None:
    context = _Context(fake.url)
    fake.state.emit_body("payment_intent.created", INTENT, None)
    fake.state.emit_body("balance.available", {"object": "balance"}, None)
    answer = run(context, "--json")
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.stdout) == {
        "state": "finished",
        "since": "2026-11-18T22:26:40.000Z",
        "until": "2026-11-21T22:26:40.000Z",
        "accounts": 0,
        "left": 0,
        "events": 2,
        "undelivered": 0,
        "results": {"accepted": 1, "ignored": 1},
        "lostSeconds": 0,
    }
    (command,) = context.commands()
    assert json.loads(command)["paymentIntentId"] == "pi_1"
    again = run(context)
    assert (again.exit_code, "2 events of the platform" in again.stderr) == (0, True)


def test_what_becomes_no_command_is_for_people(fake: StripeFake) -> None:
    context = _Context(fake.url)
    fake.state.emit_body("payment_intent.created", {**INTENT, "metadata": {}}, None)
    context.clock.move(7_200)
    answer = run(context)
    assert answer.exit_code == 1
    assert "mindlinks failures list --service ingress" in answer.stderr
    assert [ref.table for ref in context.store.items if ref.table == "platform-failures"] == ["platform-failures"]


def test_days_that_nobody_read_are_named(fake: StripeFake) -> None:
    context = _Context(fake.url)
    assert run(context).exit_code == 0
    context.clock.move(31 * DAY)
    answer = run(context)
    assert (answer.exit_code, "mindlinks statement CONTRACT" in answer.stderr) == (1, True)


def test_a_stripe_that_is_away_is_one_line_and_says_what_to_do() -> None:
    answer = run(_Context("http://127.0.0.1:1"))
    assert answer.exit_code == 1
    assert "EventsUnavailable: Stripe's events can't be read: not reached" in answer.stderr
    assert "Read again" in answer.stderr


class _Taken:
    async def read(self, since: int | None, advance: object) -> Reading:
        raise AnotherReading


class _Beside(_Context):
    @asynccontextmanager
    async def event_reading(self, settings: Settings, backbone: Backbone) -> AsyncIterator[Any]:
        yield _Taken()


def test_another_reading_is_no_fault() -> None:
    answer = run(_Beside("http://127.0.0.1:1"), "--json")
    assert (answer.exit_code, json.loads(answer.stdout)) == (0, {"state": "left_to_another"})
    assert "another process" in run(_Beside("http://127.0.0.1:1")).stderr


@pytest.mark.parametrize(
    ("text", "moment"),
    [("36h", START - 36 * 3_600), ("10d", START - 10 * DAY), ("30d", START - 30 * DAY), ("2026-11-20", 1_795_132_800)],
)
def test_how_far_back(text: str, moment: int) -> None:
    assert stripe_events.moment_of(text, NOW) == moment


@pytest.mark.parametrize("text", ["31d", "10", "-1d", "2026-11-22", "2026-10-01", "yesterday", "", "99999d"])
def test_a_time_that_stripe_no_longer_keeps_or_nobody_understands_is_wrong_use(text: str) -> None:
    with pytest.raises(typer.BadParameter, match=r"30 days|36h"):
        stripe_events.moment_of(text, NOW)


def test_wrong_use_asks_nobody() -> None:
    context = _Context("http://127.0.0.1:1")
    assert run(context, "--since", "31d").exit_code == 2
    assert context.store.items == {}


def test_help_has_an_example() -> None:
    assert "mindlinks stripe-events --since 10d" in " ".join(run(_Context(""), "--help").stdout.split())
