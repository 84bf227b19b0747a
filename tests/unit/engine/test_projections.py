"""Projections and receipts: sums are exact whatever is delivered or published again."""

from dataclasses import replace
from random import Random
from uuid import uuid4

import pytest

from contracts.envelope import ReceiptTicket
from contracts.position import Origin, Position, origin
from contracts.replay import Replay
from contracts.topics import commands_topic, events_topic
from contracts.types import EventId, Timestamp
from tests.support import toy
from tests.support.faults import MANY, NONE, Rates
from tests.support.process import Plant, Process, plant
from tests.support.verdict import header
from tests.support.waiting import eventually
from workers.engine.decision import Item, ItemRef
from workers.engine.partitioner import partition_of
from workers.engine.receipts import RECEIPTS
from workers.engine.record import Outgoing
from workers.engine.runtime import RoleName

GROUP, EVENTS, COMMANDS = "notification-projections", events_topic("notification"), commands_topic("notification")


def total(made: Plant) -> int:
    """The shards added up."""
    return sum(int(item["sum"]) for ref, item in made.store.items.items() if ref.key.startswith("SUM#all#"))


def place(key: str, offset: int) -> Position:
    return Position(Origin(f"commands/{partition_of(key.encode(), 8)}"), offset)


class Publisher:
    """Commands roles as they publish: in order, sometimes again, sometimes late, each with its idea of what is settled."""

    def __init__(self, chance: Random) -> None:
        self._chance, self._keys = chance, [str(uuid4()) for _ in range(5)]
        self._offsets: dict[str, int] = {}
        self.sent: list[tuple[Outgoing, int]] = []

    def events(self, count: int) -> list[Outgoing]:
        result: list[Outgoing] = []
        for _ in range(count):
            if self.sent and self._chance.random() < 0.25:
                result.append(self._chance.choice(self.sent[-20:])[0])
                continue
            key = self._chance.choice(self._keys)
            where = place(key, 0).origin
            offset = self._offsets[where] = self._offsets.get(where, -1) + 1
            ids = self._chance.randint(1, 3)
            late = self._chance.random() < 0.1
            settled = max(0, offset - 40)
            record = toy.event_record(toy.read_event(key, ids), key, Position(where, offset), settled=settled, late=late)
            self.sent.append((record, ids))
            result.append(record)
        return result

    @property
    def total(self) -> int:
        return sum(ids for _, ids in self.sent)


@pytest.mark.parametrize("rates", [NONE, MANY], ids=["calm", "faults"])
@pytest.mark.parametrize("seed", range(6))
async def test_sums_are_exact_under_repeats_redelivery_and_restarts(seed: int, rates: Rates) -> None:
    chance = Random(seed)
    publisher = Publisher(chance)
    async with plant(toy.SERVICE, seed) as made:
        process = made.start(RoleName.PROJECTIONS, rates)
        for turn in range(6):
            await made.send(EVENTS, publisher.events(30))
            await touched(made, process)
            if turn % 2:
                await (process.stop() if chance.random() < 0.5 else process.stand_still())
                process = made.start(RoleName.PROJECTIONS, rates)
        await made.until_settled(GROUP, EVENTS)
        await made.quiet()
        assert total(made) == publisher.total


async def touched(made: Plant, process: Process) -> None:
    """Until the process has done something, so that it is stopped in the middle."""
    seen = len(process.store.calls)
    await eventually(lambda: len(process.store.calls) > seen or not made.open(GROUP, EVENTS))


async def test_a_row_folds_for_its_interval_and_a_stop_does_not_wait_for_it() -> None:
    async with plant(toy.SERVICE) as made:
        process = made.start(RoleName.PROJECTIONS, interval=3600.0)
        key = str(uuid4())
        await made.send(EVENTS, [toy.event_record(toy.read_event(key), key, place(key, n)) for n in range(50)])
        await eventually(lambda: len(made.clock.slept) > 3)
        assert (total(made), made.open(GROUP, EVENTS)) == (0, 50)
        await process.stop()
        assert (total(made), made.open(GROUP, EVENTS)) == (50, 0)
        (row,) = [item for ref, item in made.store.items.items() if ref.key.startswith(f"SUM#{key}#")]
        assert (row["sum"], row["_version"]) == (50, 1)


