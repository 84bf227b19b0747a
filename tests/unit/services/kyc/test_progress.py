"""The person starts and submits, we ask for the decision, time runs out."""

import pytest

from contracts.kyc import (
    KycDecisionFetchRequested,
    KycProcessing,
    KycSessionExpired,
    RecordKycProgress,
)
from tests.support.service_story import after
from tests.unit.services.kyc.story import (
    EXPIRING,
    ORPHAN,
    OWNER,
    PERSON,
    REFERENCE,
    REFRESHING,
    SESSION,
    TIMERS,
    Story,
    deciding,
    progressing,
)
from workers.engine.decision import UNCHANGED, Accepted, Refused
from workers.services.kyc.session import ReviewState, Status


@pytest.mark.parametrize("command", [progressing(), REFRESHING, EXPIRING])
def test_needs_a_session_and_comes_from_us(command: object) -> None:
    assert Story().send(command) == Refused("not_found")
    assert Story().ready().send(command, OWNER) == Refused("forbidden")


# --- progress ------------------------------------------------------------------------------------------------------


def test_each_attempt_is_told_once() -> None:
    story = Story().ready().having(progressing(), progressing(), progressing("7002"), progressing("7002"), progressing(attempt="a2"))
    assert story.oracle.emitted(KycProcessing) == [KycProcessing(**PERSON, attempt=1), KycProcessing(**PERSON, attempt=2)]
    assert (story.session.status, story.session.attempt) == (Status.PROCESSING, 2)


def test_a_submission_is_asked_about_a_day_later() -> None:
    story = Story().ready().having(progressing())
    assert story.session.submitted_at is None
    assert "kyc-poll" not in story.timers
    story.send(progressing("7002"), at=after(hours=1))
    assert story.session.submitted_at == after(hours=1)
    assert story.timers["kyc-poll"] == after(hours=25)
    assert story.send(progressing("7002"), at=after(hours=2)) == UNCHANGED
    assert story.send(progressing("7001"), at=after(hours=2)) == UNCHANGED


def test_a_submission_may_be_the_first_thing_heard_of_an_attempt() -> None:
    story = Story().ready().having(progressing("7002"))
    assert story.last == KycProcessing(**PERSON, attempt=1)
    assert story.send(progressing("7001")) == UNCHANGED


@pytest.mark.parametrize("action", ["workflow_task.started", "check.started", "check.form_completed", "awaiting_input", "processing"])
def test_onfido_names_no_attempts(action: str) -> None:
    story = Story().ready()
    started = RecordKycProgress(kyc_session_id=SESSION, veriff_session_id=REFERENCE, action=action)
    completed = RecordKycProgress(kyc_session_id=SESSION, veriff_session_id=REFERENCE, action="workflow_task.completed")
    assert isinstance(story.send(started), Accepted)
    assert story.session.submitted_at is None
    assert isinstance(story.send(completed), Accepted)
    assert story.session.submitted_at is not None
    assert story.send(started) == story.send(completed) == UNCHANGED
    assert story.oracle.emitted(KycProcessing) == [KycProcessing(**PERSON, attempt=1)]


@pytest.mark.parametrize("code", ["7003", "7005", "9151", "9161"])
def test_codes_that_say_nothing_are_ignored(code: str) -> None:
    assert Story().ready().send(progressing(code)) == UNCHANGED


def test_progress_of_a_session_nobody_was_sent_to_is_ignored() -> None:
    assert Story().ready().send(progressing(reference=ORPHAN)) == UNCHANGED


@pytest.mark.parametrize("outcome", ["approved", "declined", "expired"])
def test_progress_never_leaves_the_end(outcome: str) -> None:
    assert Story().ready().having(deciding(outcome)).send(progressing(attempt="a9")) == UNCHANGED


# --- questions -----------------------------------------------------------------------------------------------------


def test_the_provider_is_asked_daily_until_the_session_ends() -> None:
    story = Story().ready().having(progressing("7002"))
    for day in (1, 2):
        story.send(REFRESHING, TIMERS, at=after(days=day))
        asked = KycDecisionFetchRequested(kyc_session_id=SESSION, provider="veriff", veriff_session_id=REFERENCE, n=day)
        assert (story.last, story.timers["kyc-poll"]) == (asked, after(days=day + 1))
    story.send(EXPIRING, TIMERS, at=after(days=7))
    assert set(story.timers) == {"kyc-retention"}


def test_an_expired_session_may_still_be_asked_about_once() -> None:
    story = Story().ready().having(deciding("expired"))
    assert isinstance(story.send(REFRESHING), Accepted)
    assert "kyc-poll" not in story.timers


def test_nothing_is_asked_before_the_creation_or_after_the_verdict() -> None:
    assert Story().started().send(REFRESHING) == UNCHANGED
    assert Story().verified().send(REFRESHING) == UNCHANGED


# --- expiry --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("facts", [[], [progressing("7002")], [deciding("resubmission")]])
def test_seven_days_without_a_decision_end_it(facts: list[object]) -> None:
    story = Story().ready().having(*facts)
    assert story.send(EXPIRING, TIMERS, at=after(days=7, seconds=-1)) == UNCHANGED
    story.send(EXPIRING, TIMERS, at=after(days=7))
    assert story.last == KycSessionExpired(**PERSON, reason="timeout", decision_time="2026-02-07T09:30:00.000000Z")
    assert (story.session.status, story.session.review_state) == (Status.EXPIRED, ReviewState.NONE)
    assert story.timers == {"kyc-retention": after(days=7 + 366)}
    assert story.send(EXPIRING, TIMERS, at=after(days=8)) == UNCHANGED


def test_a_review_is_waited_for_a_week_at_a_time() -> None:
    story = Story().ready().having(deciding("review"))
    for week in (1, 2):
        story.send(EXPIRING, TIMERS, at=after(days=7 * week))
        assert story.session.status is Status.PROCESSING
        assert story.timers["kyc-session-expiry"] == story.session.expires_on == after(days=7 * week + 7)
        assert story.send(EXPIRING, TIMERS, at=after(days=7 * week)) == UNCHANGED
