"""Facts arrive in any order, again and again, and end the same: as the set of them says, by a rule written down once more here."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.kyc import DecidedBy, KycSessionRejected, KycSessionVerified, ProviderOutcome, RecordKycDecision, RecordKycProgress
from contracts.types import CommandId, DecisionTime, Timestamp
from tests.support.service_story import ADMIN, after
from tests.unit.services.kyc.story import (
    CREATED,
    ORPHAN,
    REFERENCE,
    VERIFF,
    Story,
    decided_at,
    deciding,
    manually,
    progressing,
)

Fact = RecordKycDecision | RecordKycProgress
VERDICTS = {ProviderOutcome.APPROVED: "verified", ProviderOutcome.DECLINED: "rejected"}
EXPIRIES = {ProviderOutcome.EXPIRED, ProviderOutcome.ABANDONED, ProviderOutcome.ERROR}

seconds = st.integers(0, 4)
microseconds = st.sampled_from([1, 2])
attempts = st.sampled_from([None, "a1", "a2", "a3"])


@st.composite
def decisions(draw: st.DrawFn, outcomes: Sequence[ProviderOutcome] = tuple(ProviderOutcome)) -> RecordKycDecision:
    time = decided_at(draw(seconds), draw(microseconds))
    reference = ORPHAN if draw(st.integers(0, 9)) == 0 else REFERENCE
    return deciding(draw(st.sampled_from(outcomes)), decision_time=time, attempt_id=draw(attempts), veriff_session_id=reference)


progress = st.builds(progressing, st.sampled_from(["7001", "7002", "7005"]), attempts)
undecided = decisions((ProviderOutcome.RESUBMISSION, ProviderOutcome.REVIEW))
settled = decisions((ProviderOutcome.APPROVED, ProviderOutcome.DECLINED))
facts = st.one_of(*(st.lists(st.one_of(each, progress), min_size=1, max_size=7) for each in (decisions(), undecided, settled)))


@dataclass(frozen=True, slots=True)
class End:
    """``decided``: when, and the verdict's reason where a provider gave it."""

    status: str
    review_state: str
    attempt: int | None
    decided: tuple[str, str | None] | None


# --- the rule ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AdminAct:
    """``at``: whole seconds after the start and a half, so that no provider decides in the same instant."""

    outcome: str
    seconds: int

    @property
    def at(self) -> Timestamp:
        return Timestamp(f"{after(seconds=self.seconds)[:19]}.500Z")

    @property
    def time(self) -> DecisionTime:
        return DecisionTime(f"{self.at[:-1]}000Z")


def expected(told: Sequence[Fact], acts: Sequence[AdminAct] = ()) -> End:
    ours = [fact for fact in told if fact.veriff_session_id != ORPHAN]
    made = [fact for fact in ours if isinstance(fact, RecordKycDecision)]
    verdicts = [(fact.decision_time, VERDICTS[fact.outcome], fact.reason) for fact in made if fact.outcome in VERDICTS]
    standing = _standing(verdicts, acts)
    if standing:
        return End(standing[1], "none", None, (standing[0], standing[2]))
    if any(fact.outcome in EXPIRIES for fact in made):
        return End("expired", "none", None, None)
    return _open(made, [fact for fact in ours if isinstance(fact, RecordKycProgress) and fact.code != "7005"])


Verdict = tuple[str, str, str | None]


def _standing(verdicts: Sequence[Verdict], acts: Sequence[AdminAct]) -> Verdict | None:
    """The newest verdict, a rejection before its like. An admin's stands until unlocked, then against newer ones only."""
    locked_by: Verdict | None = None
    newest = _newest([verdict for verdict in verdicts if not acts or verdict[0] < acts[0].time])
    for number, act in enumerate(acts):
        until = acts[number + 1].time if number + 1 < len(acts) else "9"
        if act.outcome == "unlock" and locked_by:
            newest, locked_by = (act.time, locked_by[1], None), None
        elif act.outcome != "unlock" and (locked_by is None or locked_by[1] != act.outcome):
            newest = locked_by = (act.time, act.outcome, None)
        if locked_by is None:
            newest = _newest([*([newest] if newest else []), *(v for v in verdicts if act.time < v[0] < until)])
    return newest


def _newest(verdicts: Sequence[Verdict]) -> Verdict | None:
    return max(verdicts, key=lambda verdict: (verdict[0], verdict[1] == "rejected"), default=None)


