"""Companies a contractor works for; the first of them has its identity checked."""

import pytest

from contracts.contractor import ContractorKycRequested, ContractorLinkedToClient, KycOutcome
from contracts.kyc import KycProvider
from contracts.types import KycSessionId
from tests.support.service_story import ADMIN, USER
from tests.unit.services.contractor.story import (
    CONTRACTOR,
    FIRST,
    NAME,
    OWNER,
    REQUESTING,
    SYSTEM,
    Beginning,
    Story,
    ended,
    linking,
    named,
)
from workers.engine.decision import UNCHANGED, Accepted, Refused
from workers.services.contractor.clients import MOST_CLIENTS
from workers.services.contractor.kyc_requests import session_id


def linked(number: int = 1) -> ContractorLinkedToClient:
    return ContractorLinkedToClient(contractor_id=CONTRACTOR, user_id=USER, client_id=linking(number).client_id)


def requested(session: KycSessionId, ordinal: int = 1) -> ContractorKycRequested:
    return ContractorKycRequested(
        contractor_id=CONTRACTOR,
        user_id=USER,
        kyc_session_id=session,
        provider=KycProvider.VERIFF,
        country="EG",
        name=NAME,
        ordinal=ordinal,
    )


def test_the_first_client_has_the_contractor_checked() -> None:
    story = Story().created()
    story.send(linking(), SYSTEM, command=FIRST)
    assert story.oracle.events[1:] == [linked(), requested(session_id(FIRST))]
    assert (story.contractor.kyc_session_id, story.contractor.kyc_open, story.contractor.kyc_requests) == (session_id(FIRST), True, 1)
    assert story.send(linking(), SYSTEM) == UNCHANGED


@pytest.mark.parametrize("begin", [Story.waiting, Story.verified, Story.rejected])
def test_nobody_is_checked_twice_for_a_second_client(begin: Beginning) -> None:
    story = begin(Story())
    before = len(story.oracle.events)
    story.send(linking(2), SYSTEM)
    assert story.oracle.events[before:] == [linked(2)]


def test_a_check_that_came_to_nothing_begins_again_with_the_next_client() -> None:
    story = Story().created()
    story.send(linking(), SYSTEM, command=FIRST)
    story.send(ended(KycOutcome.EXPIRED), SYSTEM)
    story.send(linking(2), SYSTEM, command=named("second link"))
    assert story.oracle.events[-2:] == [linked(2), requested(session_id(named("second link")), 2)]
    assert story.contractor.client_ids == (linking(1).client_id, linking(2).client_id)


def test_clients_do_not_lift_the_limit_of_checks() -> None:
    story = Story().created()
    for number in range(5):
        story.send(REQUESTING, command=named(f"check {number}"))
        story.send(ended(KycOutcome.EXPIRED, command=named(f"check {number}")), SYSTEM)
    story.send(linking(), SYSTEM)
    assert story.last == linked()
    assert story.contractor.kyc_open is False


def test_links_are_refused() -> None:
    assert Story().send(linking(), SYSTEM) == Refused("not_found")
    assert Story().created().send(linking(), OWNER) == Refused("forbidden")
    assert Story().gone().send(linking(), SYSTEM) == Refused("erased")
    assert isinstance(Story().created().send(linking(), ADMIN), Accepted)


def test_two_hundred_clients_are_the_most() -> None:
    story = Story().verified()
    for number in range(MOST_CLIENTS):
        assert isinstance(story.send(linking(number), SYSTEM), Accepted)
    assert story.send(linking(MOST_CLIENTS), SYSTEM) == Refused("too_many_clients")
    assert story.send(linking(0), SYSTEM) == UNCHANGED
