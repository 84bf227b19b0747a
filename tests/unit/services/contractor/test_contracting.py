"""A contractor as a party to contracts, and its erasure, which waits for them."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.contract.standing import ContractStanding
from contracts.contractor import (
    BankDetailsRemoved,
    ContractContractorConfirmed,
    ContractContractorRefused,
    ContractorErased,
    ContractorErasureDeferred,
    ContractorRefusal,
    EraseContractor,
)
from tests.support.service_story import ADMIN, USER
from tests.unit.services.contractor.story import (
    CONFIRMING,
    CONTRACTOR,
    ERASING,
    FIRST,
    NAME_LEGAL,
    OTHER,
    OWNER,
    SYSTEM,
    Beginning,
    Story,
    adding,
    bank,
    closing,
    contract,
    creating,
    linking,
    nobody,
    opening,
    removing,
)
from workers.engine.decision import UNCHANGED, Accepted, Refused
from workers.services.contractor.contractor import ErasedContractor
from workers.services.contractor.kyc_requests import session_id

OPEN, CLOSED = ContractStanding.OPEN, ContractStanding.CLOSED


# --- party checks --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("begin", "verified"), [(Story.created, False), (Story.rejected, False), (Story.verified, True)])
def test_a_contractor_answers_for_itself(begin: Beginning, verified: bool) -> None:
    story = begin(Story())
    answer = ContractContractorConfirmed(
        contract_id=contract(),
        check_no=2,
        contractor_id=CONTRACTOR,
        user_id=USER,
        name=NAME_LEGAL,
        country="EG",
        verified=verified,
    )
    for _ in range(2):
        before = dict(story.oracle.items)
        assert isinstance(story.send(CONFIRMING, SYSTEM), Accepted)
        assert story.last == answer
        assert story.oracle.items == before


@pytest.mark.parametrize(
    ("begin", "reason"),
    [
        (nobody, ContractorRefusal.CONTRACTOR_NOT_FOUND),
        (Story.gone, ContractorRefusal.ERASED),
        (Story.leaving, ContractorRefusal.ERASED),
    ],
)
def test_who_can_be_no_party_is_answered_for_too(begin: Beginning, reason: ContractorRefusal) -> None:
    story = begin(Story())
    story.send(CONFIRMING, SYSTEM)
    assert story.last == ContractContractorRefused(contract_id=contract(), check_no=2, contractor_id=CONTRACTOR, reason=reason)


def test_only_ours_ask() -> None:
    assert Story().created().send(CONFIRMING, OWNER) == Refused("forbidden")


# --- open and closed contracts -------------------------------------------------------------------------------------


def test_contracts_open_and_close() -> None:
    story = Story().verified()
    told = len(story.oracle.events)
    for number in (1, 2):
        assert isinstance(story.send(opening(number), SYSTEM), Accepted)
        assert story.send(opening(number), SYSTEM) == UNCHANGED
    assert isinstance(story.send(closing(1), SYSTEM), Accepted)
    assert story.send(closing(1), SYSTEM) == UNCHANGED
    assert story.contractor.contract_states == {contract(1): CLOSED, contract(2): OPEN}
    assert len(story.oracle.events) == told


def test_closing_may_overtake_opening() -> None:
    story = Story().verified()
    story.send(closing(), SYSTEM)
    assert story.send(opening(), SYSTEM) == UNCHANGED
    assert story.contractor.contract_states == {contract(): CLOSED}


def test_notes_that_concern_nobody() -> None:
    for note in (opening(), closing()):
        assert Story().send(note, SYSTEM) == Refused("not_found")
        assert Story().created().send(note, OWNER) == Refused("forbidden")
    assert Story().gone().send(opening(), SYSTEM) == Refused("erased")
    assert Story().gone().send(closing(), SYSTEM) == UNCHANGED


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([opening(1), closing(1), opening(2), closing(2)]), max_size=12))
def test_a_contract_that_was_closed_once_is_never_open(notes: list[Any]) -> None:
    story = Story().created()
    for note in notes:
        story.send(note, SYSTEM)
    expected = {note.contract_id: CLOSED if closing_of(note) in notes else OPEN for note in notes}
    assert story.contractor.contract_states == expected


def closing_of(note: Any) -> Any:
    return next(each for each in (closing(1), closing(2)) if each.contract_id == note.contract_id)


# --- erasure -------------------------------------------------------------------------------------------------------

NOTHING_LEFT = {"id", "userId", "erased", "createdBy", "createdAt", "updatedAt"}


def test_a_contractor_is_emptied_with_its_bank_details() -> None:
    story = Story().verified()
    for number in (1, 2, 3):
        story.send(adding(number))
    story.send(removing(2))
    story.send(linking(), SYSTEM)
    story.send(ERASING, SYSTEM)
    assert story.last == ContractorErased(contractor_id=CONTRACTOR, user_id=USER, existed=True, kyc_session_ids=(session_id(FIRST),))
    assert story.row.to_item().keys() == NOTHING_LEFT
    told = [BankDetailsRemoved(contractor_id=CONTRACTOR, bank_details_id=bank(number)) for number in (2, 1, 3)]
    assert story.oracle.emitted(BankDetailsRemoved) == told, "the second by its owner; none is at the payment provider yet"
    for number in (1, 2, 3):
        own = {"id", "contractorId", "currency", "country", "status"}
        assert story.bank(number).keys() == own | {"createdBy", "createdAt", "updatedAt"}
        assert (story.bank(number)["id"], story.bank(number)["status"]) == (bank(number), "removed")
    assert story.send(ERASING, SYSTEM) == UNCHANGED


def test_open_contracts_are_waited_for() -> None:
    story = Story().verified()
    for number in (1, 2):
        story.send(opening(number), SYSTEM)
    story.send(adding())
    story.send(ERASING, SYSTEM)
    assert story.last == ContractorErasureDeferred(contractor_id=CONTRACTOR, user_id=USER, open_contracts=2)
    assert story.contractor.erasure_requested
    assert story.send(ERASING, SYSTEM) == UNCHANGED
    story.send(closing(1), SYSTEM)
    assert story.contractor.open_contracts == 1
    story.send(closing(2), SYSTEM)
    assert story.last == ContractorErased(contractor_id=CONTRACTOR, user_id=USER, existed=True, kyc_session_ids=(session_id(FIRST),))
    assert isinstance(story.row, ErasedContractor)
    assert story.bank()["status"] == "removed"
    assert story.send(closing(2), SYSTEM) == UNCHANGED


def test_who_has_only_closed_contracts_need_not_wait() -> None:
    story = Story().verified()
    story.send(opening(), SYSTEM)
    story.send(closing(), SYSTEM)
    story.send(ERASING, SYSTEM)
    assert isinstance(story.row, ErasedContractor)


def test_who_never_was_a_contractor_is_answered_all_the_same() -> None:
    story = Story()
    story.send(ERASING, SYSTEM)
    assert story.oracle.events == [ContractorErased(contractor_id=CONTRACTOR, user_id=USER, existed=False)]
    assert story.row.to_item().keys() == NOTHING_LEFT
    assert story.send(ERASING, SYSTEM) == UNCHANGED
    assert story.send(creating()) == Refused("erased")


def test_erasures_are_refused() -> None:
    assert Story().created().send(ERASING, OWNER) == Refused("forbidden")
    assert Story().created().send(EraseContractor(contractor_id=CONTRACTOR, user_id=OTHER), SYSTEM) == Refused("id_mismatch")
    assert isinstance(Story().created().send(ERASING, ADMIN), Accepted)
