"""The fold's rules (docs/architecture.md): what is seen is done, everything else is judged in order, each verdict leaves its trace."""

from collections.abc import Mapping
from dataclasses import replace
from uuid import uuid4

import orjson
import pytest

from contracts.envelope import ReceiptTicket
from contracts.ids import digest
from contracts.message import CommandData
from contracts.position import Origin, Position
from contracts.replay import Replay
from contracts.types import CommandId, Timestamp
from tests.support import toy
from workers.engine.decision import Claim, Command, Item, ItemRef, ReleaseClaim
from workers.engine.fold import Circumstances, Folded, Found, Missing, Waiting, fold
from workers.engine.record import Partition, Record
from workers.engine.root import RING, Root

KEY, HERE, ELSEWHERE = str(uuid4()), Origin("topic/0"), Origin("topic-anew/0")
AT = Timestamp("2026-01-31T09:30:00.000Z")
ROOT = toy.root_ref(KEY)


def waiting(data: CommandData, offset: int, *, at: str = AT, origin: Origin = HERE, command: str | None = None) -> Waiting:
    sent = toy.command_record(data)
    return Waiting(
        origin=origin,
        offset=offset,
        at=Timestamp(at),
        appended=0,
        command=Command(CommandId(command or str(uuid4())), KEY, "system:test", data),
        handler=toy.SERVICE.handler_of[data.kind()],
        correlation="correlation",
        record=Record(Partition("topic", 0), offset, sent.key, sent.value, sent.headers, 0),
    )


def tally(digit: str = "1", end: str = "0") -> CommandData:
    """Refused as the fifth when total + ``digit`` says so; nothing to do with ``end`` f."""
    return toy.tally_of(KEY, digit + str(uuid4())[1:-1] + end)


def folded(found: Found, *records: Waiting, circumstances: Circumstances | None = None) -> Folded:
    result = fold(found, records, "notification", circumstances or Circumstances())
    assert isinstance(result, Folded)
    return result


def existing(root: Root | None = None, **attributes: object) -> Found:
    row: Item = {"id": ROOT.key, "total": 1, "chain": "c", "claims": [], "createdBy": "b", "createdAt": AT, "updatedAt": AT, **attributes}
    return Found(root or Root(version=3, seen={HERE: 10}), {ROOT: row}, known=frozenset({ROOT}))


def kinds(result: Folded) -> list[list[str]]:
    return [[said.name for said in outcome.said] for outcome in result.outcomes]


ABSENT = Found(known=frozenset({ROOT}))


def test_a_first_command_makes_the_root_with_its_books_and_stamps() -> None:
    record = waiting(tally(), 7)
    result = folded(ABSENT, record)
    assert (result.write, result.taken, result.fault) == (True, 1, None)
    assert result.root == Root(version=1, seen={HERE: 7}, recent=digest(record.command.id))
    row = result.rows[ROOT]
    assert (row["createdBy"], row["createdAt"], row["updatedAt"], row["total"]) == (record.command.id, AT, AT, 1)
    assert not [name for name in row if name.startswith("_")]
    (outcome,) = result.outcomes
    assert (outcome.version, outcome.first, outcome.late, outcome.offset, outcome.origin) == (1, 0, False, 7, HERE)


@pytest.mark.parametrize("offset", [9, 10])
def test_a_record_at_or_below_seen_is_done(offset: int) -> None:
    result = folded(existing(), waiting(tally(), offset))
    assert (result.write, result.taken, result.rows, result.outcomes) == (False, 1, {}, ())
    assert result.root.version == 3
    assert [verdict.reason for verdict in result.verdicts] == ["recognised"]


def test_offsets_of_a_topic_made_anew_are_not_taken_for_old_ones() -> None:
    result = folded(existing(), waiting(tally(), 2, origin=ELSEWHERE))
    assert result.root.seen == {HERE: 10, ELSEWHERE: 2}
    assert kinds(result) == [["NotificationsRead"]]


def test_a_command_again_at_another_offset_is_noted_and_changes_nothing() -> None:
    first = folded(ABSENT, waiting(tally(), 1, command="11111111-1111-4111-8111-111111111111"))
    found = Found(first.root, dict(first.rows), known=frozenset({ROOT}))
    again = folded(found, waiting(tally(), 5, command="11111111-1111-4111-8111-111111111111"))
    assert (again.rows, again.outcomes, again.write) == ({}, (), True)
    assert again.root == replace(first.root, seen={HERE: 5}, version=2)


def test_a_root_remembers_its_last_sixteen_commands_and_no_more() -> None:
    names = [str(uuid4()) for _ in range(RING + 1)]
    root = Root()
    for offset, name in enumerate(names):
        root = root.noted(HERE, offset, CommandId(name))
    assert [root.knows(CommandId(name)) for name in names] == [False] + [True] * RING
    assert len(root.recent) == 8 * RING


