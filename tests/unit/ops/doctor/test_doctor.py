"""``mindlinks doctor`` over a small system in memory: nothing is found while it is well, and each fault is found, alone."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from contracts.envelope import Envelope
from contracts.ids import event_id
from contracts.position import Origin, Position
from contracts.timestamps import from_milliseconds
from tests.support import toy
from tests.support.command_context import CommandContext, invoked
from tests.support.failed_records import UNREADABLE, FailedRecords
from tests.support.keys import HandClock, key_ring
from tests.support.ward import COMMANDS, EVENTS, SERVICES, Ward, ward
from tests.unit.services.payment.books import CONTRACT, funded
from workers.adapters.dynamodb_differences import Difference, DifferenceKind
from workers.adapters.kafka_admin import TopicDifference
from workers.adapters.raw_sealing import OperationsSealer
from workers.adapters.sealing import Sealer
from workers.engine.bookmarks import Bookmark, watermark_ref
from workers.engine.decision import ItemRef
from workers.engine.ledger import EffectState, claimed
from workers.engine.memory import MemoryLog, MemoryStore
from workers.engine.memory.reading import MemoryReader
from workers.engine.metrics import NoMetrics
from workers.engine.ports import LogUnavailable, Offset, StoreUnavailable
from workers.engine.reading import Bounds
from workers.engine.record import Partition, Record
from workers.engine.root import OUTCOMES, VERSION, Root
from workers.engine.runtime import World, build_role, roles_of
from workers.main import MindLinks
from workers.ops import books
from workers.ops.doctor import commands, outcomes
from workers.ops.doctor.commands import CHECKS
from workers.ops.doctor.examining import Health, examine
from workers.ops.doctor.finding import Finding, Kind
from workers.ops.doctor.system import Depth, topics_of
from workers.ops.terminal import console

GROUP = "notification-commands"
LATE = 120.0
KEYS = [f"{n:08d}-0000-4000-8000-000000000000" for n in range(6)]


@pytest.fixture
async def sick() -> AsyncIterator[Ward]:
    """Well, until a test makes it something else."""
    async with ward() as made:
        tallies = [toy.tally_of(key, made.name()) for key in KEYS * 3]
        await made.works(*tallies, *(toy.side_row_of(key, made.name(), toy.TIMER) for key in KEYS[:2]))
        # The last write of a root leaves its outcome there.
        await made.works(*(toy.claiming_of(key) for key in KEYS[:3]))
        yield made


async def health(sick: Ward, *only: str, depth: Depth | None = None) -> Health:
    return await examine(sick.system(depth), {name: check for name, check in CHECKS.items() if not only or name in only}, 5.0)


async def alone(sick: Ward, kind: Kind, depth: Depth | None = None) -> Finding:
    """The one finding of all checks."""
    found = (await health(sick, depth=depth)).findings
    assert [each.kind for each in found] == [kind], found
    assert all((found[0].about, found[0].what, found[0].means, found[0].do))
    return found[0]


def busiest(sick: Ward, topic: str = COMMANDS) -> Partition:
    stored = sick.made.log.records
    return max((each for each in stored if each.topic == topic), key=lambda each: len(stored[each]))


def origin_of(sick: Ward, partition: Partition) -> Origin:
    return sick.made.log.assigned(sick.made.log.group(GROUP), partition).origin


def commit(sick: Ward, partition: Partition, offset: int, *, by_role: bool) -> None:
    mark = Bookmark(origin_of(sick, partition), offset).pack() if by_role else ""
    sick.made.log.group(GROUP).committed[partition] = Offset(offset, mark)


async def test_nothing_is_found_while_it_is_well(sick: Ward) -> None:
    for seconds in (0.0, LATE):
        sick.made.clock.advance(seconds)
        for depth in (Depth(), Depth(sample=None)):
            found = await health(sick, depth=depth)
            assert found.findings == []
            assert found.healthy
    assert found.left_out == [], "--deep leaves nothing out"
    looked = {each.check: each.looked_at for each in found.checks}
    assert set(looked) == set(CHECKS)
    assert looked["groups"] == "5 groups"
    assert "whole tables" in looked["outcomes"]
    assert ", 0 outcomes" not in looked["outcomes"]


async def test_a_group_without_members(sick: Ward) -> None:
    sick.groups.without = {"notification-reactions"}
    found = await alone(sick, Kind.NO_MEMBERS)
    assert found.do == "mindlinks run notification:reactions"
    sick.groups.without = set(topics_of(SERVICES))
    assert (await alone(sick, Kind.NO_MEMBERS)).do == "mindlinks run notification"


async def test_records_that_wait_too_long(sick: Ward) -> None:
    await sick.made.send(COMMANDS, [toy.command_record(toy.tally_of(KEYS[0]))])
    assert (await health(sick)).healthy, "a record that has just come in is no fault"
    sick.made.clock.advance(LATE)
    found = await alone(sick, Kind.LAG)
    assert found.about == GROUP
    assert "1 record waiting" in found.what
    assert "120 s" in found.what


class Shortened(MemoryReader):
    """Retention took what lies below ``begin``."""

    begin = 0

    async def bounds(self, partitions: Sequence[Partition]) -> Mapping[Partition, Bounds]:
        found = await super().bounds(partitions)
        return {
            each: replace(bound, begin=min(self.begin, bound.end)) if each.topic == COMMANDS else bound for each, bound in found.items()
        }


async def test_offsets_behind_retention(sick: Ward) -> None:
    sick.reader = shortened = Shortened(sick.made.log)
    shortened.begin = 2
    assert (await health(sick)).healthy, "what was read may go"
    commit(sick, busiest(sick), 0, by_role=True)
    found = await alone(sick, Kind.BEHIND_RETENTION)
    assert "2 records" in found.what
    assert f"partition {busiest(sick).number}" in found.what


async def test_offsets_beyond_the_end(sick: Ward) -> None:
    partition = busiest(sick)
    commit(sick, partition, len(sick.made.log.records[partition]) + 1, by_role=True)
    assert (await alone(sick, Kind.BEYOND_END)).about == GROUP


async def test_a_topic_made_anew_is_read_from_its_beginning_and_is_no_fault(sick: Ward) -> None:
    sick.made.log.add_topic(COMMANDS, 8)
    assert (await health(sick)).healthy


async def test_offsets_moved_forward_by_hand(sick: Ward) -> None:
    partition = busiest(sick)
    end = len(sick.made.log.records[partition])
    row = {"group": GROUP, "origin": origin_of(sick, partition), "offset": end - 2, VERSION: 1}
    ref = watermark_ref(GROUP, partition)
    sick.made.store.items[ref] = {**row, "day": ref.key, "entry": ref.range}
    assert (await health(sick)).healthy, "the row is kept only now and then, the commit says who made it"
    commit(sick, partition, end, by_role=False)
    found = await alone(sick, Kind.MOVED_OFFSETS)
    assert "2 records" in found.what
    assert f"mindlinks resume {GROUP}" in found.do


async def test_parked_keys(sick: Ward) -> None:
    await sick.parks(toy.side_row_of(KEYS[1], reason=toy.BUG), toy.tally_of(KEYS[1]))
    found = await alone(sick, Kind.PARKED)
    assert found.about == GROUP
    for words in ("1 key parked with 2 records", "ValueError/", "/side_row", KEYS[1]):
        assert words in found.what
    assert f"mindlinks story {KEYS[1]}" in found.do


async def test_a_line_whose_first_record_was_given_up_waits_for_people(sick: Ward) -> None:
    await sick.parks(toy.side_row_of(KEYS[1], reason=toy.BUG), toy.tally_of(KEYS[1]))
    first = min((ref for ref in sick.made.store.items if ref.table == "platform-parked"), key=lambda ref: ref.range or "")
    sick.made.store.items[first] = {**sick.made.store.items[first], "state": "quarantined"}
    found = await alone(sick, Kind.PARKED)
    assert "waits for a person" in found.means
    assert "mindlinks failures retry --fingerprint 'ValueError/" in found.do


async def test_quarantined_records(sick: Ward) -> None:
    failed = FailedRecords(sick.made.store, OperationsSealer(Sealer(key_ring(sick.made.store))))
    await failed.unreadable(KEYS[0])
    await failed.unreadable(KEYS[1])
    found = await alone(sick, Kind.QUARANTINED)
    assert "2 records of 2 keys" in found.what
    assert f"--fingerprint '{UNREADABLE}'" in found.do
    for ref in [ref for ref in sick.made.store.items if ref.table == "platform-failures"]:
        sick.made.store.items[ref] = {**sick.made.store.items[ref], "state": "discarded"}
    assert (await health(sick)).healthy


def forget(sick: Ward) -> tuple[ItemRef, Position]:
    """One event of an outcome that rests on its root, as if it had never been published; whose, and of which command."""
    for ref, item in sick.made.store.items.items():
        for outcome in Root.of(item).outcomes if OUTCOMES in item else ():
            name = event_id(outcome.command, outcome.said[0].name, 0) if outcome.said else ""
            for partition, records in sick.made.log.records.items():
                for index, record in enumerate(records):
                    if partition.topic == EVENTS and ("ce_id", name.encode()) in record.headers:
                        headers = [(n, b"another" if n == "ce_id" else v) for n, v in record.headers]
                        records[index] = replace(record, headers=tuple(headers))
                        return ref, outcome.position
    raise AssertionError("no outcome rests")


async def test_outcomes_that_are_committed_and_stand_nowhere(sick: Ward) -> None:
    ref, position = forget(sick)
    assert (await health(sick)).healthy, "it may be on its way"
    sick.made.clock.advance(LATE)
    for depth in (Depth(), Depth(sample=None)):
        found = await alone(sick, Kind.UNPUBLISHED, depth)
        assert ref.key in found.what
        assert f"offset {position.offset}" in found.what
        assert "rewind" in found.do


async def test_outcomes_below_no_commit(sick: Ward) -> None:
    _, position = forget(sick)
    sick.made.clock.advance(LATE)
    partition = next(each for each in sick.made.log.records if each.topic == COMMANDS and origin_of(sick, each) == position.origin)
    commit(sick, partition, position.offset, by_role=True)
    (found,) = (await health(sick, "outcomes")).findings
    assert "not published" in found.what
    assert "mindlinks run notification:commands" in found.do


async def test_a_sample_says_that_it_is_one_and_how_far_it_read(sick: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcomes, "MOST_READ", 8)
    forget(sick)
    sick.made.clock.advance(LATE)
    (check,) = (await health(sick, "outcomes", depth=Depth(sample=1))).checks
    assert "a sample of 1 rows a table" in check.looked_at
    assert "older than what was read" in check.looked_at
    cut, older = check.left_out
    assert toy.TABLE in cut.what
    assert "older than what was read" in older.what
    assert all("mindlinks doctor --only outcomes --deep" in left.do for left in check.left_out)


async def test_declarations_that_are_not_kept(sick: Ward) -> None:
    sick.declared.of_topics = [TopicDifference(EVENTS, "retention.ms", "-1", "1000")]
    assert "declared -1, found 1000" in (await alone(sick, Kind.TOPIC)).what
    sick.declared.of_topics = []
    sick.declared.of_tables = [Difference(DifferenceKind.MISSING_TABLE, "dev-payment-escrow", declared="a table")]
    assert (await alone(sick, Kind.TABLE)).about == "dev-payment-escrow"


async def test_books_that_dont_balance(sick: Ward) -> None:
    sick.made.store.items |= funded().items
    assert (await health(sick)).healthy
    escrow = ItemRef("payment-escrow", CONTRACT)
    sick.made.store.items[escrow] = {**sick.made.store.items[escrow], "balance": 1}
    assert f"mindlinks statement {CONTRACT}" in (await alone(sick, Kind.BOOKS)).do


async def test_the_stores_clock(sick: Ward) -> None:
    sick.store_ahead = 1_400
    assert (await health(sick)).healthy
    sick.store_ahead = -9_000
    found = await alone(sick, Kind.CLOCK)
    assert (found.about, "ahead of DynamoDB" in found.what) == ("dynamodb", True)


async def test_the_brokers_clock(sick: Ward) -> None:
    stored = sick.made.log.records[partition := busiest(sick)]
    stored.append(replace(stored[-1], offset=len(stored), timestamp=sick.made.clock.now() + 3_000))
    found = await alone(sick, Kind.CLOCK)
    assert (found.about, "3.0 s ahead" in found.what, f"partition {partition.number}" in found.what) == ("brokers", True, True)


async def test_the_clock_of_who_fires_timers(sick: Ward) -> None:
    """It fired before the time came by the brokers' clock."""
    now, data = sick.made.clock.now(), toy.nothing_of(KEYS[0])
    due = from_milliseconds(now + 4_000)
    envelope = Envelope(sick.name(), data.kind(), "/mindlinks/notification/timers", data.key, due, "c", "c", "system:timers")
    stored = sick.made.log.records[partition := busiest(sick)]
    stored.append(Record(partition, len(stored), data.key.encode(), data.to_json(), tuple(envelope.headers()), now))
    found = await alone(sick, Kind.CLOCK)
    assert (found.about, "4.0 s" in found.what) == ("/mindlinks/notification/timers", True)


