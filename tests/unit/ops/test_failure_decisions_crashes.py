"""A decision may die behind any of its calls, or meet another one there: said again it is whole, and nothing happens twice."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random
from typing import cast
from uuid import uuid4

import pytest

from contracts.notification.commands import RecordNotificationSuppressed
from contracts.timestamps import from_milliseconds
from tests.support import toy
from tests.support.interrupted import Died, InterruptedLog, InterruptedStore, Interruption
from tests.support.poisoned import Bench, expected_chain, line
from tests.support.verdict import header
from tests.support.waiting import eventually
from tests.unit.ops.test_failure_decisions import COMMANDS, NADIA, Opening, deciding, failures, quarantined, said, sent
from workers.engine import parking
from workers.engine.memory.reading import MemoryReader
from workers.engine.ports import Log, Store
from workers.engine.quarantine import FAILURES
from workers.engine.record import Outgoing
from workers.engine.root import HOLD
from workers.ops import failed_record
from workers.ops.decision_rows import Decided, Person, State
from workers.ops.failed_record import NotDecided
from workers.ops.failure_decisions import FailureDecisions
from workers.ops.quarantined import BEGUN, Failures

OMAR = Person("omar", "looked at it as well")
MOST_CALLS = 40
INSTEAD = str(uuid4())
Verb = Callable[[FailureDecisions, str], Awaitable[Decided]]


@pytest.fixture(autouse=True)
def few_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record is given up sooner; worlds are many here."""
    for module in (parking, failed_record):
        monkeypatch.setattr(module, "ATTEMPTS", 2)


def interrupted(bench: Bench, interruption: Interruption) -> FailureDecisions:
    store, log = cast(Store, InterruptedStore(bench.store, interruption)), cast(Log, InterruptedLog(bench.log, interruption))
    services = {"notification": bench.service()}
    return FailureDecisions(Failures(store, Opening()), store, log, MemoryReader(bench.log), bench.clock, Random(1), services)


def verb(name: str, key: str = "") -> Verb:
    if name == "edit":
        other = RecordNotificationSuppressed(recipient_id=key, notification_id=INSTEAD, reason="blocked")
        return lambda deciding, failure: deciding.edit(failure, other, NADIA)
    return lambda deciding, failure: getattr(deciding, name)(failure, NADIA)


async def again(decide: Verb, bench: Bench, failure: str) -> State:
    """Said until it is decided; who comes after the end is told so."""
    try:
        return (await decide(deciding(bench), failure)).state
    except NotDecided:
        return State(failures(bench.store)[0]["state"])


async def at_rest(bench: Bench, key: str, records: int) -> None:
    def rests() -> bool:
        waits = bench.parked()
        return bench.committed() == records and (not waits or bench.store.items[waits[0]]["state"] == "quarantined")

    await eventually(rests, what=lambda: (bench.committed(), bench.parked(), bench.root(key)))


async def whole(bench: Bench, commands: list[RecordNotificationSuppressed], decided: State) -> None:
    """The key goes on, and log, rows and failure tell the same."""
    key = commands[0].key
    await eventually(lambda: not bench.parked() and HOLD not in bench.root(key))
    extra = sent(bench)[len(commands) :]
    done = {State.RETRIED: commands, State.EDITED: commands[1:], State.SKIPPED: commands[1:], State.DISCARDED: commands[1:]}[decided]
    await eventually(lambda: bench.root(key).get("total") == len(done) + len(extra), what=lambda: (decided, bench.root(key)))
    assert len(extra) == (decided is State.EDITED)
    if not extra:
        assert bench.root(key)["chain"] == expected_chain(done)
    assert bool(said(bench)) == (decided is not State.RETRIED)
    assert [row["state"] for row in failures(bench.store)] == [decided]


async def at_every_call(scene: Callable[[Bench, Interruption], Awaitable[None]], *, ordered: bool = True) -> None:
    """A world of its own for each call of the decision."""
    for at in range(1, MOST_CALLS):
        interruption = Interruption(at)
        await scene(Bench(ordered=ordered), interruption)
        if not interruption.reached:
            return
    raise AssertionError("it never came to its end")


@pytest.mark.parametrize("name", ["retry", "skip", "edit"])
@pytest.mark.parametrize("worker_first", [True, False])
async def test_whoever_dies_says_it_again(name: str, worker_first: bool) -> None:
    async def scene(bench: Bench, interruption: Interruption) -> None:
        commands = line(str(uuid4()), 3)
        decide = verb(name, commands[0].key)
        async with bench.running():
            failure = await quarantined(bench, commands)
            bench.broken.clear()
            with suppress(Died):
                await decide(interrupted(bench, interruption), failure)
            if worker_first:
                await at_rest(bench, commands[0].key, 3 + len(said(bench)) + len(sent(bench)[3:]))
            await whole(bench, commands, await again(decide, bench, failure))

    await at_every_call(scene)