def test_a_refusal_is_written_like_an_acceptance() -> None:
    record = waiting(tally("3"), 11)
    result = folded(existing(), record)
    assert (result.write, result.rows) == (True, {})
    assert result.root.version == 4
    assert result.root.seen == {HERE: 11}
    assert result.root.knows(record.command.id)
    ((said,),) = [outcome.said for outcome in result.outcomes]
    assert orjson.loads(said.value) == {
        "commandId": record.command.id,
        "commandType": record.command.data.kind(),
        "key": KEY,
        "reason": "toy_fifth",
    }
    assert (said.kind, said.sequenced) == ("mindlinks.notification.CommandRefused.v1", False)


def test_nothing_to_do_is_written_and_says_nothing() -> None:
    result = folded(existing(), waiting(toy.nothing_of(KEY), 11))
    assert (result.write, result.outcomes, result.rows) == (True, (), {})
    assert result.root.seen == {HERE: 11}


def test_a_receipt_is_answered_even_when_there_is_nothing_to_say() -> None:
    ticket = ReceiptTicket("client", "hash", "kind")
    unchanged = waiting(toy.nothing_of(KEY), 11)._replace(receipt=ticket)
    silent = waiting(toy.side_row_of(KEY, KEY, toy.SILENT), 12)._replace(receipt=ticket)
    found = replace(existing(), known=frozenset({ROOT, toy.row_ref(KEY)}))
    result = folded(found, unchanged, silent)
    assert [orjson.loads(outcome.said[0].value)["outcome"] for outcome in result.outcomes] == ["unchanged", "applied"]
    assert [outcome.receipt for outcome in result.outcomes] == [ticket, ticket]


def test_a_refusal_on_an_absent_root_that_read_nothing_leaves_no_trace() -> None:
    result = folded(ABSENT, waiting(toy.nothing_of(KEY), 4))
    assert (result.write, result.taken, result.root) == (False, 1, Root())
    assert kinds(result) == [["CommandRefused"]]


def test_a_refusal_that_read_another_row_is_written_on_an_absent_root() -> None:
    record = waiting(toy.claiming_of(KEY, "p"), 4)
    result = folded(ABSENT, record, circumstances=Circumstances(overruled={4: "toy_taken"}))
    assert (result.write, result.rows, result.claims) == (True, {}, ())
    assert result.root == Root(version=1, seen={HERE: 4}, recent=digest(record.command.id))


def test_a_refusal_without_trace_rides_before_what_the_same_fold_writes() -> None:
    result = folded(ABSENT, waiting(toy.nothing_of(KEY), 4), waiting(tally(), 5))
    assert kinds(result) == [["CommandRefused"], ["NotificationsRead"]]
    assert (result.write, result.root.seen, result.root.version) == (True, {HERE: 5}, 1)


def test_several_commands_become_one_change_and_number_their_events_through() -> None:
    records = [waiting(tally("0"), i) for i in (1, 2, 3)]
    result = folded(ABSENT, *records)
    assert (result.root.version, result.rows[ROOT]["total"]) == (1, 3)
    assert [(outcome.version, outcome.first) for outcome in result.outcomes] == [(1, 0), (1, 1), (1, 2)]
    assert result.rows[ROOT]["createdBy"] == records[0].command.id


def test_stamps_of_the_first_write_stay_and_time_never_runs_backwards() -> None:
    earlier, later = "2026-01-30T00:00:00.000Z", "2026-02-01T00:00:00.000Z"
    result = folded(existing(), waiting(tally("0"), 11, at=earlier), waiting(tally("0"), 12, at=later))
    row = result.rows[ROOT]
    assert (row["createdBy"], row["createdAt"], row["updatedAt"]) == ("b", AT, later)
    assert [outcome.at for outcome in result.outcomes] == [AT, later]


def test_a_row_that_does_not_differ_is_not_written() -> None:
    row = toy.row_ref(KEY)
    side: Item = {"id": row.key, "count": 1, "padding": "", "createdBy": "b", "createdAt": AT, "updatedAt": AT}
    found = existing()
    result = folded(replace(found, own={**found.own, row: side}, known=frozenset({ROOT, row})), waiting(tally("0"), 11))
    assert set(result.rows) == {ROOT}


def test_missing_rows_are_asked_for_and_then_used() -> None:
    row = toy.row_ref(KEY)
    record = waiting(toy.side_row_of(KEY, KEY), 11)
    asked = fold(existing(), [record], "notification", Circumstances())
    assert isinstance(asked, Missing)
    assert [read.ref for read in asked.reads] == [row]
    side: Item = {"id": row.key, "count": 4, "padding": "", "createdBy": "b", "createdAt": AT, "updatedAt": AT}
    found = existing()
    known: Mapping[str, Found] = {
        "absent": replace(found, known=frozenset({ROOT, row})),
        "there": replace(found, own={**found.own, row: side}, known=frozenset({ROOT, row})),
    }
    counts = {name: folded(each, record).rows[row]["count"] for name, each in known.items()}
    assert counts == {"absent": 1, "there": 5}


