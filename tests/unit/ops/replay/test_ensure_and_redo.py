"""What a replay does to the roles that read its records."""

from copy import deepcopy
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from contracts.notification.commands import RecordNotificationSuppressed
from contracts.replay import ALL, NONE
from contracts.timestamps import from_milliseconds
from contracts.types import Timestamp
from tests.support import toy
from tests.support.process import Plant, plant
from tests.support.replays import (
    COMMANDS,
    EVENTS,
    GROUP,
    ROLES,
    CountingPort,
    lose,
    name_of,
    plan_of,
    replays_on,
    rows_of,
    run_roles,
    skip_to_end,
    until_quiet,
)
from tests.support.verdict import header
from tests.support.waiting import eventually
from workers.engine.aggregate import Handler
from workers.engine.decision import Command, Decision
from workers.engine.ledger import EFFECTS
from workers.engine.planning import Conveyor
from workers.engine.root import SEEN
from workers.engine.runtime import RoleName
from workers.engine.service import Service
from workers.engine.timer_rows import TIMERS
from workers.ops.replay.operating import Ended
from workers.ops.replay.plan import Mode, ReplayPlan
from workers.ops.replay.selection import Selection

KEY = str(uuid4())
ALL_COMMANDS, ALL_EVENTS = Selection((COMMANDS,)), Selection((EVENTS,))


async def replayed(made: Plant, plan: ReplayPlan, *roles: RoleName) -> Ended:
    replays = replays_on(made)
    processes = [made.start(role) for role in roles or ROLES]
    at = await replays.running().run(await replays.begin(await replays.prepare(plan)))
    await until_quiet(made)
    ended = await replays.finish(at)
    for process in processes:
        await process.stop()
    return ended


def words(*hexes: str) -> list[str]:
    """Ids whose first digit says what the toy does with them: its total plus the digit decides."""
    return [f"{each}{str(uuid4())[1:-1]}0" for each in hexes]


async def sent(made: Plant, *data: Any, skipped: bool = False) -> None:
    await made.send(COMMANDS, [toy.command_record(each) for each in data])
    if skipped:
        skip_to_end(made)
    else:
        await run_roles(made)


async def test_ensure_of_what_was_applied_changes_nothing_at_all() -> None:
    async with plant(toy.SERVICE, ports={"toy": CountingPort()}) as made:
        await sent(made, *(toy.side_row_of(KEY, reason=reason) for reason in ("plain", toy.SILENT, toy.TIMER)), toy.claiming_of(KEY))
        rows, events = {ref: item for ref, item in deepcopy(made.store.items).items() if ref.table == toy.TABLE}, len(made.records(EVENTS))
        made.clock.advance(60)
        ended = await replayed(made, plan_of(ALL_COMMANDS, effects=ALL))
        assert (ended.tally.recognised, ended.tally.judged, ended.at.sent) == (4, 0, 4)
        assert {ref: item for ref, item in made.store.items.items() if ref.table == toy.TABLE} == rows, "bookkeeping included"
        assert len(made.records(EVENTS)) == events


async def test_ensure_applies_what_was_skipped_in_its_place_and_at_its_time() -> None:
    async with plant(toy.SERVICE, ports={"toy": CountingPort()}) as made:
        skipped = [toy.tally_of(KEY, word) for word in words("0", "1")]
        await sent(made, *skipped, skipped=True)
        appended = made.records(COMMANDS)[0].timestamp
        made.clock.advance(86_400)
        ended = await replayed(made, plan_of(ALL_COMMANDS))
        root = made.store.items[toy.root_ref(KEY)]
        (original, *beside) = root[SEEN].items()
        assert (ended.tally.applied, root["total"]) == (2, 2)
        assert root["createdAt"] == root["updatedAt"] == from_milliseconds(appended)
        assert original[1] == 1, "the original's offset, never the copy's"
        assert [origin for origin, _ in beside] == [f"{original[0]}~"], "what it caused is noted beside"
        told = made.records(EVENTS)
        assert {header(record, "ce_replay") for record in told} == {ended.at.plan.id}
        assert {header(record, "ce_causationid") for record in told} == {name_of(each) for each in made.records(COMMANDS)[:2]}


