"""What people decide about failures, on a worker that runs meanwhile."""

from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import orjson
import pytest

from contracts.catalogue import decode
from contracts.notification.commands import RecordNotificationSuppressed
from contracts.platform import DiscardRecord, SkipRecord
from contracts.topics import commands_topic
from tests.support import toy
from tests.support.poisoned import Bench, expected_chain, line
from tests.support.raw_sealer import PREFIX, reopened
from tests.support.rebuilt import Rebuilt, shadow_in
from tests.support.verdict import header
from tests.support.waiting import eventually
from workers.engine.bookmarks import AUDIT
from workers.engine.memory import MemoryStore
from workers.engine.memory.reading import MemoryReader
from workers.engine.parking import PARKED
from workers.engine.quarantine import FAILURES
from workers.engine.record import Outgoing, Record
from workers.engine.root import HOLD
from workers.ops.decision_rows import Person, State
from workers.ops.failed_record import NotDecided, edited
from workers.ops.failure_decisions import FailureDecisions
from workers.ops.quarantined import Failures

COMMANDS = commands_topic("notification")
NADIA = Person("nadia", "the provider confirmed it")


class Opening:
    async def open(self, sealed: str) -> bytes:
        assert sealed.startswith(PREFIX)
        return reopened(sealed)


def deciding(bench: Bench) -> FailureDecisions:
    services = {"notification": bench.service()}
    failures = Failures(bench.store, Opening())
    return FailureDecisions(failures, bench.store, bench.log, MemoryReader(bench.log), bench.clock, Random(1), services)


def failures(store: MemoryStore) -> list[Any]:
    return sorted((item for ref, item in store.items.items() if ref.table == FAILURES), key=lambda item: item["position"])


def appended(bench: Bench) -> list[Record]:
    return [record for partition, records in bench.log.records.items() if partition.topic == COMMANDS for record in records]


def said(bench: Bench) -> list[Any]:
    """What people said about records."""
    found = [decode(each.key, each.value, each.headers, each.timestamp).data for each in appended(bench) if _is_word(each)]
    return [each.to_item() | {"word": type(each).__name__} for each in found]


def sent(bench: Bench) -> list[Record]:
    return [each for each in appended(bench) if not _is_word(each)]


def _is_word(record: Record) -> bool:
    return header(record, "ce_type").split(".")[2] in ("SkipRecord", "DiscardRecord")


def tried(bench: Bench) -> int:
    return max((item["attempts"] for ref, item in bench.store.items.items() if ref.table == PARKED and "attempts" in item), default=0)


async def quarantined(bench: Bench, commands: list[RecordNotificationSuppressed]) -> str:
    """Sends them while the first is broken, until it is given up."""
    bench.broken = {commands[0].notification_id}
    await bench.send(*commands)
    await eventually(lambda: bench.committed() == len(appended(bench)))
    while not failures(bench.store):
        tries = tried(bench)
        bench.clock.moved += 3_600_000
        await eventually(lambda tries=tries: failures(bench.store) or tried(bench) > tries)  # type: ignore[misc]  # a default binds it
    failure: str = failures(bench.store)[0]["id"]
    return failure


async def test_retried_after_the_mend_the_line_goes_on_in_its_order() -> None:
    bench, commands = Bench(), line(str(uuid4()), 4)
    async with bench.running():
        failure = await quarantined(bench, commands)
        bench.broken.clear()
        assert (await deciding(bench).retry(failure, NADIA)).state is State.RETRIED
        await eventually(lambda: not bench.parked())
    assert bench.root(commands[0].key)["chain"] == expected_chain(commands)
    (row,) = failures(bench.store)
    assert (row["state"], row["decidedBy"], row["decidedWhy"]) == ("retried", "nadia", NADIA.why)


async def test_what_fails_again_is_open_again() -> None:
    bench, commands = Bench(), line(str(uuid4()), 2)
    async with bench.running():
        failure = await quarantined(bench, commands)
        await deciding(bench).retry(failure, NADIA)
        assert failures(bench.store)[0]["state"] == "retried"
        while failures(bench.store)[0]["state"] == "retried":
            tries = tried(bench)
            bench.clock.moved += 3_600_000
            await eventually(lambda tries=tries: tried(bench) > tries or failures(bench.store)[0]["state"] == "open")  # type: ignore[misc]  # a default binds it
    assert len(failures(bench.store)) == 1
    assert HOLD in bench.root(commands[0].key)


@pytest.mark.parametrize(("verb", "state", "word"), [("skip", State.SKIPPED, SkipRecord), ("discard", State.DISCARDED, DiscardRecord)])
async def test_passed_over_those_behind_go_on_and_the_log_knows(verb: str, state: State, word: Any) -> None:
    bench, commands = Bench(), line(str(uuid4()), 4)
    async with bench.running():
        failure = await quarantined(bench, commands)
        decided = await getattr(deciding(bench), verb)(failure, NADIA)
        await eventually(lambda: not bench.parked() and HOLD not in bench.root(commands[0].key))
        await eventually(lambda: bench.committed() == 5)
    assert decided.state is state
    assert bench.root(commands[0].key)["chain"] == expected_chain(commands[1:])
    said = appended(bench)[-1]
    data = decode(said.key, said.value, said.headers, said.timestamp).data
    assert isinstance(data, word)
    assert (data.position, data.role, data.who) == (failures(bench.store)[0]["position"], "notification-commands", "nadia")
    assert len(failures(bench.store)) == 1, "the word itself is nobody's failure"


