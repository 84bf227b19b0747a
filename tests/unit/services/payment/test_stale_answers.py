"""Answers of effects that come again after the next question was asked change nothing."""

from typing import Any

from contracts.contractor import BankAction
from contracts.message import CommandData
from contracts.payment.commands import RecordPayeeBankFailed, RecordPayeeBankSynced, RetryPayeeAccount, SyncPayeeBank
from contracts.types import BankDetailsId, CommandId, ContractorId
from tests.unit.services.payment.books import ACCOUNT, AS_ADMIN, CONTRACTOR, Books, account_created, account_status, synced
from workers.engine.decision import UNCHANGED, Decision, ItemRef
from workers.services.payment.payee import MOST_ANSWERS

BANK = BankDetailsId("12121212-1212-4121-8121-121212121212")
ANSWER = CommandId("34343434-3434-4343-8343-343434343434")
NUMBER = "s1.reader.sync-bank.1.QUJD"
FAILED = RecordPayeeBankFailed(contractor_id=CONTRACTOR, bank_details_id=BANK, code="invalid")
SYNCED = RecordPayeeBankSynced(contractor_id=CONTRACTOR, bank_details_id=BANK, action=BankAction.ATTACH, external_account_id="ba_1")


def wish(wanted: BankAction) -> SyncPayeeBank:
    return SyncPayeeBank(contractor_id=CONTRACTOR, bank_details_id=BANK, wanted=wanted, account_number=NUMBER, currency="USD", country="US")


def with_bank() -> Books:
    books = Books()
    for command in (synced(), account_created(), wish(BankAction.ATTACH)):
        books.send(command)
    return books


def answered(books: Books, answer: CommandData) -> Decision[Any]:
    return books.send(answer, id=ANSWER)


def test_an_old_failure_does_not_end_the_next_step() -> None:
    books = with_bank()
    books.send(SYNCED)
    books.send(wish(BankAction.DEFAULT))
    answered(books, FAILED)
    books.send(wish(BankAction.DETACH))
    assert books.payee["banks"][BANK]["state"] == "requested"
    assert answered(books, FAILED) is UNCHANGED


def test_an_old_detachment_does_not_take_a_bank_that_came_back() -> None:
    books = with_bank()
    books.send(SYNCED)
    books.send(wish(BankAction.DETACH))
    detached = SYNCED.model_copy(update={"action": BankAction.DETACH})
    answered(books, detached)
    books.send(wish(BankAction.ATTACH))
    assert answered(books, detached) is UNCHANGED
    assert BANK in books.payee["banks"]


def test_an_account_that_was_taken_is_told_once() -> None:
    books = Books()
    books.send(synced())
    books.items[ItemRef("payment-escrow", f"ACCT#{ACCOUNT}")] = {"contractId": f"ACCT#{ACCOUNT}", "contractorId": ContractorId(BANK)}
    answered(books, account_created())
    books.send(RetryPayeeAccount(contractor_id=CONTRACTOR), actor=AS_ADMIN)
    assert answered(books, account_created()) is UNCHANGED
    assert books.payee["accountState"] == "requested"


def test_of_two_fetched_statuses_of_one_second_the_older_stays_away() -> None:
    books = Books()
    books.send(synced())
    books.send(account_created())
    answered(books, account_status(transfers=False, fetched=True))
    books.send(account_status(fetched=True))
    assert answered(books, account_status(transfers=False, fetched=True)) is UNCHANGED
    assert books.payee["transfersActive"] is True


def test_only_so_many_answers_are_remembered() -> None:
    books = Books()
    books.send(synced())
    books.send(account_created())
    for second in range(MOST_ANSWERS + 5):
        books.send(account_status(seconds=second + 1, fetched=True))
    assert len(books.payee["answers"]) == MOST_ANSWERS
