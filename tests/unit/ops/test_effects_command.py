"""``mindlinks effects``: what was given up goes on by a person's word, through the real effects role, and never twice by it."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from contracts.envelope import Envelope, text_headers
from contracts.ids import effect_id
from contracts.position import Origin, Position
from contracts.topics import commands_topic, events_topic
from contracts.types import EventId
from tests.support import toy
from tests.support.command_context import CommandContext, invoked
from tests.support.process import Plant, plant
from tests.support.verdict import header
from tests.support.waiting import eventually
from tests.unit.engine.test_effects import Port, result_command
from workers.engine.bookmarks import AUDIT
from workers.engine.decision import Item, ItemRef
from workers.engine.ledger import EFFECTS, EffectState, LedgerRow, Stored, claimed
from workers.engine.memory import MemoryStore
from workers.engine.parking import ATTEMPTS
from workers.engine.ports import Fate, Write, Written
from workers.engine.runtime import RoleName
from workers.engine.service import Done, Failed, Result, Unknown
from workers.ops import effects_commands
from workers.ops.decision_rows import Person
from workers.ops.effects_redriving import EffectLine, EffectNotFound, EffectsRedriving, Listed, NotRedriven, redriven
from workers.ops.terminal import console

EVENTS, COMMANDS = events_topic("notification"), commands_topic("notification")
NADIA = Person("nadia", "mended in 1.4.2")
HOUR = 3600


def redriving(made: Plant) -> EffectsRedriving:
    return EffectsRedriving(made.store, made.clock)


def row_of(made: Plant, effect: str) -> LedgerRow:
    return LedgerRow.of(made.store.items[ItemRef(EFFECTS, effect)])


async def told(made: Plant, key: str, *, repeated: bool) -> str:
    event = EventId(str(uuid4()))
    data = toy.delivered_event() if repeated else toy.sent_event(key)
    await made.send(EVENTS, [toy.event_record(data, key, Position(Origin("commands/0"), 0), event=event)])
    return effect_id(event, "toy.repeated" if repeated else "toy.once")


async def until(made: Plant, effect: str, state: EffectState) -> LedgerRow:
    def reached() -> bool:
        made.clock.advance(60)
        return ItemRef(EFFECTS, effect) in made.store.items and row_of(made, effect).state is state

    await eventually(reached, what=lambda: made.store.items.get(ItemRef(EFFECTS, effect)))
    return row_of(made, effect)


def results(made: Plant) -> list[str]:
    return [header(record, "ce_id") for record in made.records(COMMANDS)]


async def test_given_up_by_its_provider_it_is_called_again_under_the_same_key_and_tells_its_service() -> None:
    port, key = Port(Failed("no such template"), Done((result_command(),), "reference")), str(uuid4())
    async with plant(toy.SERVICE, ports={"toy": port}) as made:
        made.start(RoleName.EFFECTS)
        effect = await told(made, key, repeated=False)
        await until(made, effect, EffectState.FAILED)
        (line,) = await redriving(made).listed(["notification"], Listed.FAILED)
        assert (line.id, line.effect, line.key, line.why, line.open) == (effect, "toy.once", key, "no such template", False)
        done = await redriving(made).retry(effect, NADIA)
        assert (done.state, "calls toy within seconds" in done.meaning) == ("planned", True)
        await until(made, effect, EffectState.CONFIRMED)
        await eventually(lambda: results(made))
        assert [call.id for call in port.calls] == [effect, effect]
        assert await redriving(made).listed(["notification"], Listed.FAILED) == []
        (audited,) = [item for ref, item in made.store.items.items() if ref.table == AUDIT and item.get("what") == "effects retry"]
        assert (audited["who"], audited["why"], audited["effect"], audited["failed"]) == (*("nadia", NADIA.why), effect, "no such template")


async def test_given_up_after_its_last_raise_it_has_all_its_tries_again() -> None:
    broken = True

    class Breaking(Port):
        async def call(self, call: Any, rows: Mapping[ItemRef, Item]) -> Result:
            self.calls.append(call)
            if broken:
                raise ValueError("broken on purpose")
            return Done()

    port, key = Breaking(), str(uuid4())
    async with plant(toy.SERVICE, ports={"toy": port}) as made:
        made.start(RoleName.EFFECTS)
        effect = await told(made, key, repeated=True)
        row = await until(made, effect, EffectState.FAILED)
        assert (row.failures, row.open) == (ATTEMPTS, False)
        await redriving(made).retry(effect, NADIA)
        row = await until(made, effect, EffectState.FAILED)
        assert (row.failures, len(port.calls)) == (ATTEMPTS, 2 * ATTEMPTS)
        broken = False
        await redriving(made).retry(effect, NADIA)
        row = await until(made, effect, EffectState.CONFIRMED)
        assert (row.failures, len(port.calls)) == (0, 2 * ATTEMPTS + 1)


async def test_what_was_called_without_an_answer_is_not_called_again() -> None:
    """The effect's own code raised when it was to report what nobody knows."""
    broken, port, key = True, Port(Unknown("no answer")), str(uuid4())

    def unknown(call: Any) -> Any:
        if broken:
            raise ValueError("broken on purpose")
        return (result_command(),)

    effects = tuple(replace(each, unknown=unknown) if each.name == "toy.once" else each for each in toy.SERVICE.effects)
    async with plant(replace(toy.SERVICE, effects=effects), ports={"toy": port}) as made:
        made.start(RoleName.EFFECTS)
        effect = await told(made, key, repeated=False)
        row = await until(made, effect, EffectState.FAILED)
        assert (row.unanswered, row.open, len(port.calls)) == (True, False, 1)
        broken = False
        done = await redriving(made).retry(effect, NADIA)
        assert "else reports it as unknown" in done.meaning
        await until(made, effect, EffectState.UNKNOWN)
        await eventually(lambda: results(made))
        assert (len(port.calls), row_of(made, effect).unanswered) == (1, False)