def test_a_row_made_in_the_fold_is_not_asked_for_again() -> None:
    found = replace(existing(), known=frozenset({ROOT, toy.row_ref(KEY)}))
    result = folded(found, waiting(toy.side_row_of(KEY, KEY), 11), waiting(toy.side_row_of(KEY, KEY), 12))
    assert result.rows[toy.row_ref(KEY)]["count"] == 2


def test_claims_are_stamped_and_releases_pass() -> None:
    record = waiting(toy.claiming_of(KEY, "p"), 11)
    result = folded(existing(claims=["held"]), record, waiting(toy.releasing_of(KEY), 12))
    claim, release = result.claims
    assert isinstance(claim, Claim)
    assert claim.ref == ItemRef(toy.TABLE, "CLAIM#p")
    assert (claim.item["createdBy"], claim.item["createdAt"], claim.item["updatedAt"]) == (record.command.id, AT, AT)
    assert release == ReleaseClaim(toy.claim_ref("held"), "ownerId", KEY)


def test_a_lost_claim_refuses_its_command_and_the_others_stand() -> None:
    records = [waiting(tally("0"), 11), waiting(toy.claiming_of(KEY, "p"), 12), waiting(tally("0"), 13)]
    result = folded(existing(), *records, circumstances=Circumstances(overruled={12: "toy_taken"}))
    assert kinds(result) == [["NotificationsRead"], ["CommandRefused"], ["NotificationsRead"]]
    assert (result.claims, result.rows[ROOT]["claims"], result.taken) == ((), [], 3)
    assert [verdict.reason for verdict in result.verdicts] == ["applied", "toy_taken", "applied"]


def test_growth_past_the_limit_is_refused() -> None:
    found = replace(existing(), known=frozenset({ROOT, toy.row_ref(KEY)}))
    result = folded(found, waiting(toy.side_row_of(KEY, KEY, toy.LARGE), 11))
    assert [verdict.reason for verdict in result.verdicts] == ["item_too_large"]
    assert (result.rows, kinds(result)) == ({}, [["CommandRefused"]])


def test_a_decision_that_raises_stops_after_what_came_before() -> None:
    found = replace(existing(), known=frozenset({ROOT, toy.row_ref(KEY)}))
    records = [waiting(tally("0"), 11), waiting(toy.side_row_of(KEY, KEY, toy.BUG), 12), waiting(tally("0"), 13)]
    result = folded(found, *records)
    assert (result.taken, result.write, result.root.seen) == (1, True, {HERE: 11})
    assert isinstance(result.fault, ValueError)
    assert kinds(result) == [["NotificationsRead"]]


def test_a_held_root_takes_only_what_it_has_seen_unless_it_is_drained() -> None:
    held = Root(version=3, seen={HERE: 10}, hold=Position(HERE, 10))
    known, fresh = waiting(tally("0"), 10), waiting(tally("0"), 11)
    stopped = folded(existing(held), known, fresh)
    assert (stopped.taken, stopped.write, stopped.fault) == (1, False, None)
    drained = folded(existing(held), known, fresh, circumstances=Circumstances(draining=True))
    assert (drained.taken, drained.write) == (2, True)
    assert [outcome.late for outcome in drained.outcomes] == [True]


def test_timers_are_said_like_events() -> None:
    found = replace(existing(), known=frozenset({ROOT, toy.row_ref(KEY)}))
    result = folded(found, waiting(toy.side_row_of(KEY, KEY, toy.TIMER), 11))
    assert kinds(result) == [["NotificationSuppressed", "TimerScheduled"]]
    word = orjson.loads(result.outcomes[0].said[1].value)
    assert (word["timer"], word["dueAt"], word["key"]) == ("toy.timer", "2026-02-01T09:30:00.000Z", KEY)


# --- replays -------------------------------------------------------------------------------------------------------


def copy_of(original: int, at: int) -> Waiting:
    """Appended at ``at``, standing at ``original``."""
    return waiting(tally(), at)._replace(replay=Replay("run", of=Position(HERE, original), at=AT))


def test_what_was_refused_without_a_trace_is_not_judged_again_once_copies_have_made_the_root() -> None:
    """It came at 30, before the copies at 40 and 41, and is delivered again because nothing was committed."""
    made = folded(ABSENT, copy_of(3, 40), copy_of(4, 41))
    found = Found(made.root, made.rows, known=frozenset({ROOT}))
    again = folded(found, waiting(tally(), 30))
    assert [verdict.reason for verdict in again.verdicts] == ["recognised"]
    behind = folded(found, waiting(tally(), 42))
    assert [verdict.reason for verdict in behind.verdicts] == ["applied"]


def test_originals_that_copies_have_not_reached_are_still_judged_by_theirs() -> None:
    made = folded(ABSENT, copy_of(3, 40))
    found = Found(made.root, made.rows, known=frozenset({ROOT}))
    result = folded(found, copy_of(3, 41), copy_of(5, 42))
    assert [verdict.reason for verdict in result.verdicts] == ["recognised", "applied"]
