"""What a selection takes, how it is said, and that it is found where it stands."""

from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import pytest

from contracts.position import Position
from contracts.timestamps import from_milliseconds
from tests.support import toy
from tests.support.failed_records import RAISED, FailedRecords
from tests.support.keys import sealer
from tests.support.process import Plant, plant
from tests.support.replays import COMMANDS, EVENTS, name_of, plan_of, replays_on, run_roles
from tests.support.stories import story
from workers.adapters.raw_sealing import OperationsSealer
from workers.engine.memory import MemoryStore
from workers.engine.memory.reading import MemoryReader
from workers.engine.record import Outgoing, Record
from workers.main import MindLinks
from workers.ops.quarantined import Failures
from workers.ops.replay.places import places_of
from workers.ops.replay.plan import Mode, PlanError, effects_of
from workers.ops.replay.reading import selected, spans_of
from workers.ops.replay.selection import Selection, SelectionError
from workers.ops.replay.wishes import Said, selection_of

SERVICES = MindLinks.services


async def found(made: Plant, selection: Selection) -> list[Record]:
    reader = MemoryReader(made.log)
    return [record async for record in selected(reader, selection, await spans_of(reader, selection))]


async def filled(made: Plant) -> list[Record]:
    for data in story(Random(1), 8, 60):
        made.clock.advance(1)
        await made.send(COMMANDS, [toy.command_record(data)])
    return made.records(COMMANDS)


def header(record: Record, name: str) -> str:
    return next((value or b"").decode() for each, value in record.headers if each == name)


async def test_each_condition_takes_exactly_what_it_says_by_append_time() -> None:
    async with plant(toy.SERVICE) as made:
        records = await filled(made)
        some = records[17]
        key, kind = (some.key or b"").decode(), header(some, "ce_type")
        middle = from_milliseconds(sorted(each.timestamp for each in records)[30])
        origin = made.log.topic_ids[COMMANDS]
        place = Position.parse(f"{origin}/{some.partition.number}/{some.offset}")
        cases: list[tuple[Selection, Any]] = [
            (Selection((COMMANDS,)), lambda each: True),
            (Selection((COMMANDS,), keys=frozenset({key})), lambda each: each.key == some.key),
            (Selection((COMMANDS,), kinds=frozenset({kind})), lambda each: header(each, "ce_type") == kind),
            (Selection((COMMANDS,), kinds=frozenset({kind.split(".")[2]})), lambda each: header(each, "ce_type") == kind),
            (Selection((COMMANDS,), since=middle), lambda each: from_milliseconds(each.timestamp) >= middle),
            (Selection((COMMANDS,), until=middle), lambda each: from_milliseconds(each.timestamp) < middle),
            (Selection((COMMANDS,), ids=frozenset({name_of(some)})), lambda each: each is some),
            (Selection((COMMANDS,), correlations=frozenset({header(some, "ce_correlationid")})), lambda each: each is some),
            (Selection((COMMANDS,), places=frozenset({str(place)})), lambda each: each is some),
            (
                Selection((COMMANDS,), partition=some.partition.number, first=1, last=some.offset),
                lambda each: each.partition == some.partition and 1 <= each.offset <= some.offset,
            ),
        ]
        for selection, wanted in cases:
            answer = await found(made, selection)
            assert answer, selection
            assert sorted(answer, key=str) == sorted(filter(wanted, records), key=str), selection
            assert [each.timestamp for each in answer] == sorted(each.timestamp for each in answer)
            assert Selection.read(selection.told()) == selection


async def test_the_count_says_what_a_run_would_read() -> None:
    async with plant(toy.SERVICE) as made:
        records = await filled(made)
        census = (await replays_on(made).prepare(plan_of(Selection((COMMANDS,))))).census
        assert (census.records, census.keys) == (60, len({each.key for each in records}))
        assert census.kinds.total() == 60
        assert census.seconds(30.0) == 2.0
        assert census.span == (from_milliseconds(min(r.timestamp for r in records)), from_milliseconds(max(r.timestamp for r in records)))


