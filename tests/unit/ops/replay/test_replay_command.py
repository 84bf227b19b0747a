"""``mindlinks replay`` over a log and tables in memory, and a worker that is there or not."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from prometheus_client import CollectorRegistry

from tests.support import toy
from tests.support.command_context import CommandContext, invoked
from tests.support.keys import HandClock, key_ring
from tests.support.replays import COMMANDS
from workers.engine.memory import MemoryLog, MemoryStore
from workers.engine.memory.reading import MemoryReader
from workers.engine.metrics import NoMetrics
from workers.engine.record import Outgoing
from workers.engine.tracing import NoTracer
from workers.main import MindLinks
from workers.ops.composition import Backbone
from workers.ops.replay import commands
from workers.ops.terminal import console
from workers.settings import Settings

KEY = str(uuid4())
HERE = ("--topic", COMMANDS)


class _Composition(MindLinks):
    services = {"notification": toy.SERVICE}

    def __init__(self) -> None:
        self.log, self.store, self.clock = MemoryLog(), MemoryStore(), HandClock()

    @asynccontextmanager
    async def open_backbone(self, settings: Settings) -> AsyncIterator[Backbone]:
        reader = MemoryReader(self.log)
        yield Backbone(self.log, self.store, self.clock, CollectorRegistry(), NoMetrics(), NoTracer(), key_ring(), reader=reader)


@pytest.fixture
def composition() -> _Composition:
    made = _Composition()
    commands_ = [toy.claiming_of(KEY), toy.side_row_of(KEY), toy.nothing_of(str(uuid4())), toy.releasing_of(KEY)]
    asyncio.run(made.log.append_keyed(COMMANDS, [toy.command_record(each) for each in commands_]))
    return made


def run(composition: _Composition, *arguments: str, answer: str = "") -> Any:
    context = CommandContext(composition.store)
    context.composition = composition  # type: ignore[assignment]  # the same command over a log that holds something
    return invoked(commands.add, context, "replay", *arguments, answer=answer)


def answered(composition: _Composition, *arguments: str) -> Any:
    answer = run(composition, *arguments, "--json")
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


def copies(composition: _Composition) -> int:
    return sum(any(name == "ce_replay" for name, _ in each.headers) for found in composition.log.records.values() for each in found)


def test_a_dry_run_tells_all_and_sends_nothing(composition: _Composition) -> None:
    told = answered(composition, "run", *HERE, "--dry-run", "--effects", "all")
    assert (told["selected"]["records"], told["selected"]["keys"], told["applied"]) == (4, 2, 3)
    assert told["refused"] == {"toy_absent": 1}
    assert told["effects"] == {"toy": {"out": 2, "withheld": 0, "known": 0}}
    assert set(told["changes"]) == {KEY}
    assert copies(composition) == 0
    assert composition.store.items == {}


def test_in_words_a_dry_run_shows_the_first_keys(composition: _Composition) -> None:
    with console.capture() as shown:
        assert run(composition, "run", *HERE, "--dry-run", "--diffs", "1").exit_code == 0
    text = shown.get()
    for said in ("4 records, 2 keys", "would be applied", "would be refused: toy_absent", f"key {KEY}", "total: - -> 3", "withheld"):
        assert said in text


def test_it_asks_first_and_a_no_sends_nothing(composition: _Composition) -> None:
    answer = run(composition, "run", *HERE, "--why", "a test", answer="n\n")
    assert answer.exit_code == 0
    assert "send 4 records?" in answer.output
    assert (copies(composition), composition.store.items) == (0, {})


def test_without_its_consumer_the_counts_are_not_final_and_show_tells_later(composition: _Composition) -> None:
    told = answered(composition, "run", *HERE, "--why", "a test", "--yes", "--wait", "1")
    assert (told["state"], told["sent"], told["settled"], copies(composition)) == ("sent", 4, False, 4)
    assert answered(composition, "show", told["replay"])["settled"] is False
    (listed,) = answered(composition, "list")
    assert (listed["plan"]["id"], listed["plan"]["why"], listed["state"]) == (told["replay"], "a test", "sent")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", *HERE), "--why"),
        (("run", "--service", "nobody", "--why", "x"), "there is no service"),
        (("run", *HERE, "--effects", "only=bank", "--why", "x"), "there is no provider bank"),
        (("run", *HERE, "--to", "notification-nothing", "--why", "x"), "there is no role"),
        (("run", *HERE, "--key", str(uuid4()), "--why", "x", "--yes"), "nothing is selected"),
        (("resume", "none"), "no such replay"),
        (("pause", "none"), "no such replay"),
        (("stop", "none"), "no such replay"),
    ],
)
def test_wrong_use_is_said_in_a_line(composition: _Composition, arguments: tuple[str, ...], said: str) -> None:
    answer = run(composition, *arguments)
    assert answer.exit_code == 2
    assert said in " ".join(answer.output.replace("│", " ").split())


def test_one_that_is_over_is_not_resumed(composition: _Composition) -> None:
    replay = answered(composition, "run", *HERE, "--why", "a test", "--yes", "--wait", "0")["replay"]
    assert run(composition, "stop", replay).exit_code == 0
    answer = run(composition, "resume", replay)
    assert answer.exit_code == 2
    assert "stopped" in answer.output


def test_what_nobody_can_read_is_shown_as_such(composition: _Composition) -> None:
    asyncio.run(composition.log.append_keyed(COMMANDS, [Outgoing(b"k", b"{", [("ce_type", b"?"), ("ce_id", b"1")])]))
    assert answered(composition, "run", *HERE, "--dry-run")["passed"] == {"unreadable": 1}
