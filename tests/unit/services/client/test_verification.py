"""What the registry says, what an admin says, and what is left of either when asked again."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.client import (
    CompanyRejected,
    CompanyReviewNeeded,
    CompanyVerificationRequested,
    CompanyVerified,
    VerifiedBy,
)
from contracts.ids import within
from contracts.message import CommandData
from contracts.types import CommandId
from tests.support.service_story import ADMIN, USER, after
from tests.unit.services.client.story import (
    ASKING,
    COMPANY,
    NAME,
    OWNER,
    REJECTING,
    STRANGER,
    SYSTEM,
    VERIFYING,
    Story,
    registry_says,
    registry_silent,
    unknown_to_registry,
    updating,
)
from workers.engine.decision import UNCHANGED, Accepted, Refused
from workers.services.client.company import ReviewState, VerificationStatus

FIRST = CommandId(within(USER, "first"))
VERIFIED = CompanyVerified(company_id=COMPANY, user_id=USER, country="EG", by=VerifiedBy.REGISTRY)


def review(reason: str) -> CompanyReviewNeeded:
    return CompanyReviewNeeded(company_id=COMPANY, user_id=USER, reason=reason)


# --- the registry --------------------------------------------------------------------------------------------------


def test_an_active_company_of_that_name_is_verified() -> None:
    story = Story().registered()
    story.send(registry_says(), SYSTEM)
    assert story.last == VERIFIED
    assert story.company.verification_status is VerificationStatus.VERIFIED
    assert story.company.business_registry_data.to_item() == {
        "companyNumber": "204518",
        "jurisdiction": "eg",
        "registeredAddress": "12 Tahrir Square, Cairo",
        "name": "NILE DESIGN LLC",
        "currentStatus": "Active",
        "inactive": False,
        "incorporationDate": "1871-03-09",
        "opencorporatesUrl": "https://opencorporates.com/companies/eg/204518",
        "retrievedAt": "2026-01-02T00:00:00.000Z",
    }


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (unknown_to_registry(), "registry_company_not_found"),
        (registry_says(inactive=None), "registry_status_unknown"),
        (registry_says(name_matches=False), "registry_name_differs"),
        (registry_silent(), "quota_exceeded"),
    ],
)
def test_what_the_registry_does_not_settle_is_for_people(result: CommandData, reason: str) -> None:
    story = Story().registered()
    story.send(result, SYSTEM)
    assert story.last == review(reason)
    company = story.company
    assert (company.verification_status, company.review_state) == (VerificationStatus.PENDING, ReviewState.MANUAL)
    assert company.verification_reason == reason


@pytest.mark.parametrize("name_matches", [True, False])
def test_an_inactive_company_is_rejected(name_matches: bool) -> None:
    story = Story().registered()
    story.send(registry_says(inactive=True, name_matches=name_matches, current_status="Dissolved"), SYSTEM)
    assert story.last == CompanyRejected(company_id=COMPANY, user_id=USER, reason="company_inactive")
    assert (story.company.verification_status, story.company.review_state) == (VerificationStatus.REJECTED, None)


def test_what_it_was_looked_up_by_stays() -> None:
    story = Story().registered()
    story.send(registry_says(jurisdiction=None, company_number=None), SYSTEM)
    assert story.company.business_registry_data.company_number == "204518"


RESULTS = [registry_says(), registry_silent(), unknown_to_registry(), registry_says(inactive=True)]


@pytest.mark.parametrize("first", RESULTS)
@pytest.mark.parametrize("second", RESULTS)
def test_an_attempt_is_answered_once(first: CommandData, second: CommandData) -> None:
    story = Story().registered()
    story.send(first, SYSTEM)
    assert story.send(second, SYSTEM) == UNCHANGED


@pytest.mark.parametrize("result", [registry_says(), registry_silent()])
def test_the_answer_to_another_attempt_is_nothing(result: CommandData) -> None:
    story = Story().registered()
    story.send(updating(country="AE"))
    assert story.send(result, SYSTEM) == UNCHANGED
    assert isinstance(story.send(registry_says(2), SYSTEM), Accepted)


@pytest.mark.parametrize("result", [registry_says(), registry_silent()])
def test_an_answer_is_refused_to_nobody_but_strangers(result: CommandData) -> None:
    assert Story().send(result, SYSTEM) == Refused("not_found")
    assert Story().registered().send(result) == Refused("forbidden")
    assert Story().gone().send(result, SYSTEM) == UNCHANGED


# --- people --------------------------------------------------------------------------------------------------------


def test_an_admin_decides_either_way() -> None:
    story = Story().registered(jurisdiction=None)
    story.send(REJECTING, ADMIN)
    assert story.last == CompanyRejected(company_id=COMPANY, user_id=USER, reason="Papers seen.")
    assert story.company.review_state is None
    story.send(VERIFYING, ADMIN)
    assert story.last == CompanyVerified(company_id=COMPANY, user_id=USER, country="EG", by=VerifiedBy.ADMIN)
    assert story.send(VERIFYING, ADMIN) == UNCHANGED


def test_a_decision_is_not_overturned_by_a_late_answer() -> None:
    story = Story().registered()
    story.send(REJECTING, ADMIN)
    assert story.send(registry_says(), SYSTEM) == UNCHANGED


def test_an_old_decision_published_again_turns_nothing() -> None:
    story = Story().registered()
    story.send(REJECTING, ADMIN, command=FIRST)
    story.send(VERIFYING, ADMIN)
    assert story.send(REJECTING, ADMIN, command=FIRST) == UNCHANGED


@pytest.mark.parametrize(
    ("story", "actor", "reason"),
    [
        (Story(), ADMIN, "not_found"),
        (Story().registered(), OWNER, "forbidden"),
        (Story().registered(), SYSTEM, "forbidden"),
        (Story().gone(), ADMIN, "erased"),
    ],
)
def test_a_decision_is_refused(story: Story, actor: str, reason: str) -> None:
    assert story.send(VERIFYING, actor) == Refused(reason)


# --- asked again ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("actor", [OWNER, ADMIN])
def test_the_registry_is_asked_again(actor: str) -> None:
    story = Story().registered()
    story.send(registry_says(inactive=True), SYSTEM)
    story.send(ASKING, actor)
    assert story.last == CompanyVerificationRequested(
        company_id=COMPANY, attempt=2, jurisdiction="eg", company_number="204518", legal_name=NAME
    )
    company = story.company
    assert (company.verification_status, company.verification_reason) == (VerificationStatus.PENDING, None)
    story.send(registry_says(2), SYSTEM)
    assert story.last == VERIFIED


def test_five_a_day_are_enough() -> None:
    story = Story().registered()
    for hour in range(5):
        assert isinstance(story.send(ASKING, at=after(hours=hour)), Accepted)
    assert story.send(ASKING, at=after(hours=5)) == Refused("too_many_requests")
    assert isinstance(story.send(ASKING, at=after(days=1)), Accepted)
    assert len(story.company.verification_requests) == 5


def test_an_old_request_published_again_asks_nothing() -> None:
    story = Story().registered()
    story.send(ASKING, command=FIRST)
    assert story.send(ASKING, command=FIRST) == UNCHANGED


@pytest.mark.parametrize(
    ("story", "actor", "reason"),
    [
        (Story(), OWNER, "not_found"),
        (Story().registered(), STRANGER, "forbidden"),
        (Story().registered(), SYSTEM, "forbidden"),
        (Story().gone(), OWNER, "erased"),
        (Story().verified(), OWNER, "already_verified"),
        (Story().registered(company_number=None), OWNER, "registry_number_missing"),
    ],
)
def test_asking_again_is_refused(story: Story, actor: str, reason: str) -> None:
    assert story.send(ASKING, actor) == Refused(reason)


# --- any order -----------------------------------------------------------------------------------------------------

STEPS: list[tuple[Any, str]] = [
    *((ask(attempt), SYSTEM) for attempt in (1, 2, 3) for ask in (registry_says, registry_silent, unknown_to_registry)),
    (registry_says(1, inactive=True), SYSTEM),
    (registry_says(2, name_matches=False), SYSTEM),
    (ASKING, OWNER),
    (updating(country="AE"), OWNER),
    (updating(country="EG"), OWNER),
    (VERIFYING, ADMIN),
    (REJECTING, ADMIN),
]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, len(STEPS) - 1), max_size=25))
def test_whatever_comes_in_whatever_order_each_attempt_is_settled_at_most_once(order: list[int]) -> None:
    story = Story().registered()
    answered = set()
    for number in order:
        (data, actor), before = STEPS[number], len(story.oracle.events)
        attempt = getattr(data, "attempt", None)
        pending = story.company.awaits(attempt) if attempt else False
        decision = story.send(data, actor)
        if attempt is not None:
            assert isinstance(decision, Accepted) is pending
            assert not (pending and attempt in answered)
            answered |= {attempt} if pending else set()
        company = story.company
        assert (company.review_state is not None) <= (company.verification_status is VerificationStatus.PENDING)
        assert isinstance(decision, Accepted) is (len(story.oracle.events) > before)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, len(STEPS) - 1), max_size=20), st.data())
def test_what_was_judged_changes_nothing_when_it_is_published_again(order: list[int], data: st.DataObject) -> None:
    story = Story().registered()
    ids = [CommandId(within(USER, f"step {place}")) for place in range(len(order))]
    verdicts = [story.send(*STEPS[number], command=id_) for number, id_ in zip(order, ids, strict=True)]
    items, events = dict(story.oracle.items), list(story.oracle.events)
    applied = [place for place, verdict in enumerate(verdicts) if isinstance(verdict, Accepted)]
    for place in data.draw(st.permutations(applied)):
        assert story.send(*STEPS[order[place]], command=ids[place]) in (UNCHANGED, Refused("already_verified"))
    assert (story.oracle.items, story.oracle.events) == (items, events)