def _open(made: Sequence[RecordKycDecision], moved: Sequence[RecordKycProgress]) -> End:
    seen = {fact.attempt_id for fact in made} | {fact.attempt_id for fact in moved}
    asked = max(made, key=lambda fact: (fact.decision_time, fact.outcome is ProviderOutcome.REVIEW), default=None)
    status = "processing" if seen else "pending"
    return End(
        status, asked.outcome if asked else "none", len(seen - {None}) or len(seen), (asked.decision_time, asked.reason) if asked else None
    )


# --- what happened -------------------------------------------------------------------------------------------------


def reached(story: Story) -> End:
    session, settled = story.session, not story.session.is_open
    result = session.verification_result
    by_admin = result is not None and result.status in ("verified", "rejected")
    decided = (session.decision_time, result.reason if result and not by_admin else None) if session.decision_time else None
    return End(session.status, session.review_state, None if settled else session.attempt, None if session.status == "expired" else decided)


def consistent(story: Story, told: Sequence[Fact]) -> None:
    """What was told outside is what is stored, and nothing that lies in S3 is forgotten."""
    session = story.session
    verdicts = [event for event in story.oracle.events if isinstance(event, KycSessionVerified | KycSessionRejected)]
    kinds = ["verified" if isinstance(event, KycSessionVerified) else "rejected" for event in verdicts]
    assert all(before != behind for before, behind in pairwise(kinds))
    assert [event.decision_time for event in verdicts] == sorted(event.decision_time for event in verdicts)
    assert kinds[-1:] == ([session.status] if session.verdict else [])
    assert [event.overturned for event in verdicts] == [number > 0 for number in range(len(verdicts))]
    assert set(session.raw_keys) == {fact.raw_key for fact in told if isinstance(fact, RecordKycDecision)}
    assert ("kyc-session-expiry" in story.timers) == session.is_open
    assert ("kyc-retention" in story.timers) != session.is_open
    assert session.is_open or "kyc-poll" not in story.timers


@settings(max_examples=400, deadline=None)
@given(facts, st.data())
def test_the_same_facts_in_any_order_and_number_end_the_same(told: list[Fact], data: st.DataObject) -> None:
    again = data.draw(st.lists(st.sampled_from(told), max_size=5))
    story = Story().ready().having(*data.draw(st.permutations([*told, *again])))
    assert reached(story) == expected(told)
    consistent(story, told)
    before, events = story.session, len(story.oracle.events)
    story.having(*told)
    assert (story.session, len(story.oracle.events)) == (before, events)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(decisions(), progress).filter(lambda fact: fact.veriff_session_id != ORPHAN), max_size=6), st.data())
def test_the_creation_may_be_recorded_among_them(told: list[Fact], data: st.DataObject) -> None:
    story = Story().started().having(*data.draw(st.permutations([*told, CREATED])))
    assert reached(story) == expected(told)


@settings(max_examples=250, deadline=None)
@given(
    st.lists(decisions(), max_size=7),
    st.lists(st.tuples(st.sampled_from(["verified", "rejected", "unlock"]), seconds), max_size=4),
    st.data(),
)
def test_an_admin_among_them_decides_until_it_is_unlocked(
    told: list[RecordKycDecision], acting: list[tuple[str, int]], data: st.DataObject
) -> None:
    """A decision arrives after it was made, once or more, early or late; an admin's act at its own time."""
    acts = [AdminAct(outcome, second) for second, outcome in sorted({second: outcome for outcome, second in acting}.items())]
    steps: list[tuple[str, str, Any]] = [(act.at, ADMIN, act) for act in acts]
    for fact in told:
        for delay in data.draw(st.lists(st.integers(0, 10), min_size=1, max_size=3)):
            second = int(fact.decision_time[17:19]) + delay + 1
            steps.append((after(seconds=second), VERIFF, fact))
    story = Story().ready()
    for number, (at, actor, what) in enumerate(sorted(steps, key=lambda step: step[0])):
        repeated = CommandId(f"99999999-9999-4999-8999-{number:012d}")
        command = manually(what.outcome) if isinstance(what, AdminAct) else what
        for _ in range(2):
            story.send(command, actor, Timestamp(at), repeated)
    assert reached(story) == expected(told, acts)
    consistent(story, told)
    assert story.session.locked == _locked(acts)
    assert all(event.by is DecidedBy.PROVIDER for event in story.oracle.events if isinstance(event, KycSessionVerified) and not acts)


def _locked(acts: Sequence[AdminAct]) -> bool:
    return bool(acts) and acts[-1].outcome != "unlock"
