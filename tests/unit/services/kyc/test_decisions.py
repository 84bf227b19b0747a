"""What providers and admins decide, each way it may come."""

from typing import Any

import pytest

from contracts.kyc import (
    DecidedBy,
    KycDecisionContested,
    KycResubmissionRequested,
    KycReviewStarted,
    KycSessionExpired,
    KycSessionRejected,
    KycSessionVerified,
    KycVerdict,
)
from contracts.types import CommandId
from tests.support.service_story import ADMIN, after
from tests.unit.services.kyc.story import (
    CONTRACTOR,
    DOCUMENT,
    ORPHAN,
    OWNER,
    PERSON,
    SESSION,
    SYSTEM,
    TIMERS,
    Story,
    decided_at,
    deciding,
    manually,
    progressing,
)
from workers.engine.decision import UNCHANGED, Accepted, Refused
from workers.services.kyc.session import ReviewState, Status

FIRST, SECOND = (CommandId(f"9999999{n}-9999-4999-8999-999999999999") for n in (1, 2))
NO_VERDICTS = ["resubmission", "review", "expired", "abandoned", "error"]
STATUS = {"approved": Status.VERIFIED, "declined": Status.REJECTED}


def opening(end: str) -> Story:
    """A session in one of the statuses from which a verdict is reached."""
    story = Story().ready()
    facts: dict[str, list[Any]] = {
        "pending": [],
        "processing": [progressing()],
        "review": [deciding("review", 1)],
        "expired": [deciding("expired", 1)],
    }
    return story.having(*facts[end])


def test_decisions_need_a_session_and_come_from_providers() -> None:
    assert Story().send(deciding("approved")) == Refused("not_found")
    assert Story().ready().send(deciding("approved"), OWNER) == Refused("forbidden")


# --- verdicts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("begin", ["pending", "processing", "review", "expired"])
@pytest.mark.parametrize("outcome", STATUS)
def test_a_verdict_is_reached_from_wherever_it_is_open(begin: str, outcome: str) -> None:
    story = opening(begin)
    assert isinstance(story.send(deciding(outcome)), Accepted)
    assert (story.session.status, story.session.review_state) == (STATUS[outcome], ReviewState.NONE)
    assert set(story.timers) == {"kyc-retention"}
    assert story.send(deciding(outcome), at=after(days=30)) == UNCHANGED


def test_the_verified_are_told_with_their_documents() -> None:
    story = Story().verified()
    assert story.last == KycSessionVerified(
        **PERSON,
        provider="veriff",
        decision_time=decided_at(60),
        overturned=False,
        by=DecidedBy.PROVIDER,
        document_ids=(DOCUMENT,),
    )


def test_the_rejected_are_told_why() -> None:
    story = Story().with_document().having(deciding("declined", reason="Document expired", reason_code="105"))
    assert story.last == KycSessionRejected(
        **PERSON,
        provider="veriff",
        decision_time=decided_at(60),
        overturned=False,
        by=DecidedBy.PROVIDER,
        document_ids=(DOCUMENT,),
        reason="Document expired",
        reason_code="105",
    )


def test_only_type_and_country_of_the_provider_document_are_kept() -> None:
    labels = tuple(f"label {number}" for number in range(25))
    decision = deciding("approved", document_type="DRIVERS_LICENSE", document_country="GB", risk_labels=labels)
    result = Story().ready().having(decision).session.verification_result
    assert result is not None
    assert result.to_item() == {
        "status": "approved",
        "code": "9000",
        "reason": decision.reason,
        "attemptId": "a1",
        "documentType": "DRIVERS_LICENSE",
        "documentCountry": "GB",
        "riskLabels": list(labels[:20]),
        "rawKey": decision.raw_key,
    }


@pytest.mark.parametrize(("first", "second"), [("approved", "declined"), ("declined", "approved")])
def test_a_newer_verdict_overturns(first: str, second: str) -> None:
    story = Story().ready().having(deciding(first, 60), deciding(second, 61))
    assert story.session.status is STATUS[second]
    assert (story.last.overturned, story.last.by, story.last.decision_time) == (True, DecidedBy.PROVIDER, decided_at(61))


@pytest.mark.parametrize(("first", "second"), [("approved", "declined"), ("declined", "approved")])
def test_an_older_verdict_is_ignored(first: str, second: str) -> None:
    story = Story().ready().having(deciding(first, 60))
    told = len(story.oracle.events)
    story.having(deciding(second, 59))
    assert (story.session.status, len(story.oracle.events)) == (STATUS[first], told)


def test_microseconds_count() -> None:
    story = (
        Story().ready().having(deciding("approved", decision_time=decided_at(60, 2)), deciding("declined", decision_time=decided_at(60, 1)))
    )
    assert story.session.status is Status.VERIFIED


