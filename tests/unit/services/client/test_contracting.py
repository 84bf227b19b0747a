"""A company as a party, and how it leaves: at once, or when its last contract has ended."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.client import (
    ClientRefusal,
    CompanyErased,
    CompanyErasureDeferred,
    ContractClientConfirmed,
    ContractClientRefused,
    EraseCompany,
    NoteContractClosed,
    NoteContractOpened,
)
from contracts.contract.standing import ContractStanding
from contracts.ids import derived
from contracts.types import ClientId
from tests.support.service_story import USER
from tests.unit.services.client.story import (
    COMPANY,
    CONFIRMING,
    ERASING,
    NAME_LEGAL,
    OTHER,
    OWNER,
    SYSTEM,
    Story,
    closing,
    contract,
    opening,
    registering,
)
from workers.engine.decision import UNCHANGED, Accepted, Refused
from workers.services.client.company import ErasedCompany
from workers.services.client.state import CLIENTS

ERASED = CompanyErased(company_id=COMPANY, user_id=USER, existed=True)


@pytest.mark.parametrize(("story", "verified"), [(Story().registered(), False), (Story().verified(), True)])
def test_a_company_confirms_itself_with_the_name_that_lasts(story: Story, verified: bool) -> None:
    story.send(CONFIRMING, SYSTEM)
    assert story.last == ContractClientConfirmed(
        contract_id=contract(1), check_no=2, client_id=COMPANY, user_id=USER, name=NAME_LEGAL, country="EG", verified=verified
    )


@pytest.mark.parametrize(
    ("story", "reason"),
    [
        (Story(), ClientRefusal.COMPANY_NOT_FOUND),
        (Story().gone(), ClientRefusal.ERASED),
        (Story().leaving(), ClientRefusal.ERASED),
    ],
)
def test_who_is_not_there_is_answered_for_every_time(story: Story, reason: ClientRefusal) -> None:
    for _ in range(2):
        before, rows = len(story.oracle.events), dict(story.oracle.items)
        story.send(CONFIRMING, SYSTEM)
        assert story.oracle.events[before:] == [
            ContractClientRefused(contract_id=contract(1), check_no=2, client_id=COMPANY, reason=reason)
        ]
        assert story.oracle.items == rows


def test_only_our_own_ask_and_note() -> None:
    for command in (CONFIRMING, opening(1), closing(1), ERASING):
        assert Story().verified().send(command) == Refused("forbidden")


# --- open and closed -----------------------------------------------------------------------------------------------


def test_contracts_open_and_close() -> None:
    story = Story().verified()
    story.send(opening(1), SYSTEM)
    assert story.send(opening(1), SYSTEM) == UNCHANGED
    story.send(closing(1), SYSTEM)
    assert story.send(closing(1), SYSTEM) == UNCHANGED
    assert story.send(opening(1), SYSTEM) == UNCHANGED
    assert story.company.contract_states == {contract(1): ContractStanding.CLOSED}


def test_closing_may_overtake_opening() -> None:
    story = Story().verified()
    story.send(closing(1), SYSTEM)
    assert story.send(opening(1), SYSTEM) == UNCHANGED
    assert story.company.open_contracts == 0


@pytest.mark.parametrize("command", [opening(1), closing(1)])
def test_of_an_unknown_company_nothing_is_noted(command: object) -> None:
    assert Story().send(command, SYSTEM) == Refused("not_found")


def test_an_erased_company_opens_none_and_has_none_to_close() -> None:
    assert Story().gone().send(opening(1), SYSTEM) == Refused("erased")
    assert Story().gone().send(closing(1), SYSTEM) == UNCHANGED


# --- erasure -------------------------------------------------------------------------------------------------------


def test_a_company_without_open_contracts_is_emptied_at_once() -> None:
    story = Story().verified()
    story.send(opening(1), SYSTEM)
    story.send(closing(1), SYSTEM)
    story.send(ERASING, SYSTEM)
    assert story.last == ERASED
    assert story.oracle.items[CLIENTS.root(COMPANY)].keys() == {"id", "userId", "erased", "createdBy", "createdAt", "updatedAt"}
    assert story.send(ERASING, SYSTEM) == UNCHANGED


def test_with_open_contracts_it_waits_for_the_last_of_them() -> None:
    story = Story().verified()
    story.send(opening(1), SYSTEM)
    story.send(opening(2), SYSTEM)
    story.send(ERASING, SYSTEM)
    assert story.last == CompanyErasureDeferred(company_id=COMPANY, user_id=USER, open_contracts=2)
    assert story.send(ERASING, SYSTEM) == UNCHANGED
    story.send(closing(1), SYSTEM)
    assert story.company.erasure_requested
    story.send(closing(2), SYSTEM)
    assert story.last == ERASED
    assert isinstance(story.row, ErasedCompany)


def test_who_never_had_a_company_is_answered_and_registers_none_later() -> None:
    story = Story()
    story.send(ERASING, SYSTEM)
    assert story.oracle.events == [CompanyErased(company_id=COMPANY, user_id=USER, existed=False)]
    assert story.send(ERASING, SYSTEM) == UNCHANGED
    assert story.send(registering()) == Refused("erased")


def test_an_erasure_is_refused() -> None:
    assert Story().verified().send(ERASING, OWNER) == Refused("forbidden")
    assert Story().verified().send(EraseCompany(company_id=COMPANY, user_id=OTHER), SYSTEM) == Refused("id_mismatch")
    other = ClientId(derived(f"company:{OTHER}"))
    assert Story().send(EraseCompany(company_id=other, user_id=USER), SYSTEM) == Refused("id_mismatch")


NOTES: list[NoteContractOpened | NoteContractClosed] = [note(number) for number in range(3) for note in (opening, closing)]
STEPS = [ERASING, *NOTES]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(0, len(STEPS) - 1), max_size=25))
def test_a_company_is_erased_as_soon_as_it_was_asked_and_nothing_is_open(order: list[int]) -> None:
    story, asked, seen, shut = Story().verified(), False, set[object](), set[object]()
    for number in order:
        command = STEPS[number]
        erased_before = isinstance(story.row, ErasedCompany)
        decision = story.send(command, SYSTEM)
        if erased_before:
            assert not isinstance(decision, Accepted)
            continue
        asked |= isinstance(command, EraseCompany)
        if not isinstance(command, EraseCompany):
            seen.add(command.contract_id)
            shut |= {command.contract_id} if isinstance(command, NoteContractClosed) else set()
        looks = not isinstance(command, NoteContractOpened)
        assert isinstance(story.row, ErasedCompany) is (asked and looks and seen <= shut)