async def test_what_was_done_and_could_not_be_kept_is_not_done_again(monkeypatch: pytest.MonkeyPatch) -> None:
    port, key = Port(), str(uuid4())
    async with plant(toy.SERVICE, ports={"toy": port}) as made:
        real = made.store.write

        async def refusing(writes: Sequence[Write]) -> Sequence[Written]:
            if any(write.after and write.after.get("state") == "confirmed" for write in writes):
                return [Written(Fate.INVALID, detail="too large")] * len(writes)
            return await real(writes)

        monkeypatch.setattr(made.store, "write", refusing)
        made.start(RoleName.EFFECTS)
        effect = await told(made, key, repeated=False)
        assert (await until(made, effect, EffectState.FAILED)).unanswered
        assert (await redriving(made).retry(effect, NADIA)).state == "claimed"
        await until(made, effect, EffectState.UNKNOWN)
        assert len(port.calls) == 1


async def test_what_was_answered_and_could_not_be_told_is_told_without_a_call() -> None:
    broken, port, key = True, Port(), str(uuid4())

    def attempt(event: Any) -> int:
        if broken:
            raise ValueError("broken on purpose")
        return 1

    effects = tuple(replace(each, attempt=attempt) if each.name == "toy.once" else each for each in toy.SERVICE.effects)
    async with plant(replace(toy.SERVICE, effects=effects), ports={"toy": port}) as made:
        made.start(RoleName.EFFECTS)
        effect = await told(made, key, repeated=False)
        row = await until(made, effect, EffectState.FAILED)
        assert (row.unanswered, len(row.results), results(made)) == (False, 1, [])
        broken = False
        done = await redriving(made).retry(effect, NADIA)
        assert (done.state, "tells the service" in done.meaning) == ("confirmed", True)
        await eventually(lambda: results(made))
        assert len(port.calls) == 1


# --- the word itself ---------------------------------------------------------------------------------------------------


def a_row(**what: Any) -> LedgerRow:
    key = str(uuid4())
    event = toy.sent_event(key)
    envelope = Envelope.from_headers(text_headers(toy.event_record(event, key, Position(Origin("t/0"), 3)).headers))
    row = claimed("notification", 2, "toy", "toy.once", envelope, event.to_json(), 1_790_000_000_000, "somebody")
    return replace(row, **what)


FAILED: Mapping[str, Any] = {
    "state": EffectState.FAILED,
    "open": False,
    "due_at": 0,
    "fingerprint": "ValueError/x/y",
    "error": "ValueError: secret",
    "failures": 12,
}
RESULT = (Stored("kind", "Name", "key", "{}"),)


@pytest.mark.parametrize(
    ("what", "state"),
    [
        ({}, EffectState.PLANNED),
        ({"unanswered": True}, EffectState.CLAIMED),
        ({"results": RESULT}, EffectState.CONFIRMED),
        ({"results": RESULT, "reason": "no answer", "unanswered": True}, EffectState.UNKNOWN),
    ],
)
def test_where_a_given_up_effect_goes_on(what: Mapping[str, Any], state: EffectState) -> None:
    row = a_row(**FAILED, **what)
    after = LedgerRow.of(redriven(row, 99_000).to_item())
    assert (after.state, after.open, after.due_at, after.failures, after.claimant, after.version) == (state, True, 99_000, 0, "", 2)
    assert (after.results, after.created_at, after.first_try_at, after.tries) == (row.results, row.created_at, row.first_try_at, row.tries)


def context_of(*rows: LedgerRow) -> CommandContext:
    store = MemoryStore()
    store.items.update({row.ref: row.to_item() for row in rows})
    return CommandContext(store)


def run(context: CommandContext, *arguments: str) -> Any:
    return invoked(effects_commands.add, context, "effects", *arguments)


def store_of(context: CommandContext) -> MemoryStore:
    return context.composition._store


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    lines: list[Any] = []
    monkeypatch.setattr(console, "print", lambda *what, **_: lines.extend(what))
    return lines


def listed(context: CommandContext, *arguments: str) -> list[str]:
    answer = run(context, "list", *arguments, "--json")
    assert answer.exit_code == 0, answer.output
    return [each["id"] for each in json.loads(answer.stdout)]