@pytest.mark.parametrize("order", [("approved", "declined"), ("declined", "approved")])
def test_of_one_instant_the_rejection_counts(order: tuple[str, str]) -> None:
    story = Story().ready().having(*(deciding(outcome) for outcome in order))
    assert story.session.status is Status.REJECTED


def test_the_same_verdict_anew_is_not_told_again_but_counts() -> None:
    story = Story().ready().having(deciding("approved", 60), deciding("approved", 80))
    assert len(story.oracle.emitted(KycSessionVerified)) == 1
    story.having(deciding("declined", 70))
    assert story.session.status is Status.VERIFIED


@pytest.mark.parametrize("outcome", NO_VERDICTS)
@pytest.mark.parametrize("end", ["approved", "declined"])
def test_what_is_no_verdict_never_leaves_one(end: str, outcome: str) -> None:
    story = Story().ready().having(deciding(end, 60))
    before = story.session
    decision = deciding(outcome, 90)
    story.having(decision)
    assert story.session.having(raw_keys=before.raw_keys, updated_at=before.updated_at) == before
    assert story.send(decision) == UNCHANGED


def test_a_session_nobody_was_sent_to_decides_nothing() -> None:
    story = Story().ready().having(deciding("approved", veriff_session_id=ORPHAN))
    assert story.session.status is Status.PENDING


# --- what is no verdict --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("begin", ["pending", "processing"])
def test_a_resubmission_asks_the_person_again(begin: str) -> None:
    story = opening(begin)
    asking = deciding("resubmission", reason="Face not clearly visible", reason_code="202")
    story.having(asking)
    assert story.last == KycResubmissionRequested(**PERSON, reason="Face not clearly visible", reason_code="202", attempt=1)
    assert (story.session.status, story.session.review_state) == (Status.PROCESSING, ReviewState.RESUBMISSION)
    assert story.send(asking) == UNCHANGED


def test_each_resubmission_is_told() -> None:
    story = Story().ready().having(deciding("resubmission", 1), deciding("resubmission", 2, attempt_id="a2"))
    assert [event.attempt for event in story.oracle.emitted(KycResubmissionRequested) if isinstance(event, KycResubmissionRequested)] == [
        1,
        2,
    ]


def test_a_review_is_told_once() -> None:
    story = opening("processing").having(deciding("review", 1), deciding("review", 2))
    assert story.oracle.emitted(KycReviewStarted) == [KycReviewStarted(**PERSON, reason=deciding("review", 1).reason)]
    assert (story.session.status, story.session.review_state) == (Status.PROCESSING, ReviewState.REVIEW)
    assert story.session.decision_time == decided_at(2)


@pytest.mark.parametrize("seconds", [(1, 2), (2, 2)])
@pytest.mark.parametrize("turned", [False, True])
def test_the_newest_of_them_counts_and_of_one_instant_the_review(seconds: tuple[int, int], turned: bool) -> None:
    facts = [deciding("resubmission", seconds[0]), deciding("review", seconds[1])]
    story = Story().ready().having(*(reversed(facts) if turned else facts))
    assert story.session.review_state is ReviewState.REVIEW


@pytest.mark.parametrize("begin", ["pending", "processing", "review"])
@pytest.mark.parametrize("outcome", ["expired", "abandoned", "error"])
def test_an_expiry_ends_what_is_open(begin: str, outcome: str) -> None:
    story = opening(begin)
    story.having(deciding(outcome))
    assert story.last == KycSessionExpired(**PERSON, reason=outcome, decision_time=decided_at(60))
    assert (story.session.status, story.session.review_state) == (Status.EXPIRED, ReviewState.NONE)
    assert set(story.timers) == {"kyc-retention"}
    assert story.send(deciding(outcome)) == UNCHANGED


@pytest.mark.parametrize("outcome", NO_VERDICTS)
def test_only_a_verdict_leaves_the_expiry(outcome: str) -> None:
    story = Story().ready().having(deciding("abandoned", 1), deciding(outcome, 90))
    assert story.session.status is Status.EXPIRED
    assert len(story.oracle.emitted(KycSessionExpired)) == 1


def test_a_verdict_from_before_the_timeout_counts() -> None:
    story = opening("expired").having(deciding("approved", 0))
    assert story.session.status is Status.VERIFIED
    assert not story.last.overturned


# --- admins --------------------------------------------------------------------------------------------------------


def test_only_admins_decide_and_say_why() -> None:
    assert Story().send(manually("verified"), ADMIN) == Refused("not_found")
    for actor in (OWNER, SYSTEM, TIMERS):
        assert Story().ready().send(manually("verified"), actor) == Refused("forbidden")
    for outcome in ("verified", "rejected", "unlock"):
        assert Story().ready().send(manually(outcome, None), ADMIN) == Refused("reason_required")


