"""Identity checks: asked for, and what became of them, in whatever order that is told."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.contractor import (
    ApplyKycOutcome,
    ContractorKycRequested,
    ContractorKycStatusChanged,
    KycOutcome,
    KycStatus,
    RequestContractorKyc,
)
from contracts.kyc import KycProvider
from contracts.types import DecisionTime
from tests.support.service_story import ADMIN, USER, after
from tests.unit.services.contractor.story import (
    CONTRACTOR,
    EXPIRED,
    FAILED,
    FIRST,
    NAME,
    OWNER,
    REJECTED,
    REQUESTING,
    SECOND,
    STRANGER,
    SYSTEM,
    UNKNOWN_SESSION,
    VERIFIED,
    Story,
    ended,
    instant,
    named,
)
from workers.engine.decision import UNCHANGED, Accepted, Refused
from workers.services.contractor.kyc_requests import MOST_REQUESTS, MOST_SESSIONS, session_id


def asking(story: Story, number: int, actor: str = OWNER) -> object:
    """Asks, and lets the session expire."""
    decision = story.send(REQUESTING, actor, command=named(f"check {number}"))
    story.send(ended(KycOutcome.EXPIRED, command=named(f"check {number}")), SYSTEM)
    return decision


# --- requests ------------------------------------------------------------------------------------------------------


def test_a_check_is_asked_for() -> None:
    story = Story().created()
    story.send(RequestContractorKyc(contractor_id=CONTRACTOR, provider=KycProvider.ONFIDO), command=FIRST)
    assert story.last == ContractorKycRequested(
        contractor_id=CONTRACTOR,
        user_id=USER,
        kyc_session_id=session_id(FIRST),
        provider=KycProvider.ONFIDO,
        country="EG",
        name=NAME,
        ordinal=1,
    )
    assert story.contractor.kyc_session_ids == (session_id(FIRST),)
    assert story.send(REQUESTING, command=SECOND) == Refused("kyc_session_open")


def test_an_old_request_published_again_opens_nothing() -> None:
    story = Story().waiting()
    story.send(EXPIRED, SYSTEM)
    assert story.send(REQUESTING, command=FIRST) == UNCHANGED
    story.send(REQUESTING, command=SECOND)
    assert story.last.ordinal == 2
    assert story.send(REQUESTING, command=FIRST) == UNCHANGED


def test_who_is_verified_is_checked_again_for_an_admin_only() -> None:
    story = Story().verified()
    assert story.send(REQUESTING) == Refused("kyc_already_verified")
    assert isinstance(story.send(REQUESTING, ADMIN), Accepted)
    assert story.contractor.is_verified
    assert story.send(REQUESTING, ADMIN) == Refused("kyc_session_open")


def test_five_times_and_then_an_admin_has_to_ask() -> None:
    story = Story().created()
    for number in range(MOST_REQUESTS):
        assert isinstance(asking(story, number), Accepted)
    assert story.send(REQUESTING) == Refused("kyc_attempts_exhausted")
    assert isinstance(asking(story, MOST_REQUESTS, ADMIN), Accepted)


def test_a_rejection_is_waited_out() -> None:
    story = Story().rejected()
    for actor in (OWNER, ADMIN):
        assert story.send(REQUESTING, actor, after(hours=24, seconds=-1)) == Refused("kyc_too_soon")
    assert isinstance(story.send(REQUESTING, at=after(hours=24)), Accepted)


def test_no_more_than_twenty_sessions_are_remembered() -> None:
    story = Story().created()
    for number in range(MOST_SESSIONS + 3):
        asking(story, number, ADMIN)
    assert story.contractor.kyc_session_ids == tuple(session_id(named(f"check {number}")) for number in range(3, MOST_SESSIONS + 3))
    assert story.contractor.kyc_requests == MOST_SESSIONS + 3


def test_requests_are_refused() -> None:
    assert Story().send(REQUESTING) == Refused("not_found")
    assert Story().gone().send(REQUESTING) == Refused("erased")
    for actor in (STRANGER, SYSTEM, "public"):
        assert Story().created().send(REQUESTING, actor) == Refused("forbidden")


# --- outcomes ------------------------------------------------------------------------------------------------------


def changed(status: KycStatus, decided: DecisionTime, reason: str | None = None) -> ContractorKycStatusChanged:
    return ContractorKycStatusChanged(
        contractor_id=CONTRACTOR, user_id=USER, country="EG", kyc_status=status, reason=reason, decision_time=decided
    )


@pytest.mark.parametrize(
    ("outcome", "status", "reason"),
    [(VERIFIED, KycStatus.VERIFIED, None), (REJECTED, KycStatus.REJECTED, "Document expired")],
)
def test_a_verdict_is_copied_once(outcome: ApplyKycOutcome, status: KycStatus, reason: str | None) -> None:
    story = Story().waiting()
    story.send(outcome, SYSTEM)
    assert story.last == changed(status, instant(), reason)
    contractor = story.contractor
    assert (contractor.kyc_status, contractor.kyc_reason, contractor.kyc_decided_at) == (status, reason, instant())
    assert contractor.kyc_open is False
    assert story.send(outcome, SYSTEM) == UNCHANGED


@pytest.mark.parametrize("outcome", [EXPIRED, FAILED])
def test_a_session_may_end_without_a_verdict(outcome: ApplyKycOutcome) -> None:
    story = Story().waiting()
    before = len(story.oracle.events)
    assert isinstance(story.send(outcome, SYSTEM), Accepted)
    assert len(story.oracle.events) == before
    assert (story.contractor.kyc_status, story.contractor.kyc_open) == (KycStatus.PENDING, False)
    assert story.send(outcome, SYSTEM) == UNCHANGED


def test_a_verdict_may_be_overturned() -> None:
    story = Story().rejected()
    story.send(ended(KycOutcome.VERIFIED, 1), SYSTEM)
    assert story.last == changed(KycStatus.VERIFIED, instant(1))
    assert story.contractor.kyc_reason is None
    assert story.send(REJECTED, SYSTEM) == UNCHANGED


def test_an_overturned_verdict_leaves_the_session_of_today_open() -> None:
    story = Story().rejected()
    story.send(REQUESTING, at=after(hours=25), command=SECOND)
    story.send(ended(KycOutcome.VERIFIED, 26), SYSTEM)
    assert (story.contractor.is_verified, story.contractor.kyc_open) == (True, True)
    assert isinstance(story.send(ended(KycOutcome.EXPIRED, 25, SECOND), SYSTEM), Accepted)
    assert (story.contractor.is_verified, story.contractor.kyc_open) == (True, False)


def test_outcomes_that_concern_nobody() -> None:
    assert Story().send(VERIFIED, SYSTEM) == Refused("not_found")
    assert Story().waiting().send(VERIFIED, OWNER) == Refused("forbidden")
    assert Story().gone().send(VERIFIED, SYSTEM) == UNCHANGED
    assert Story().waiting().send(ended(KycOutcome.VERIFIED, kyc_session_id=UNKNOWN_SESSION), SYSTEM) == UNCHANGED


VERDICTS = [KycOutcome.VERIFIED, KycOutcome.REJECTED]
OUTCOMES = st.lists(
    st.tuples(st.sampled_from(KycOutcome), st.integers(0, 5), st.sampled_from([FIRST, SECOND])),
    min_size=1,
    max_size=8,
)


@settings(max_examples=200, deadline=None)
@given(OUTCOMES.flatmap(lambda told: st.tuples(st.just(told), st.permutations(told * 2))))
def test_the_last_verdict_holds_in_whatever_order_and_however_often_it_is_told(
    told: tuple[list[tuple[KycOutcome, int, str]], list[tuple[KycOutcome, int, str]]],
) -> None:
    facts, heard = told
    story = Story().waiting()
    story.send(EXPIRED, SYSTEM)
    story.send(REQUESTING, command=SECOND)
    for outcome, hours, session in heard:
        story.send(ended(outcome, hours, SECOND if session == SECOND else FIRST), SYSTEM)
    verdicts = [(hours, outcome is KycOutcome.REJECTED, outcome) for outcome, hours, _ in facts if outcome in VERDICTS]
    contractor = story.contractor
    assert contractor.kyc_status == (KycStatus(max(verdicts)[2]) if verdicts else KycStatus.PENDING)
    assert contractor.kyc_decided_at == (instant(max(verdicts)[0]) if verdicts else None)
    assert contractor.kyc_open is not any(session == SECOND for _, _, session in facts)
    times = [event.decision_time for event in story.oracle.events if isinstance(event, ContractorKycStatusChanged)]
    assert times == sorted(times)