def test_lists_by_state_and_service_and_tells_no_exceptions_text(shown: list[Any]) -> None:
    failed, later = a_row(**FAILED), a_row(**{**FAILED, "created_at": 1_790_000_000_001})
    opened, unknown = a_row(), a_row(state=EffectState.UNKNOWN, open=False, reason="no answer")
    context = context_of(later, failed, opened, unknown)
    assert listed(context) == listed(context, "--service", "notification") == [failed.effect, later.effect]
    assert listed(context, "--state", "open") == [opened.effect]
    assert listed(context, "--state", "unknown") == [unknown.effect]
    assert listed(context, "--service", "payment") == []
    assert run(context, "list", "--service", "nobody").exit_code == 2
    assert "secret" not in str(EffectLine.of(failed))
    assert run(context, "list").exit_code == 0
    assert list(shown[-1].columns[7].cells) == [failed.effect, later.effect]
    assert run(context_of(), "list").exit_code == 0
    assert "--state open" in shown[-1]


def test_one_that_is_not_failed_says_so_and_the_others_go_on(shown: list[Any]) -> None:
    failed, opened = a_row(**FAILED), a_row(state=EffectState.PLANNED)
    done = a_row(state=EffectState.CONFIRMED, open=False, reference="tr_1")
    unknown = a_row(state=EffectState.UNKNOWN, open=False)
    context = context_of(failed, opened, done, unknown)
    answer = run(context, "retry", "nothing", opened.effect, done.effect, unknown.effect, failed.effect, "--why", "mended")
    assert answer.exit_code == 1
    for words in (
        "nothing: The ledger has no such effect",
        f"{opened.effect} (toy.once of key {opened.key}) is planned, not failed",
        "is confirmed, not failed: toy did it, reference tr_1",
        "it may have happened, the service was told so, and it is never called again",
        f"{failed.effect} (toy.once of key {failed.key}) is planned: notification-effects calls toy within seconds",
    ):
        assert any(words in line for line in shown), (words, shown)
    assert [item["effect"] for ref, item in store_of(context).items.items() if ref.table == AUDIT] == [failed.effect]
    assert all(store_of(context).items[each.ref] == each.to_item() for each in (opened, done, unknown))


def test_said_again_it_is_open_and_as_json_it_is_one_document(shown: list[Any]) -> None:
    failed = a_row(**FAILED)
    context = context_of(failed)
    answer = run(context, "retry", failed.effect, "--why", "mended", "--json")
    assert [(each["id"], each["state"]) for each in json.loads(answer.stdout)] == [(failed.effect, "planned")]
    assert run(context, "retry", failed.effect, "--why", "mended").exit_code == 1
    assert "is planned, not failed" in shown[-1]
    assert "--why" in run(context, "retry", failed.effect).output


def test_two_at_once_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = a_row(**FAILED)
    store = store_of(context_of(failed))
    real, met = store.write, asyncio.Barrier(2)

    async def both_read_before(writes: list[Write]) -> Any:
        if writes[0].ref.table == EFFECTS:
            await met.wait()
        return await real(writes)

    monkeypatch.setattr(store, "write", both_read_before)

    async def both() -> list[Any]:
        people = [EffectsRedriving(store, CommandContext(store).composition._clock) for _ in range(2)]
        return list(await asyncio.gather(*(each.retry(failed.effect, NADIA) for each in people), return_exceptions=True))

    answers = asyncio.run(both())
    assert LedgerRow.of(store.items[failed.ref]).version == 2
    assert any(not isinstance(each, Exception) for each in answers)
    assert all(isinstance(each, NotRedriven) for each in answers if isinstance(each, Exception))


@pytest.mark.parametrize(("fate", "happened"), [(Fate.UNKNOWN, True), (Fate.UNKNOWN, False), (Fate.BUSY, False)])
def test_a_write_without_answer_is_looked_up(monkeypatch: pytest.MonkeyPatch, fate: Fate, happened: bool) -> None:
    failed = a_row(**FAILED)
    context = context_of(failed)
    store, real = store_of(context), store_of(context).write

    async def unanswered(writes: list[Write]) -> Any:
        if writes[0].ref.table == EFFECTS:
            if happened:
                await real(writes)
            return [Written(fate)]
        return await real(writes)

    monkeypatch.setattr(store, "write", unanswered)
    word = EffectsRedriving(store, context.composition._clock).retry(failed.effect, NADIA)
    if happened:
        assert asyncio.run(word).state == "planned"
    else:
        with pytest.raises(NotRedriven, match=r"failed as before\. Say it again"):
            asyncio.run(word)


async def test_nobody_knows_an_effect_that_is_not_there() -> None:
    with pytest.raises(EffectNotFound, match="mindlinks effects list"):
        await EffectsRedriving(MemoryStore(), CommandContext(MemoryStore()).composition._clock).retry("nothing", NADIA)


def test_help_has_examples() -> None:
    for command in ("list", "retry"):
        assert f"mindlinks effects {command}" in " ".join(run(context_of(), command, "--help").stdout.split())