async def test_effects_whose_claim_is_over(sick: Ward) -> None:
    event = toy.sent_event(KEYS[0])
    headers = toy.event_record(event, KEYS[0], Position(Origin("t/0"), 3)).headers
    envelope = Envelope.from_headers({name: value.decode() for name, value in headers})
    begun = sick.made.clock.now() - 600_000
    row = claimed("notification", 2, "toy", "toy.once", envelope, event.to_json(), begun, "somebody")
    sick.made.store.items[row.ref] = row.to_item()
    found = await alone(sick, Kind.EFFECT)
    assert "1 effect toy.once claimed" in found.what
    assert "died" in found.means
    sick.made.store.items[row.ref] = replace(row, state=EffectState.FAILED, open=False, fingerprint="ValueError/x/y").to_item()
    without = await health(sick)
    assert without.healthy, "no index finds it"
    ((check, left),) = without.left_out
    assert (check, "given up" in left.what) == ("effects", True)
    assert "mindlinks doctor --only effects --deep" in left.do
    given_up = await alone(sick, Kind.EFFECT, Depth(sample=None))
    assert "ValueError/x/y" in given_up.what
    assert f"mindlinks effects retry {row.effect} --why" in given_up.do


async def test_overdue_timers(sick: Ward) -> None:
    sick.made.clock.advance(24 * 3600 + 30)
    assert (await health(sick)).healthy
    sick.made.clock.advance(60)
    found = await alone(sick, Kind.TIMER)
    assert "2 timers overdue" in found.what
    assert "toy.timer" in found.what