@pytest.mark.parametrize("begin", ["pending", "processing", "review", "expired"])
@pytest.mark.parametrize("outcome", ["verified", "rejected"])
def test_an_admin_decides(begin: str, outcome: str) -> None:
    story = opening(begin)
    story.send(manually(outcome), ADMIN, at=after(minutes=5))
    session = story.session
    assert (session.status, session.locked, session.decision_time) == (outcome, True, "2026-01-31T09:35:00.000000Z")
    assert (story.last.by, story.last.overturned, story.last.decision_time) == (DecidedBy.ADMIN, False, session.decision_time)
    assert story.send(manually(outcome), ADMIN, at=after(minutes=6)) == UNCHANGED


def test_an_admin_overturns_and_the_findings_stay() -> None:
    story = Story().ready().having(deciding("declined", document_type="PASSPORT", reason_code="105"))
    story.send(manually("verified"), ADMIN, at=after(minutes=5))
    result = story.session.verification_result
    assert result is not None
    assert (result.status, result.reason, result.reason_code, result.code) == ("verified", "Seen on a video call", None, None)
    assert (result.document_type, result.raw_key) == ("PASSPORT", deciding("declined").raw_key)
    assert (story.last.overturned, story.last.by) == (True, DecidedBy.ADMIN)


def test_an_admin_who_agrees_locks_without_a_word() -> None:
    story = Story().verified()
    told = len(story.oracle.events)
    assert isinstance(story.send(manually("verified"), ADMIN, at=after(minutes=5)), Accepted)
    result = story.session.verification_result
    assert result is not None
    assert (story.session.locked, len(story.oracle.events), result.reason) == (True, told, "Seen on a video call")


def test_an_admins_decision_is_the_later_one_whatever_the_providers_clock() -> None:
    story = Story().ready().having(deciding("declined", decision_time="2026-02-01T00:00:00.999999Z"))
    story.send(manually("verified"), ADMIN, at=after(minutes=5))
    assert story.last.decision_time == "2026-02-01T00:00:01.000000Z"
    story.having(deciding("approved", decision_time="2999-12-31T23:59:59.999999Z"))
    story.send(manually("unlock"), ADMIN, at=after(minutes=6))
    story.having(deciding("approved", decision_time="2999-12-31T23:59:59.999999Z"))
    assert isinstance(story.send(manually("rejected"), ADMIN, at=after(minutes=7)), Accepted)
    assert story.session.decision_time == "2999-12-31T23:59:59.999999Z"


def test_against_an_admin_a_provider_only_raises_it_once() -> None:
    story = Story().verified()
    story.send(manually("rejected"), ADMIN, at=after(minutes=5))
    contest = deciding("approved", 600)
    story.having(contest)
    assert story.last == KycDecisionContested(
        kyc_session_id=SESSION,
        contractor_id=CONTRACTOR,
        stored=KycVerdict.REJECTED,
        offered=KycVerdict.VERIFIED,
        decision_time=decided_at(600),
    )
    assert story.session.status is Status.REJECTED
    assert story.send(contest) == UNCHANGED
    story.having(deciding("approved", 500), deciding("declined", 700), deciding("approved", 60))
    assert len(story.oracle.emitted(KycDecisionContested)) == 1
    story.having(deciding("approved", 800))
    assert len(story.oracle.emitted(KycDecisionContested)) == 2


def test_after_the_unlocking_what_is_decided_from_then_on_counts() -> None:
    story = Story().ready()
    story.send(manually("rejected"), ADMIN, at=after(minutes=5))
    story.having(deciding("approved", 400))
    assert isinstance(story.send(manually("unlock"), ADMIN, at=after(minutes=10)), Accepted)
    assert not story.session.locked
    reached = [story.having(deciding("approved", seconds)).session.status for seconds in (500, 700)]
    assert reached == [Status.REJECTED, Status.VERIFIED]
    assert story.last.overturned


@pytest.mark.parametrize("begin", ["pending", "review", "expired"])
def test_there_is_nothing_to_unlock_without_a_lock(begin: str) -> None:
    assert opening(begin).send(manually("unlock"), ADMIN) == UNCHANGED
    assert Story().verified().send(manually("unlock"), ADMIN) == UNCHANGED


def test_an_old_decision_of_an_admin_undoes_no_newer_one() -> None:
    story = Story().ready()
    story.send(manually("verified"), ADMIN, at=after(minutes=1), command=FIRST)
    story.send(manually("rejected"), ADMIN, at=after(minutes=2), command=SECOND)
    assert story.send(manually("verified"), ADMIN, at=after(minutes=3), command=FIRST) == UNCHANGED
    assert story.session.status is Status.REJECTED