async def test_ensure_inserts_nothing_into_the_past() -> None:
    async with plant(toy.SERVICE, ports={"toy": CountingPort()}) as made:
        await sent(made, toy.tally_of(KEY, *words("0")), skipped=True)
        await sent(made, toy.tally_of(KEY, *words("1")))
        ended = await replayed(made, plan_of(ALL_COMMANDS))
        assert (ended.tally.recognised, ended.tally.applied) == (ended.at.sent, 0)
        assert made.store.items[toy.root_ref(KEY)]["total"] == 1


async def test_what_a_copy_causes_does_not_pass_over_the_copies_to_come() -> None:
    async with plant(toy.SERVICE, ports={"toy": CountingPort()}) as made:
        await sent(made, *(toy.tally_of(KEY, word) for word in words("0", "0", "0", "0")), skipped=True)
        replays = replays_on(made)
        for role in ROLES:
            made.start(role)
        at = await replays.begin(await replays.prepare(replace(plan_of(ALL_COMMANDS), rate=4.0)))
        for sent_by_now in range(1, 5):
            run = replays.running()
            at = await run.run(await run.resumed(at), lambda _: run.pause())  # noqa: B023  # called at once
            await until_quiet(made)
            assert made.store.items[toy.root_ref(KEY)]["total"] == sent_by_now


async def test_redo_is_a_new_command_caused_by_the_old_one() -> None:
    async with plant(toy.SERVICE, ports={"toy": CountingPort()}) as made:
        await sent(made, toy.side_row_of(KEY, row := str(uuid4())))
        made.clock.advance(60)
        ended = await replayed(made, plan_of(ALL_COMMANDS, Mode.REDO))
        old, new = made.records(COMMANDS)[:2]
        assert (header(new, "ce_causationid"), header(new, "ce_correlationid")) == (name_of(old), header(old, "ce_correlationid"))
        assert name_of(new) != name_of(old)
        assert header(new, "ce_actor") == header(old, "ce_actor")
        assert (ended.tally.applied, made.store.items[toy.row_ref(row)]["count"]) == (1, 2)


async def test_a_copy_whose_decision_raises_parks_and_its_line_keeps_every_original() -> None:
    """Noting the copy's own offset as seen, at the parking or in the line, would lose what stands before it."""
    async with plant(toy.SERVICE, ports={"toy": CountingPort()}) as made:
        row = str(uuid4())
        await sent(made, toy.side_row_of(KEY, row, toy.BUG), *(toy.side_row_of(KEY, row) for _ in range(3)), skipped=True)
        made.clock.advance(3600)
        replays, plan = replays_on(made), plan_of(ALL_COMMANDS)
        prepared = await replays.prepare(plan)
        predicted = (await replays.rehearse(prepared)).found
        brittle = made.start()
        at = await replays.running().run(await replays.begin(prepared))
        await parked_and_settled(made)
        tally = (await replays.finish(at)).tally
        assert (tally.parked, tally.judged, tally.recognised) == (4, 0, 0)
        assert predicted.tally.told() == tally.told()
        await brittle.stop()
        assert SEEN not in made.store.items[toy.root_ref(KEY)] or not made.store.items[toy.root_ref(KEY)][SEEN]
        made.service = Service("notification", (Handler(RecordNotificationSuppressed, toy.TOYS, mended, toy.reads_row),), timers=True)
        made.start(conveyor=Conveyor(look_for_parked=0.002))
        made.clock.advance(3600)
        await eventually(lambda: made.store.items[toy.root_ref(KEY)].get("total") == 4, what=lambda: made.store.items)
        await eventually(lambda: len(made.records(EVENTS)) == 4)
        assert [header(each, "ce_late") for each in made.records(EVENTS)] == ["1"] * 4


async def parked_and_settled(made: Plant) -> None:
    """The fuse's window closes as time passes."""

    def settled() -> bool:
        made.clock.advance(1)
        return made.open(GROUP, COMMANDS) == 0

    await eventually(settled)


def mended(state: toy.Toy, command: Command[RecordNotificationSuppressed], at: Timestamp) -> Decision[toy.Toy]:
    plain = command.data.model_copy(update={"reason": "plain"})
    return toy.side_row(state, replace(command, data=plain), at)


