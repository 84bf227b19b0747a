"""Bank details: added, made the default, removed; and what the payment provider makes of them."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.contractor import (
    BankAction,
    BankDetailsAdded,
    BankDetailsAttached,
    BankDetailsDefaultSet,
    BankDetailsFailed,
    BankDetailsRemoved,
)
from contracts.message import CommandData
from contracts.types import CommandId
from tests.support.service_story import ADMIN, USER, digest
from tests.unit.services.contractor.story import (
    CONTRACTOR,
    NUMBER,
    OTHER,
    OTHER_CONTRACTOR,
    OWNER,
    ROUTING,
    STRANGER,
    SYSTEM,
    Beginning,
    Story,
    adding,
    bank,
    creating,
    failed,
    named,
    preferring,
    readiness,
    removing,
    synced,
)
from workers.engine.decision import UNCHANGED, Accepted, Refused
from workers.services.contractor.bank_details import MOST_BANK_DETAILS

NUMBERS = {"accountNumber", "routingNumber"}


def added(number: int = 1, *, is_default: bool) -> BankDetailsAdded:
    return BankDetailsAdded(
        contractor_id=CONTRACTOR,
        user_id=USER,
        bank_details_id=bank(number),
        bank_name="First Example Bank",
        account_number=NUMBER,
        routing_number=ROUTING,
        currency="USD",
        country="US",
        last4=f"678{number}",
        is_default=is_default,
    )


# --- added ---------------------------------------------------------------------------------------------------------


def test_the_first_becomes_the_default() -> None:
    story = Story().created()
    story.send(adding())
    assert story.last == added(is_default=True)
    story.send(adding(2))
    assert story.last == added(2, is_default=False)
    assert story.contractor.default_bank_details_id == bank(1)
    story.send(adding(3, make_default=True))
    assert story.last == added(3, is_default=True)
    assert story.contractor.default_bank_details_id == bank(3)


def test_the_row_holds_the_numbers_until_the_provider_has_them() -> None:
    row = Story().banked().bank()
    assert {name: value for name, value in row.items() if name not in ("createdBy", "createdAt", "updatedAt")} == {
        "id": bank(),
        "contractorId": CONTRACTOR,
        "bankName": "First Example Bank",
        "accountNumber": NUMBER,
        "routingNumber": ROUTING,
        "currency": "USD",
        "country": "US",
        "last4": "6781",
        "fingerprint": digest("bank 1"),
        "status": "new",
    }


def test_adding_twice() -> None:
    story = Story().created()
    story.send(adding(), command=named("adding"))
    assert story.send(adding(), command=named("adding")) == UNCHANGED
    assert story.send(adding()) == Refused("id_conflict")
    story.send(removing())
    assert story.send(adding(), command=named("adding")) == UNCHANGED


def test_five_are_the_most_that_are_not_removed() -> None:
    story = Story().banked(*range(1, MOST_BANK_DETAILS + 1))
    assert story.send(adding(6)) == Refused("too_many_bank_details")
    story.send(removing(2))
    assert isinstance(story.send(adding(6)), Accepted)


def test_the_same_account_is_added_once() -> None:
    story = Story().attached()
    again = adding(2, fingerprint=digest("bank 1"))
    assert story.send(again) == Refused("duplicate_bank_details")
    story.send(removing())
    assert isinstance(story.send(again), Accepted)


def test_additions_are_refused() -> None:
    assert Story().send(adding()) == Refused("not_found")
    assert Story().gone().send(adding()) == Refused("erased")
    for actor in (STRANGER, SYSTEM, "public"):
        assert Story().created().send(adding(), actor) == Refused("forbidden")
    assert isinstance(Story().created().send(adding(), ADMIN), Accepted)


def test_nobody_touches_the_row_of_another() -> None:
    story = Story().attached()
    story.send(creating(OTHER), STRANGER)
    others: dict[str, Any] = {"contractor_id": OTHER_CONTRACTOR}
    before = dict(story.bank())
    assert story.send(adding(**others), STRANGER) == Refused("id_conflict")
    for command in (preferring(), removing()):
        assert story.send(command.model_copy(update=others), STRANGER) == Refused("not_found")
    for fact in (synced(), failed()):
        assert story.send(fact.model_copy(update=others), SYSTEM) == Refused("not_found")
    assert story.bank() == before


# --- the default ---------------------------------------------------------------------------------------------------


def test_an_attached_one_becomes_the_default() -> None:
    story = Story().attached(1, 2)
    story.send(preferring(2))
    assert story.last == BankDetailsDefaultSet(contractor_id=CONTRACTOR, bank_details_id=bank(2))
    assert story.contractor.default_bank_details_id == bank(2)
    assert story.send(preferring(2)) == UNCHANGED


def test_an_old_preference_published_again_undoes_no_newer() -> None:
    story = Story().attached(1, 2)
    story.send(preferring(2), command=named("preferring"))
    story.send(preferring(1))
    assert story.send(preferring(2), command=named("preferring")) == UNCHANGED
    assert story.contractor.default_bank_details_id == bank(1)


def test_preferences_are_refused() -> None:
    story = Story().attached(1, 2)
    story.send(adding(3))
    story.send(removing(2))
    assert story.send(preferring(3)) == Refused("not_attached")
    assert story.send(preferring(2)) == Refused("not_attached")
    assert story.send(preferring(4)) == Refused("not_found")
    assert story.send(preferring(1), STRANGER) == Refused("forbidden")
    assert Story().send(preferring()) == Refused("not_found")
    assert Story().gone().send(preferring()) == Refused("erased")


# --- removed -------------------------------------------------------------------------------------------------------


def test_a_removed_one_is_emptied() -> None:
    story = Story().attached(1, 2)
    story.send(removing(2))
    assert story.last == BankDetailsRemoved(contractor_id=CONTRACTOR, bank_details_id=bank(2))
    own = {"id", "contractorId", "currency", "country", "status", "stripeExternalAccountId"}
    assert story.bank(2).keys() == own | {"createdBy", "createdAt", "updatedAt"}
    assert story.bank(2)["status"] == "removed"
    assert story.send(removing(2)) == UNCHANGED


def test_the_default_goes_only_with_the_last() -> None:
    story = Story().attached(1, 2)
    assert story.send(removing(1)) == Refused("is_default")
    story.send(removing(2))
    assert isinstance(story.send(removing(1)), Accepted)
    assert story.contractor.default_bank_details_id is None
    story.send(adding(3))
    assert story.last == added(3, is_default=True)


def test_removals_are_refused() -> None:
    assert Story().send(removing()) == Refused("not_found")
    assert Story().created().send(removing()) == Refused("not_found")
    assert Story().banked().send(removing(), STRANGER) == Refused("forbidden")
    assert Story().gone().send(removing()) == Refused("erased")


# --- facts ---------------------------------------------------------------------------------------------------------


def test_an_attached_one_keeps_no_numbers() -> None:
    story = Story().banked()
    story.send(synced(), SYSTEM)
    assert story.last == BankDetailsAttached(contractor_id=CONTRACTOR, user_id=USER, bank_details_id=bank(), last4="6781")
    assert (story.bank()["status"], story.bank()["stripeExternalAccountId"]) == ("attached", "ba_1")
    assert NUMBERS.isdisjoint(story.bank())
    assert story.send(synced(), SYSTEM) == UNCHANGED


@pytest.mark.parametrize("action", [BankAction.DEFAULT, BankAction.DETACH])
@pytest.mark.parametrize("begin", [Story.banked, Story.attached])
def test_other_steps_at_the_provider_change_nothing_here(begin: Beginning, action: BankAction) -> None:
    assert begin(Story()).send(synced(1, action), SYSTEM) == UNCHANGED


@pytest.mark.parametrize("begin", [Story.banked, Story.attached])
def test_a_failure_is_told_once(begin: Beginning) -> None:
    story = begin(Story())
    story.send(failed(), SYSTEM)
    assert story.last == BankDetailsFailed(
        contractor_id=CONTRACTOR, user_id=USER, bank_details_id=bank(), last4="6781", code="account_number_invalid"
    )
    assert (story.bank()["status"], story.bank()["failureCode"]) == ("failed", "account_number_invalid")
    assert story.send(failed(), SYSTEM) == UNCHANGED
    story.send(failed(code="account_closed"), SYSTEM)
    assert story.last.code == "account_closed"


def test_the_provider_may_take_it_after_all() -> None:
    story = Story().banked()
    story.send(failed(), SYSTEM, command=named("failing"))
    story.send(synced(), SYSTEM)
    assert "failureCode" not in story.bank()
    assert story.send(failed(), SYSTEM, command=named("failing")) == UNCHANGED


def test_facts_about_what_is_gone() -> None:
    for fact in (synced(), failed()):
        story = Story().banked()
        story.send(removing())
        assert story.send(fact, SYSTEM) == UNCHANGED
        assert story.bank()["status"] == "removed"
        assert Story().gone().send(fact, SYSTEM) == UNCHANGED
        assert Story().send(fact, SYSTEM) == Refused("not_found")
        assert Story().created().send(fact, SYSTEM) == Refused("not_found")
        assert Story().banked().send(fact, OWNER) == Refused("forbidden")


FACTS: list[tuple[CommandId, CommandData]] = [
    (named("attached"), synced()),
    (named("preferred"), synced(1, BankAction.DEFAULT)),
    (named("detached"), synced(1, BankAction.DETACH)),
    (named("invalid"), failed()),
    (named("closed"), failed(code="account_closed")),
]


@settings(max_examples=200, deadline=None)
@given(st.permutations(FACTS), st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=12), st.booleans())
def test_facts_told_again_at_any_distance_change_nothing(
    facts: list[tuple[CommandId, CommandData]], repeats: list[tuple[int, int]], removed: bool
) -> None:
    """``repeats``: after which fact which of those told by then comes again."""
    once, often = Story().banked(), Story().banked()
    for index, (command, data) in enumerate(facts):
        once.send(data, SYSTEM, command=command)
        often.send(data, SYSTEM, command=command)
        for again in [which for when, which in repeats if when == index and which <= index]:
            assert often.send(facts[again][1], SYSTEM, command=facts[again][0]) == UNCHANGED
    if removed:
        once.send(removing(), command=named("removing"))
        often.send(removing(), command=named("removing"))
    assert often.oracle.items == once.oracle.items
    assert often.oracle.events == once.oracle.events
    assert NUMBERS.isdisjoint(often.bank())


# --- whether money arrives -----------------------------------------------------------------------------------------


def test_the_newest_word_on_payouts_holds() -> None:
    story = Story().created()
    assert isinstance(story.send(readiness(ready=True, hours=1), SYSTEM), Accepted)
    assert story.contractor.payouts_ready is True
    assert story.send(readiness(ready=True, hours=1), SYSTEM) == UNCHANGED
    assert story.send(readiness(ready=False), SYSTEM) == UNCHANGED
    assert isinstance(story.send(readiness(ready=False, hours=2), SYSTEM), Accepted)
    assert story.contractor.payouts_ready is False
    assert len(story.oracle.events) == 1


def test_words_on_payouts_that_concern_nobody() -> None:
    assert Story().send(readiness(ready=True), SYSTEM) == Refused("not_found")
    assert Story().created().send(readiness(ready=True), OWNER) == Refused("forbidden")
    assert Story().gone().send(readiness(ready=True), SYSTEM) == UNCHANGED


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1, max_size=8).flatmap(
        lambda facts: st.tuples(st.just(facts), st.permutations(facts * 2))
    )
)
def test_readiness_does_not_depend_on_order_or_repetition(told: tuple[list[tuple[bool, int]], list[tuple[bool, int]]]) -> None:
    facts, heard = told
    story = Story().created()
    for ready, hours in heard:
        story.send(readiness(ready=ready, hours=hours), SYSTEM)
    newest = max(hours for _, hours in facts)
    assert story.contractor.payouts_ready_as_of == readiness(ready=True, hours=newest).as_of
    assert story.contractor.payouts_ready is all(ready for ready, hours in facts if hours == newest)