# --- checks that cannot be made ------------------------------------------------------------------------------------


async def test_without_kafka_the_rest_is_looked_at(sick: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object) -> Any:
        raise LogUnavailable("no broker answers")

    for name in ("partitions", "bounds", "first_at"):
        monkeypatch.setattr(MemoryReader, name, away)
    sick.made.store.items |= funded().items
    escrow = ItemRef("payment-escrow", CONTRACT)
    sick.made.store.items[escrow] = {**sick.made.store.items[escrow], "balance": 1}
    found = await health(sick)
    unchecked = {each.about for each in found.findings if each.kind is Kind.UNCHECKED}
    assert unchecked == {"groups", "lag", "offsets", "moved", "parked", "effects", "outcomes", "clocks"}
    assert [each.kind for each in found.findings if each.kind is not Kind.UNCHECKED] == [Kind.BOOKS]
    assert "MINDLINKS_KAFKA" in found.findings[0].do


async def test_a_table_that_is_away_hinders_its_own_check_alone(sick: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    real = MemoryStore.query

    async def away(self: MemoryStore, table: str, *rest: Any, **more: Any) -> Any:
        if table == "platform-failures":
            raise StoreUnavailable("throttled")
        return await real(self, table, *rest, **more)

    monkeypatch.setattr(MemoryStore, "query", away)
    found = await alone(sick, Kind.UNCHECKED)
    assert (found.about, "StoreUnavailable: throttled" in found.what) == ("quarantine", True)


async def test_a_check_that_hangs_ends_in_time(sick: Ward) -> None:
    async def hangs(_: object) -> Any:
        await asyncio.Event().wait()

    found = await examine(sick.system(), {**CHECKS, "books": hangs}, 0.2)
    assert [(each.kind, each.about) for each in found.findings] == [(Kind.UNCHECKED, "books")]
    assert "--only books" in found.findings[0].do


# --- the command ---------------------------------------------------------------------------------------------------


def run(monkeypatch: pytest.MonkeyPatch, seen: Callable[[], Ward], *arguments: str) -> Any:
    monkeypatch.setattr(commands, "system_of", lambda _context, _settings, _backbone, depth: seen().system(depth))
    context = CommandContext(MemoryStore(), clock=HandClock())
    return invoked(lambda app, _: books.add(app, context, commands.whole(context), commands.HELP), context, "doctor", *arguments)


def test_the_exit_code_says_healthy_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    made = asyncio.run(rested())
    answer = run(monkeypatch, lambda: made, "--json")
    told = json.loads(answer.stdout)
    assert (answer.exit_code, told["healthy"], told["findings"]) == (0, True, [])
    assert [(each["check"], each["do"].partition(" (")[0]) for each in told["leftOut"]] == [
        ("effects", "mindlinks doctor --only effects --deep")
    ]
    assert json.loads(run(monkeypatch, lambda: made, "--json", "--deep").stdout)["leftOut"] == []
    assert {each["check"] for each in told["checks"]} == set(CHECKS)
    made.groups.without = {GROUP}
    answer = run(monkeypatch, lambda: made, "--json", "--only", "groups", "--only", "lag")
    (finding,) = json.loads(answer.stdout)["findings"]
    assert (answer.exit_code, finding["kind"], finding["about"]) == (1, "no-members", "notification")
    assert run(monkeypatch, lambda: made, "--only", "spelling").exit_code == 2


def test_a_person_reads_what_it_means_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    made = asyncio.run(rested())
    made.groups.without = {GROUP}
    shown: list[Any] = []
    monkeypatch.setattr(console, "print", lambda *what, **_: shown.extend(what))
    assert run(monkeypatch, lambda: made).exit_code == 1
    text = "\n".join(str(each) for each in shown)
    for words in ("no-members: notification", "Their records wait in the log", "-> mindlinks run notification:commands", "not healthy"):
        assert words in text


def test_a_person_reads_what_was_left_out_and_how_to_look(monkeypatch: pytest.MonkeyPatch) -> None:
    made = asyncio.run(rested())
    shown: list[Any] = []
    monkeypatch.setattr(console, "print", lambda *what, **_: shown.extend(what))
    assert run(monkeypatch, lambda: made).exit_code == 0
    text = "\n".join(str(each) for each in shown)
    for words in ("left out by effects: effects that were given up", "-> mindlinks doctor --only effects --deep", "healthy, but for what"):
        assert words in text
    shown.clear()
    assert run(monkeypatch, lambda: made, "--deep").exit_code == 0
    assert shown[-1] == "\nhealthy"


def test_books_are_still_a_command_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = run(monkeypatch, lambda: pytest.fail("the whole was examined"), "books", "--json")
    assert (answer.exit_code, json.loads(answer.stdout)["escrows"]) == (0, 0)


async def rested() -> Ward:
    async with ward() as made:
        await made.works(toy.tally_of(KEYS[0]))
        return made


def test_groups_and_their_topics_are_those_of_the_roles() -> None:
    asked: dict[str, Sequence[str]] = {}

    class Asked(MemoryLog):
        def consumer(self, group: str, topics: Sequence[str]) -> Any:
            asked[group] = topics
            return super().consumer(group, topics)

    world = World("test", Asked(), MemoryStore(), HandClock(), NoMetrics(), Random(0), defaultdict(object))
    for service in MindLinks.services.values():
        for role in roles_of(service):
            build_role(service, role, world)
    assert {group: tuple(topics) for group, topics in asked.items()} == topics_of(MindLinks.services)