@pytest.mark.parametrize(("effects", "calls"), [(NONE, 0), ("other", 0), ("toy", 3), (ALL, 3)])
async def test_only_providers_that_were_named_are_called(effects: str, calls: int) -> None:
    port = CountingPort()
    async with plant(toy.SERVICE, ports={"toy": port}) as made:
        await sent(made, toy.claiming_of(KEY), toy.claiming_of(KEY), toy.releasing_of(KEY), skipped=True)
        ended = await replayed(made, plan_of(ALL_COMMANDS, effects=effects))
        assert ended.tally.applied == 3
        assert (len(port.calls), sum(ref.table == EFFECTS for ref in made.store.items)) == (calls, calls)


async def test_what_a_replay_may_not_call_neither_may_its_commands_events_and_timers() -> None:
    async with plant(toy.SERVICE, ports={"toy": CountingPort()}) as made:
        await sent(made, toy.tally_of(KEY, *words("0")), toy.side_row_of(KEY, reason=toy.TIMER), skipped=True)
        ended = await replayed(made, plan_of(ALL_COMMANDS, effects="toy"), *ROLES, RoleName.TIMERS)
        caused = [record for record in made.records(COMMANDS) if header(record, "ce_source").endswith("reactions")]
        assert [(header(each, "ce_replay"), header(each, "ce_replayeffects")) for each in caused] == [(ended.at.plan.id, "toy")]
        timers = [item for ref, item in made.store.items.items() if ref.table == TIMERS and "timer" in item]
        assert [(item["replay"], item["replayEffects"]) for item in timers] == [(ended.at.plan.id, "toy")]


async def test_an_event_goes_to_the_one_role_it_is_replayed_to() -> None:
    port = CountingPort()
    async with plant(toy.SERVICE, ports={"toy": port}) as made:
        await sent(made, toy.claiming_of(KEY), toy.tally_of(KEY, *words("0")), skipped=True)
        await replayed(made, plan_of(ALL_COMMANDS))
        commands, sums = len(made.records(COMMANDS)), {r: i for r, i in made.store.items.items() if r.key.startswith("SUM#")}
        assert port.calls == []
        prepared = await replays_on(made).prepare(plan := plan_of(ALL_EVENTS, effects=ALL, to="notification-effects", seed=1))
        found = (await replays_on(made).rehearse(prepared)).found
        await replayed(made, plan)
        assert (len(port.calls), found.effects["toy"].out, len(made.records(COMMANDS))) == (1, 1, commands)
        await replayed(made, plan_of(ALL_EVENTS, effects=ALL, seed=2))
        assert len(port.calls) == 1, "the ledger knows it"
        assert {r: i for r, i in made.store.items.items() if r.key.startswith("SUM#")} == sums, "counted once"


async def test_a_projection_folds_the_events_it_was_moved_past() -> None:
    async with plant(toy.SERVICE, ports={"toy": CountingPort()}) as made:
        await sent(made, *(toy.tally_of(KEY, word) for word in words("0", "0")))
        sums = {ref: item for ref, item in made.store.items.items() if ref.key.startswith("SUM#")}
        assert sums
        for ref in sums:
            del made.store.items[ref]
        await replayed(made, plan_of(ALL_EVENTS, to="notification-projections"))
        again = {ref: item for ref, item in made.store.items.items() if ref.key.startswith("SUM#")}
        assert {ref: item["sum"] for ref, item in again.items()} == {ref: item["sum"] for ref, item in sums.items()}


async def test_lost_keys_come_back_from_the_whole_log() -> None:
    async with plant(toy.SERVICE, ports={"toy": CountingPort()}) as made:
        await sent(made, *(toy.claiming_of(KEY) for _ in range(5)))
        state = rows_of(made.store.items)
        lose(made, [KEY])
        await replayed(made, plan_of(ALL_COMMANDS))
        assert rows_of(made.store.items) == state


async def test_who_why_and_what_came_of_it_is_in_the_audit_trail() -> None:
    async with plant(toy.SERVICE, ports={"toy": CountingPort()}) as made:
        await sent(made, toy.claiming_of(KEY))
        plan = (await replayed(made, plan_of(ALL_COMMANDS))).at.plan
        told = [item for ref, item in made.store.items.items() if ref.table == "platform-audit" and item.get("replay") == plan.id]
        begun, ended = sorted(told, key=lambda item: item["what"])
        assert (begun["what"], begun["who"], begun["why"], begun["records"]) == ("replay begun", "ops", "a test", 1)
        assert (ended["what"], ended["state"], ended["sent"], ended["recognised"]) == ("replay ended", "done", 1, "1")
        assert COMMANDS in begun["selection"]