async def test_copies_that_come_with_their_original_count_once() -> None:
    """A replay's copies stand where their original stands; all of them may meet in one fold."""
    async with plant(toy.SERVICE) as made:
        process = made.start(RoleName.PROJECTIONS, interval=3600.0)
        key = str(uuid4())
        original = toy.event_record(toy.read_event(key, 3), key, place(key, 0))
        await made.send(EVENTS, [original])
        (record,) = made.records(EVENTS)
        stands = Position(origin(made.log.topic_ids[EVENTS], record.partition.number), record.offset)
        marks = Replay("run", of=stands, at=Timestamp("2026-01-31T09:30:00.000Z"), to=GROUP)
        copy = replace(original, headers=[*original.headers, *((name, text.encode()) for name, text in marks.pairs() if text)])
        await made.send(EVENTS, [copy, copy])
        await eventually(lambda: len(made.clock.slept) > 3)
        await process.stop()
        assert (total(made), made.open(GROUP, EVENTS)) == (3, 0)


async def test_a_conflict_folds_again_from_what_is_there() -> None:
    async with plant(toy.SERVICE) as made:
        key = str(uuid4())
        process = made.start(RoleName.PROJECTIONS)
        await made.send(EVENTS, [toy.event_record(toy.read_event(key), key, place(key, 0))])
        await made.until_settled(GROUP, EVENTS)
        process.store.once = ["conflict", "unknown_after", "unknown_before"]
        await made.send(EVENTS, [toy.event_record(toy.read_event(key), key, place(key, 1))])
        await made.until_settled(GROUP, EVENTS)
        assert (total(made), process.store.once) == (2, [])


async def test_a_partition_revoked_at_once_is_let_go() -> None:
    async with plant(toy.SERVICE) as made:
        first, second = made.start(RoleName.PROJECTIONS), made.start(RoleName.PROJECTIONS)
        key = str(uuid4())
        await made.send(EVENTS, [toy.event_record(toy.read_event(key), key, place(key, 0))])
        await made.until_settled(GROUP, EVENTS)
        await first.stop()
        await second.stop()
        assert total(made) == 1


# --- receipts --------------------------------------------------------------------------------------------------------

TICKET = ReceiptTicket("client", "hash-of-the-body")


def receipt(made: Plant, command: str) -> Item:
    return made.store.items[ItemRef(RECEIPTS, command)]


async def test_a_receipt_says_what_became_of_a_command() -> None:
    key, absent = str(uuid4()), str(uuid4())
    asked = {
        "applied": toy.tally_of(key, "0" + str(uuid4())[1:-1] + "0", str(uuid4())),
        "silent": toy.side_row_of(key, reason=toy.SILENT),
        "unchanged": toy.nothing_of(key),
        "refused": toy.nothing_of(absent),
    }
    ids = {name: str(uuid4()) for name in asked}
    async with plant(toy.SERVICE) as made:
        records = [toy.command_record(data, command_id=ids[name], receipt=TICKET) for name, data in asked.items()]
        await made.send(COMMANDS, [*records, toy.command_record(toy.tally_of(key))])
        made.start(RoleName.COMMANDS)
        made.start(RoleName.PROJECTIONS)
        await made.until_settled("notification-commands", COMMANDS)
        await made.until_settled(GROUP, EVENTS)
        rows = {name: receipt(made, command) for name, command in ids.items()}
        assert {name: row["state"] for name, row in rows.items()} == {
            "applied": "applied",
            "silent": "applied",
            "unchanged": "unchanged",
            "refused": "refused",
        }
        assert rows["refused"]["reason"] == "toy_absent"
        applied = rows["applied"]
        events = [header(record, "ce_id") for record in made.records(EVENTS) if header(record, "ce_causationid") == ids["applied"]]
        assert (applied["eventIds"], len(events)) == (events, 2)
        assert (applied["client"], applied["bodyHash"], applied["kind"], applied["key"]) == (
            "client",
            "hash-of-the-body",
            asked["applied"].kind(),
            key,
        )
        assert len([ref for ref in made.store.items if ref.table == RECEIPTS]) == len(ids)


async def test_an_outcome_published_again_leaves_its_receipt_as_it_is() -> None:
    key, event = str(uuid4()), EventId(str(uuid4()))
    async with plant(toy.SERVICE) as made:
        record = toy.event_record(toy.read_event(key), key, Position(Origin("commands/0"), 3), event=event, receipt=TICKET)
        late = toy.event_record(toy.read_event(key), key, Position(Origin("commands/0"), 3), event=event, receipt=TICKET, late=True)
        process = made.start(RoleName.PROJECTIONS)
        await made.send(EVENTS, [record, record])
        await made.until_settled(GROUP, EVENTS)
        before = dict(made.store.items)
        await process.stop()
        made.start(RoleName.PROJECTIONS)
        await made.send(EVENTS, [record, late])
        await made.until_settled(GROUP, EVENTS)
        ref = ItemRef(RECEIPTS, "commands/0/3")
        assert made.store.items[ref]["eventIds"] == before[ref]["eventIds"] == [event]