async def test_a_record_in_the_middle_of_a_line_is_passed_over_when_its_turn_comes() -> None:
    bench, commands = Bench(), line(str(uuid4()), 4)
    async with bench.running():
        failure = await quarantined(bench, commands)
        decisions = deciding(bench)
        second = next(ref for ref, item in bench.store.items.items() if item.get("offset") == 1)
        bench.store.items[second] = {**bench.store.items[second], "state": "skipped"}
        bench.broken.clear()
        await decisions.retry(failure, NADIA)
        await eventually(lambda: not bench.parked() and HOLD not in bench.root(commands[0].key))
    assert bench.root(commands[0].key)["chain"] == expected_chain([commands[0], *commands[2:]])


async def test_edited_it_is_another_command_caused_by_the_first() -> None:
    bench, commands = Bench(), line(str(uuid4()), 3)
    async with bench.running():
        failure = await quarantined(bench, commands)
        decisions = deciding(bench)
        model, data = await decisions.message(failure)
        better = edited(model, {**data, "notificationId": str(uuid4())})
        assert isinstance(better, RecordNotificationSuppressed)
        decided = await decisions.edit(failure, better, NADIA)
        await eventually(lambda: not bench.parked() and bench.root(commands[0].key).get("total") == 3)
    first, sent = appended(bench)[0], next(each for each in appended(bench) if header(each, "ce_id") == decided.command)
    assert header(sent, "ce_causationid") == header(first, "ce_id")
    assert header(sent, "ce_actor") == header(first, "ce_actor")
    assert bench.root(commands[0].key)["chain"] == expected_chain([*commands[1:], better])


async def test_what_breaks_the_model_is_named_by_its_field_and_nothing_is_sent() -> None:
    bench, commands = Bench(), line(str(uuid4()), 1)
    async with bench.running():
        failure = await quarantined(bench, commands)
        model, data = await deciding(bench).message(failure)
        with pytest.raises(NotDecided, match="notificationId"):
            edited(model, {**data, "notificationId": "somebody@example.org"})
    assert len(appended(bench)) == 1
    assert failures(bench.store)[0]["state"] == "open"


async def test_decided_once_it_is_not_decided_again() -> None:
    bench, commands = Bench(), line(str(uuid4()), 2)
    async with bench.running():
        failure = await quarantined(bench, commands)
        await deciding(bench).skip(failure, NADIA)
        for verb in ("skip", "retry", "discard"):
            with pytest.raises(NotDecided, match="was skipped by nadia"):
                await getattr(deciding(bench), verb)(failure, NADIA)
    assert sum(ref.table == AUDIT and item.get("what") == "failures skipped" for ref, item in bench.store.items.items()) == 1


async def test_a_record_that_nobody_could_read_is_sent_once_more_as_it_is() -> None:
    bench = Bench()
    good = toy.command_record(toy.side_row_of(str(uuid4())))
    async with bench.running():
        await bench.log.append_keyed(COMMANDS, [Outgoing(good.key, orjson.dumps({"recipientId": "no"}), good.headers)])
        await eventually(lambda: bool(failures(bench.store)))
        decided = await deciding(bench).retry(failures(bench.store)[0]["id"], NADIA)
        assert decided.state is State.RESENT
        await eventually(lambda: len(failures(bench.store)) == 2)
    assert [row["state"] for row in failures(bench.store)] == ["resent", "open"]
    first, again = sent(bench)
    assert (again.value, header(again, "ce_id")) == (first.value, header(first, "ce_id"))


async def test_a_kind_that_let_others_pass_is_retried_as_another_command() -> None:
    bench, commands = Bench(ordered=False), line(str(uuid4()), 3)
    async with bench.running():
        failure = await quarantined(bench, commands)
        await eventually(lambda: not bench.parked() and bench.root(commands[0].key).get("total") == 2)
        bench.broken.clear()
        decided = await deciding(bench).retry(failure, NADIA)
        await eventually(lambda: bench.root(commands[0].key).get("total") == 3)
    assert header(sent(bench)[-1], "ce_id") == decided.command != header(sent(bench)[0], "ce_id")
    assert decided.state is State.RESENT
    assert bench.root(commands[0].key)["chain"] == expected_chain([*commands[1:], commands[0]])


# --- the log judged again says the same --------------------------------------------------------------------------------


async def no_drift(bench: Bench, folder: Path) -> None:
    with shadow_in(folder) as shadow:
        rebuilt = Rebuilt(bench, shadow, bench.service())
        assert await rebuilt.drifts() == []
        assert shadow.differing_roots() == []


@pytest.mark.parametrize("verb", ["retry", "edit", "skip", "discard"])
@pytest.mark.parametrize("ordered", [True, False])
async def test_a_rebuild_agrees_with_what_was_decided(verb: str, ordered: bool, tmp_path: Path) -> None:
    bench, commands = Bench(ordered=ordered), line(str(uuid4()), 3)
    key = commands[0].key
    async with bench.running():
        failure = await quarantined(bench, commands)
        bench.broken.clear()
        other = (toy.side_row_of(key),) if verb == "edit" else ()
        await getattr(deciding(bench), verb)(failure, *other, NADIA)
        total = 2 if verb in ("skip", "discard") else 3
        await eventually(lambda: not bench.parked() and bench.root(key).get("total") == total and HOLD not in bench.root(key))
        await eventually(lambda: bench.committed() == len(appended(bench)))
    await no_drift(bench, tmp_path)