@pytest.mark.parametrize(
    ("first", "second"), [("retry", "retry"), ("retry", "skip"), ("skip", "retry"), ("skip", "discard"), ("edit", "edit"), ("edit", "skip")]
)
async def test_two_at_once_agree_on_one_decision(first: str, second: str) -> None:
    async def scene(bench: Bench, interruption: Interruption) -> None:
        commands, answers = line(str(uuid4()), 3), list[str]()
        key = commands[0].key

        async def say(name: str, decisions: FailureDecisions) -> None:
            try:
                answers.append((await verb(name, key)(decisions, failure)).state)
            except NotDecided as error:
                answers.append(str(error))

        async with bench.running():
            failure = await quarantined(bench, commands)
            bench.broken.clear()
            interruption.happens = lambda: say(second, deciding(bench))
            await say(first, interrupted(bench, interruption))
            state = failures(bench.store)[0]["state"]
            assert state in answers, answers
            assert all(answer in list(State) or "nothing" in answer for answer in answers), answers
            await eventually(lambda: not bench.parked() and HOLD not in bench.root(key))
            extra, kept = sent(bench)[3:], 3 if state == "retried" else 2
            assert len({header(each, "ce_id") for each in extra}) == len(extra) <= 1
            await eventually(lambda: bench.root(key)["total"] == kept + len(extra))
            assert bool(said(bench)) == (state != "retried")

    await at_every_call(scene)


async def test_what_is_sent_for_a_command_is_sent_once_however_far_the_key_has_gone_on() -> None:
    """By its id alone it would be recognised among the last 16 of its key."""

    async def scene(bench: Bench, interruption: Interruption) -> None:
        commands = line(str(uuid4()), 3)
        key = commands[0].key
        async with bench.running():
            failure = await quarantined(bench, commands)
            await eventually(lambda: not bench.parked())
            bench.broken.clear()
            with suppress(Died):
                await verb("retry")(interrupted(bench, interruption), failure)
            before = len(sent(bench))
            await bench.send(*line(key, 20))
            await eventually(lambda: bench.root(key)["total"] == before + 20 - 1)
            state = await again(verb("retry"), bench, failure)
            await eventually(lambda: bench.root(key)["total"] == 23)
        assert (state, failures(bench.store)[0]["state"]) == (State.RESENT, State.RESENT)
        assert {each["position"] for each in said(bench)} == {failures(bench.store)[0]["position"]}
        assert len(sent(bench)) == 24

    await at_every_call(scene, ordered=False)


async def test_a_decision_that_was_begun_is_listed_as_open_and_only_finished() -> None:
    bench, commands = Bench(), line(str(uuid4()), 2)
    async with bench.running():
        failure = await quarantined(bench, commands)
        with suppress(Died):
            # One row read, its line, the audit trail, the row begun.
            await verb("skip")(interrupted(bench, Interruption(4)), failure)
        (row,) = failures(bench.store)
        assert (row["state"], row["decision"], row["decidedBy"]) == (BEGUN, "skipped", "nadia")
        (listed,) = await Failures(bench.store, Opening()).grouped(["notification"])
        assert listed.states == {BEGUN: 1}
        with pytest.raises(NotDecided, match=f"Finish that first: mindlinks failures skip {failure}"):
            await deciding(bench).retry(failure, OMAR)
        assert (await deciding(bench).skip(failure, OMAR)).state is State.SKIPPED
    (row,) = failures(bench.store)
    assert (row["state"], row["decidedBy"], "decision" in row) == ("skipped", "nadia", False)


async def test_an_edit_that_was_begun_is_finished_with_the_same_values_or_skipped() -> None:
    bench, commands = Bench(), line(str(uuid4()), 2)
    key = commands[0].key
    async with bench.running():
        failure = await quarantined(bench, commands)
        with suppress(Died):
            await verb("edit", key)(interrupted(bench, Interruption(4)), failure)
        (row,) = failures(bench.store)
        assert (row["state"], row["decision"]) == (BEGUN, "edited")
        with pytest.raises(NotDecided, match=f"mindlinks story {row['decidedAs']}"):
            await deciding(bench).edit(failure, toy.side_row_of(key), OMAR)
        decided = await deciding(bench).skip(failure, OMAR)
        assert (decided.state, row["decidedAs"] in decided.note) == (State.SKIPPED, True)
        await eventually(lambda: not bench.parked())
    assert bench.root(key)["chain"] == expected_chain(commands[1:])