async def test_what_is_appended_after_the_count_is_not_selected() -> None:
    async with plant(toy.SERVICE) as made:
        await filled(made)
        reader, selection = MemoryReader(made.log), Selection((COMMANDS,))
        spans = await spans_of(reader, selection)
        await filled(made)
        assert len([record async for record in selected(reader, selection, spans)]) == 60


async def test_an_event_that_was_published_twice_is_selected_once_even_when_only_the_second_is_in_range() -> None:
    async with plant(toy.SERVICE) as made:
        await made.send(COMMANDS, [toy.command_record(toy.side_row_of(str(uuid4())))])
        await run_roles(made)
        (partition,) = [each for each, records in made.log.records.items() if each.topic == EVENTS and records]
        event = made.log.records[partition][0]
        await made.send(EVENTS, [Outgoing(event.key or b"", event.value or b"", [(n, v or b"") for n, v in event.headers])])
        assert len(await found(made, Selection((EVENTS,)))) == 1
        assert await found(made, Selection((EVENTS,), partition=partition.number, first=1)) == []


async def test_a_fingerprint_selects_the_records_in_quarantine_under_it() -> None:
    store, opening = MemoryStore(), OperationsSealer(sealer())
    filled_with = FailedRecords(store, opening)
    await filled_with.raised(str(uuid4()))
    await filled_with.unreadable(str(uuid4()))
    places = await places_of(store, Failures(store, opening), RAISED)
    rows = [item for item in store.items.values() if item.get("fingerprint") == RAISED]
    assert places == {rows[0]["topic"]: frozenset({rows[0]["position"]})}
    with pytest.raises(SelectionError, match="failures list"):
        await places_of(store, Failures(store, opening), "nothing/of/it")


def test_services_offsets_times_and_files_are_said_as_people_say_them(tmp_path: Path) -> None:
    ids = tmp_path / "ids"
    ids.write_text("# of ticket 7\na\n\nb\n", encoding="utf-8")
    said = selection_of(Said(services=["payment"], partition=3, offsets="10-20", since="2026-01-31", ids=ids), SERVICES)
    assert said == Selection(
        ("mindlinks.payment.commands",),
        partition=3,
        first=10,
        last=20,
        since=from_milliseconds(1_769_817_600_000),
        ids=frozenset({"a", "b"}),
    )
    assert selection_of(Said(services=["payment"], partition=1, offsets="-5"), SERVICES).last == 5
    assert selection_of(Said(services=["payment"], partition=1, offsets="5"), SERVICES).first == 5
    assert len(selection_of(Said(correlations=["c"]), SERVICES).topics) == len(SERVICES)
    placed: Mapping[str, frozenset[str]] = {EVENTS: frozenset({"t/0/1"})}
    assert selection_of(Said(), SERVICES, placed) == Selection((EVENTS,), places=frozenset({"t/0/1"}))


@pytest.mark.parametrize(
    "said",
    [
        Said(topics=["mindlinks.nobody.commands"]),
        Said(services=["nobody"]),
        Said(offsets="1-2"),
        Said(services=["payment"], partition=1, offsets="one"),
        Said(partition=1),
        Said(since="soon"),
        Said(since="2026-02-01", until="2026-01-01"),
        Said(ids=Path("nowhere")),
        Said(ids=Path(__file__).parent),
    ],
)
def test_what_cannot_be_meant_is_refused(said: Said) -> None:
    with pytest.raises(SelectionError):
        selection_of(said, SERVICES)


def test_a_plan_that_cannot_be_meant_is_refused() -> None:
    for wrong in (
        lambda: plan_of(Selection((COMMANDS, EVENTS))),
        lambda: plan_of(Selection((EVENTS,)), Mode.REDO),
        lambda: plan_of(Selection((COMMANDS,)), to="payment-commands"),
        lambda: effects_of("only=nobody", frozenset({"stripe"})),
        lambda: effects_of("some", frozenset({"stripe"})),
    ):
        with pytest.raises(PlanError):
            wrong()
    assert effects_of("only=stripe,ses", frozenset({"stripe", "ses"})) == "ses,stripe"
