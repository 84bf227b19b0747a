"""Bank accounts of a payee: one step at Stripe at a time, towards the newest wish."""

import pytest

from contracts.contractor import BankAction
from contracts.message import CommandData
from contracts.payment.commands import RecordPayeeBankFailed, RecordPayeeBankSynced, SyncPayeeBank
from contracts.payment.events import PayeeBankFailed, PayeeBankSynced, PayeeBankSyncRequested
from contracts.types import BankDetailsId
from tests.unit.services.payment.books import ACCOUNT, CONTRACTOR, PERSON, Books, account_created, synced
from workers.engine.decision import UNCHANGED, Accepted, Refused

BANK = BankDetailsId("77777777-7777-4777-8777-777777777777")
OTHER = BankDetailsId("88888888-8888-4888-8888-888888888888")
NUMBER, ROUTING = "s1.reader.sync-bank.1.AQIDBA", "s1.reader.sync-bank.1.BQYHCA"


def wish(wanted: BankAction = BankAction.ATTACH, bank: BankDetailsId = BANK) -> SyncPayeeBank:
    """A new bank comes with its numbers."""
    return SyncPayeeBank(
        contractor_id=CONTRACTOR,
        bank_details_id=bank,
        wanted=wanted,
        account_number=NUMBER,
        routing_number=ROUTING,
        currency="EGP",
        country="EG",
    )


def want(wanted: BankAction, bank: BankDetailsId = BANK) -> SyncPayeeBank:
    return SyncPayeeBank(contractor_id=CONTRACTOR, bank_details_id=bank, wanted=wanted)


def done(action: BankAction = BankAction.ATTACH, bank: BankDetailsId = BANK) -> RecordPayeeBankSynced:
    return RecordPayeeBankSynced(contractor_id=CONTRACTOR, bank_details_id=bank, action=action, external_account_id=f"ba_{bank[:1]}")


def bounced(bank: BankDetailsId = BANK) -> RecordPayeeBankFailed:
    return RecordPayeeBankFailed(contractor_id=CONTRACTOR, bank_details_id=bank, code="account_number_invalid")


def asked(wanted: BankAction, bank: BankDetailsId = BANK, *, numbers: bool = False) -> PayeeBankSyncRequested:
    return PayeeBankSyncRequested(
        **PERSON,
        stripe_account_id=ACCOUNT,
        bank_details_id=bank,
        wanted=wanted,
        account_number=NUMBER if numbers else None,
        routing_number=ROUTING if numbers else None,
        currency="EGP",
        country="EG",
    )


def told(action: BankAction = BankAction.ATTACH, bank: BankDetailsId = BANK) -> PayeeBankSynced:
    return PayeeBankSynced(**PERSON, bank_details_id=bank, action=action, external_account_id=f"ba_{bank[:1]}")


def with_account() -> Books:
    books = Books()
    books.send(synced())
    books.send(account_created())
    return books


def attached() -> Books:
    books = with_account()
    books.send(wish())
    books.send(done())
    return books


def test_a_wish_waits_for_the_account() -> None:
    books = Books()
    books.send(wish())
    assert books.events == []
    assert books.payee["banks"][BANK]["state"] == "waiting"
    books.send(synced())
    books.send(account_created())
    assert books.last() == asked(BankAction.ATTACH, numbers=True)


def test_a_result_drops_the_sealed_numbers() -> None:
    books = with_account()
    books.send(wish())
    assert books.last() == asked(BankAction.ATTACH, numbers=True)
    assert books.payee["banks"][BANK]["accountNumber"] == NUMBER
    books.send(done())
    assert books.last() == told()
    bank = books.payee["banks"][BANK]
    assert (bank["state"], bank["externalAccountId"], "accountNumber" in bank, "routingNumber" in bank) == ("synced", "ba_7", False, False)
    assert books.send(wish()) is UNCHANGED
    assert books.send(done()) is UNCHANGED


def test_a_refused_bank_drops_the_sealed_numbers_too() -> None:
    books = with_account()
    books.send(wish())
    books.send(bounced())
    assert books.last() == PayeeBankFailed(**PERSON, bank_details_id=BANK, code="account_number_invalid")
    assert books.payee["banks"][BANK]["state"] == "failed"
    assert "accountNumber" not in books.payee["banks"][BANK]
    assert books.send(bounced()) is UNCHANGED
    books.send(want(BankAction.DETACH))
    assert books.payee["banks"] == {}


def test_a_new_default_is_attached_first() -> None:
    books = with_account()
    books.send(wish(BankAction.DEFAULT))
    assert books.last() == asked(BankAction.ATTACH, numbers=True)
    books.send(done())
    assert books.events[-2:] == [told(), asked(BankAction.DEFAULT)]
    books.send(done(BankAction.DEFAULT))
    assert books.last() == told(BankAction.DEFAULT)
    assert books.payee["banks"][BANK]["state"] == "synced"
    assert books.send(done(BankAction.DEFAULT)) is UNCHANGED


def test_the_newest_default_is_the_only_one() -> None:
    books = with_account()
    books.send(wish(BankAction.DEFAULT))
    books.send(wish(BankAction.DEFAULT, OTHER))
    books.send(done())
    assert books.last() == told()
    books.send(done(bank=OTHER))
    assert books.last() == asked(BankAction.DEFAULT, OTHER)
    books.send(done(BankAction.DEFAULT, OTHER))
    books.send(want(BankAction.DEFAULT))
    assert books.last() == asked(BankAction.DEFAULT)


def test_a_default_that_failed_can_be_wished_again() -> None:
    books = attached()
    books.send(want(BankAction.DEFAULT))
    books.send(bounced())
    books.send(want(BankAction.DEFAULT))
    assert books.last() == asked(BankAction.DEFAULT)


def test_no_detach_overtakes_its_attach() -> None:
    books = with_account()
    books.send(wish())
    before = len(books.events)
    books.send(want(BankAction.DETACH))
    assert len(books.events) == before
    books.send(done())
    assert books.events[before:] == [told(), asked(BankAction.DETACH)]
    books.send(done(BankAction.DETACH))
    assert books.last() == told(BankAction.DETACH)
    assert books.payee["banks"] == {}


def test_what_never_reached_stripe_is_simply_dropped() -> None:
    waiting = Books()
    waiting.send(wish())
    waiting.send(want(BankAction.DETACH))
    assert (waiting.payee["banks"], waiting.events) == ({}, [])
    books = with_account()
    books.send(wish())
    books.send(want(BankAction.DETACH))
    books.send(bounced())
    assert books.payee["banks"] == {}


def test_wishes_about_unknown_banks() -> None:
    books = with_account()
    assert books.send(want(BankAction.DETACH)) is UNCHANGED
    assert books.send(want(BankAction.DEFAULT)) == Refused("not_found")
    assert books.send(done()) is UNCHANGED
    assert books.send(bounced()) is UNCHANGED


def test_at_most_ten_banks() -> None:
    books = Books()
    banks = [BankDetailsId(f"77777777-7777-4777-8777-{number:012d}") for number in range(11)]
    for bank in banks[:10]:
        assert isinstance(books.send(wish(bank=bank)), Accepted)
    assert books.send(wish(bank=banks[10])) == Refused("invalid_state")


@pytest.mark.parametrize("command", [done(), bounced()])
def test_results_of_an_unknown_payee_are_not_found(command: CommandData) -> None:
    assert Books().send(command) == Refused("not_found")