async def test_what_was_done_although_its_failure_is_open_is_not_done_again() -> None:
    """As when its worker put it aside and died before it wrote the row that waits."""
    bench, commands = Bench(), line(str(uuid4()), 2)
    key = commands[0].key
    async with bench.running():
        failure = await quarantined(bench, commands)
        (opened,) = failures(bench.store)
        bench.broken.clear()
        await deciding(bench).retry(failure, NADIA)
        await eventually(lambda: not bench.parked() and bench.root(key).get("total") == 2)
        (ref,) = [ref for ref in bench.store.items if ref.table == FAILURES]
        bench.store.items[ref] = opened
        for name in ("skip", "discard", "edit"):
            with pytest.raises(NotDecided, match=r"no longer waits.*nothing is passed over.*mindlinks failures retry"):
                await verb(name, key)(deciding(bench), failure)
        done = await deciding(bench).retry(failure, OMAR)
        assert (done.state, "mindlinks story" in done.note) == (State.RETRIED, True)
    assert (bench.root(key)["total"], len(sent(bench)), said(bench)) == (2, 2, [])


async def test_what_its_worker_is_taking_out_of_its_line_is_not_sent_beside_it() -> None:
    bench, commands = Bench(), line(str(uuid4()), 1)
    async with bench.running():
        failure = await quarantined(bench, commands)
    (parked,), (ref,) = bench.parked(), [ref for ref in bench.store.items if ref.table == FAILURES]
    bench.store.items[parked] = {**bench.store.items[parked], "state": "parked", "attempts": 1}
    bench.store.items[ref] = {**bench.store.items[ref], "attempts": 1}
    with pytest.raises(NotDecided, match="say it again"):
        await deciding(bench).retry(failure, NADIA)
    assert (failures(bench.store)[0]["state"], len(sent(bench))) == ("open", 1)


async def test_a_line_that_was_lost_is_not_taken_for_one_that_was_done() -> None:
    bench, commands = Bench(), line(str(uuid4()), 1)
    async with bench.running():
        failure = await quarantined(bench, commands)
    for ref in bench.parked():
        del bench.store.items[ref]
    with pytest.raises(NotDecided, match=r"nothing was done for it.*mindlinks replay run --service notification --fingerprint"):
        await deciding(bench).retry(failure, NADIA)
    assert failures(bench.store)[0]["state"] == "open"


async def test_a_record_that_was_passed_over_before_is_not_tried_again_by_the_log() -> None:
    """Tables were restored and the log read again: it fails again, and its skip stands in the log."""
    bench, commands = Bench(), line(str(uuid4()), 2)
    async with bench.running():
        failure = await quarantined(bench, commands)
    rows = {ref: item for ref, item in bench.store.items.items() if ref.table != FAILURES}
    async with bench.running():
        await deciding(bench).skip(failure, NADIA)
        await eventually(lambda: not bench.parked())
    for ref in [ref for ref in bench.store.items if ref.table != FAILURES]:
        del bench.store.items[ref]
    (first,) = [ref for ref in rows if str(ref.range).endswith("#" + "0" * 20)]
    due = {"attempts": 1, "state": "parked", "nextAttemptAt": from_milliseconds(bench.clock.now())}
    bench.store.items |= {**rows, first: {**rows[first], **due}}
    bench.clock.moved += 1_000
    async with bench.running():
        await eventually(lambda: failures(bench.store)[0]["state"] == "open")
        with pytest.raises(NotDecided, match="was passed over before, which stands in the log"):
            await deciding(bench).retry(failure, NADIA)
        assert (await deciding(bench).skip(failure, NADIA)).state is State.SKIPPED
        await eventually(lambda: first not in bench.parked())
    assert {each["position"] for each in said(bench)} == {failures(bench.store)[0]["position"]}


async def test_an_unreadable_command_that_is_sent_once_more_is_passed_over_where_it_stood() -> None:
    bench = Bench()
    good = toy.command_record(toy.side_row_of(str(uuid4())))
    async with bench.running():
        await bench.log.append_keyed(COMMANDS, [Outgoing(good.key, b"{}", good.headers)])
        await eventually(lambda: bool(failures(bench.store)))
        (row,) = failures(bench.store)
        await deciding(bench).retry(row["id"], NADIA)
    (word,) = said(bench)
    assert (word["word"], word["position"], word["role"]) == ("SkipRecord", row["position"], "notification-commands")
    assert header(sent(bench)[1], "ce_id") in word["reason"]
