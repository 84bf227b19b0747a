"""What nobody could read, sent once more: an event to the one role that failed, which counts it once although later ones have passed it."""

from random import Random
from typing import Any
from uuid import uuid4

import pytest

from contracts.catalogue import InvalidRecord, decode
from contracts.envelope import Envelope, text_headers
from contracts.platform import SkipRecord
from contracts.position import Origin, Position
from contracts.replay import NONE, Replay
from contracts.timestamps import from_milliseconds
from tests.support import toy
from tests.support.waiting import eventually
from tests.unit.engine.test_parking_events import EVENTS, PROJECTIONS, REACTIONS, Bench
from tests.unit.ops.test_failure_decisions import NADIA, Opening
from workers.engine import arrivals
from workers.engine.memory.reading import MemoryReader
from workers.engine.quarantine import FAILURES
from workers.engine.record import Outgoing, Record
from workers.ops.decision_rows import Decided, State
from workers.ops.failed_record import FailedRecord, NotDecided, again, word_about
from workers.ops.failure_decisions import FailureDecisions
from workers.ops.quarantined import Failure, Failures
from workers.ops.replay.selection import Selection

GROUP = f"notification-{PROJECTIONS}"


class OlderBuild:
    """Cannot read some events, by their ids."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.unread: set[str] = set()

        def older(key: Any, value: Any, headers: Any, at: int) -> Any:
            decoded = decode(key, value, headers, at)
            if decoded.envelope.id in self.unread:
                raise InvalidRecord("unknown_version", "a version this build does not know")
            return decoded

        monkeypatch.setattr(arrivals, "decode", older)


@pytest.fixture
def older(monkeypatch: pytest.MonkeyPatch) -> OlderBuild:
    return OlderBuild(monkeypatch)


def failures(bench: Bench) -> list[Any]:
    return sorted((item for ref, item in bench.items.items() if ref.table == FAILURES), key=lambda item: str(item["lastAt"]))


async def retried(bench: Bench, failure: str) -> Decided:
    store = bench.store()
    services = {"notification": bench.service()}
    decisions = FailureDecisions(Failures(store, Opening()), store, bench.log, MemoryReader(bench.log), bench.clock, Random(1), services)
    return await decisions.retry(failure, NADIA)


def told(bench: Bench) -> list[Record]:
    return [record for partition, records in bench.log.records.items() if partition.topic == EVENTS for record in records]


def envelope(record: Record) -> Envelope:
    return Envelope.from_headers(text_headers(record.headers))


async def test_a_projection_that_went_on_counts_it_once(older: OlderBuild) -> None:
    bench, key = Bench(), str(uuid4())
    ids = await bench.read(key, 3)
    older.unread = {ids[0]}
    async with bench.running(PROJECTIONS):
        await eventually(lambda: bench.committed(PROJECTIONS) == 3)
        assert bench.total(key) == 2
    older.unread.clear()
    async with bench.running(PROJECTIONS):
        (failure,) = failures(bench)
        assert (await retried(bench, failure["id"])).state is State.RESENT
        await eventually(lambda: bench.total(key) == 3 and bench.committed(PROJECTIONS) == 4)
        # What is published again after a crash of its publisher.
        last = told(bench)[-1]
        twice = Outgoing(key.encode(), last.value or b"", [(name, text or b"") for name, text in last.headers])
        await bench.log.append_keyed(EVENTS, [twice])
        await eventually(lambda: bench.committed(PROJECTIONS) == 5)
    assert bench.total(key) == 3
    assert [row["state"] for row in failures(bench)] == ["resent"]


async def test_still_unread_it_is_another_failure_and_counted_once_in_the_end(older: OlderBuild) -> None:
    bench, key = Bench(), str(uuid4())
    ids = await bench.read(key, 2)
    older.unread = {ids[0]}
    async with bench.running(PROJECTIONS):
        await eventually(lambda: bench.committed(PROJECTIONS) == 2)
        await retried(bench, failures(bench)[0]["id"])
        await eventually(lambda: bench.committed(PROJECTIONS) == 3)
        older.unread.clear()
        for failure in [row for row in failures(bench) if row["state"] == "open"]:
            await retried(bench, failure["id"])
        await eventually(lambda: bench.committed(PROJECTIONS) == 4 and bench.total(key) == 2)
    assert [row["state"] for row in failures(bench)] == ["resent", "resent"]
    assert [envelope(record).replay for record in told(bench)[2:]] == [Replay(failures(bench)[0]["id"], "all", to=GROUP)] * 2


async def test_other_roles_pass_it_by_also_when_they_read_it_back(older: OlderBuild) -> None:
    bench, key = Bench(), str(uuid4())
    ids = await bench.read(key, 3)
    async with bench.running(REACTIONS):
        await eventually(lambda: bench.committed(REACTIONS) == 3)
    older.unread = {ids[0]}
    async with bench.running(PROJECTIONS):
        await eventually(lambda: bench.committed(PROJECTIONS) == 3)
    older.unread.clear()
    await retried(bench, failures(bench)[0]["id"])
    for committed in (4, 5):
        async with bench.running(REACTIONS):
            await eventually(lambda n=committed: bench.committed(REACTIONS) == n)  # type: ignore[misc]  # a default binds it
        if committed == 4:
            await bench.read(key, 1)
    sent = [record for partition, each in bench.log.records.items() if partition.topic != EVENTS for record in each]
    assert len(sent) == len({envelope(record).id for record in sent}) == 4


async def test_a_replay_selects_the_original_alone(older: OlderBuild) -> None:
    bench, key = Bench(), str(uuid4())
    ids = await bench.read(key, 1)
    older.unread = set(ids)
    async with bench.running(PROJECTIONS):
        await eventually(lambda: bench.committed(PROJECTIONS) == 1)
    await retried(bench, failures(bench)[0]["id"])
    selection = Selection(topics=(EVENTS,))
    assert [selection.takes(each, Position(Origin("t/0"), each.offset)) for each in told(bench)] == [True, False]


# --- what is made of a failed record -----------------------------------------------------------------------------------


def failed(record: Outgoing, role: str, replay: Replay | None = None, attempts: int = 1) -> FailedRecord:
    marks = [(name, text.encode()) for name, text in replay.pairs() if text is not None] if replay else []
    item = {
        "id": str(uuid4()),
        "role": role,
        "service": "notification",
        "position": "t/0/9",
        "topic": "topic",
        "attempts": attempts,
        "appendedAt": from_milliseconds(1_790_000_000_000),
    }
    return FailedRecord(item, record.key, record.value, [*record.headers, *marks])


def an_event() -> Outgoing:
    key = str(uuid4())
    return toy.event_record(toy.read_event(key, 1), key, Position(Origin("commands/0"), 3))


def replay_of(record: Outgoing) -> Replay | None:
    return Replay.from_headers(text_headers(record.headers))


def test_an_event_that_follows_a_replay_may_call_whom_that_allowed() -> None:
    made = again(failed(an_event(), GROUP, Replay("r1", NONE, Position(Origin("c/0"), 2))))
    assert replay_of(made) == Replay("r1", NONE, Position(Origin("c/0"), 2), to=GROUP)
    assert [name for name, _ in made.headers].count("ce_replay") == 1


def test_an_event_whose_replay_cannot_be_read_calls_nobody() -> None:
    event = an_event()
    spoilt = Outgoing(event.key, event.value, [*event.headers, ("ce_replay", b"no name!")])
    made = replay_of(again(failed(spoilt, GROUP)))
    assert made is not None
    assert (made.effects, made.to, made.is_copy) == (NONE, GROUP, False)


def test_a_copy_of_an_event_stays_where_its_original_stands() -> None:
    copy = Replay("r1", NONE, Position(Origin("t/0"), 2), from_milliseconds(1), "notification-reactions")
    made = again(failed(an_event(), "notification-reactions", copy))
    assert replay_of(made) == copy
    assert "ce_late" not in dict(made.headers)


def test_what_is_sent_for_a_copy_of_a_command_that_was_passed_is_no_copy() -> None:
    """Judged where its original stands it would count as seen."""
    command = toy.command_record(toy.side_row_of(str(uuid4())))
    copy = Replay("r1", NONE, Position(Origin("t/0"), 2), from_milliseconds(1_790_000_000_000))
    record = failed(command, "notification-commands", copy, attempts=12)
    assert replay_of(again(record)) == Replay("r1", NONE)


@pytest.mark.parametrize(("copied", "named"), [(True, "t/0/2"), (False, "t/0/9")])
def test_a_word_names_the_place_that_counts(copied: bool, named: str) -> None:
    command = toy.command_record(toy.side_row_of(str(uuid4())))
    at = from_milliseconds(1_790_000_000_000)
    record = failed(command, "notification-commands", Replay("r1", NONE, Position(Origin("t/0"), 2), at if copied else None))
    said = word_about(record, SkipRecord, "nadia", "not wanted", at)
    data = decode(said.key, said.value, said.headers, 1_790_000_000_000).data
    assert isinstance(data, SkipRecord)
    assert data.position == named


def test_a_delivery_is_no_record() -> None:
    with pytest.raises(NotDecided, match="delivery of a provider"):
        FailedRecord.of(Failure({"id": "x"}, b"{}"))
