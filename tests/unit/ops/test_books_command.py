"""``mindlinks doctor books`` and ``mindlinks statement`` over a store in memory that payment's decisions have filled."""

import json
from typing import Any

import pytest

from contracts.ids import derived, dispute_row_id
from contracts.payment.commands import PlaceHold
from contracts.types import ContractId
from tests.support.command_context import CommandContext, invoked
from tests.support.keys import HandClock
from tests.unit.services.payment.books import (
    AS_ADMIN,
    CONTRACT,
    DEPOSIT,
    REFUND,
    RELEASE,
    Books,
    disputed,
    funded,
    open_escrow,
    refund,
    refunded,
    release,
    synced,
    transferred,
)
from workers.engine.decision import ItemRef
from workers.engine.memory import MemoryStore
from workers.engine.memory.store import SCANNED
from workers.ops import books

HOLD = "12121212-1212-4121-8121-121212121212"
ESCROW = ItemRef("payment-escrow", CONTRACT)


@pytest.fixture
def store() -> MemoryStore:
    """A deposit, a release, a refund, an inquiry and a hold; a payee; and more escrows than a page shows."""
    told = funded()
    told.ask(release(60_000))
    told.send(transferred(60_000))
    told.send(refund(), actor=AS_ADMIN)
    told.send(refunded())
    told.send(disputed("warning_needs_response", 0, 0))
    told.send(PlaceHold(contract_id=CONTRACT, hold_id=HOLD, amount=500, reason="Fraud warning"), actor=AS_ADMIN)
    told.send(synced())
    filled = MemoryStore()
    for number in range(SCANNED + 5):
        other = Books()
        other.send(open_escrow().model_copy(update={"contract_id": ContractId(derived(f"other-{number}"))}))
        filled.items |= other.items
    filled.items |= told.items
    # A row that only waits for its first command.
    filled.items[ItemRef("payment-escrow", "waiting")] = {"contractId": "waiting"}
    return filled


def run(store: MemoryStore, *arguments: str) -> Any:
    return invoked(books.add, CommandContext(store), *arguments)


def found(store: MemoryStore) -> list[tuple[str, int, int, str | None]]:
    answer = run(store, "doctor", "books", "--json")
    told = json.loads(answer.stdout)
    assert answer.exit_code == int(bool(told["faults"]))
    return [(each["book"], each["stored"], each["reckoned"], each["transaction_id"]) for each in told["faults"]]


def change(store: MemoryStore, ref: ItemRef, **changes: object) -> None:
    store.items[ref] = {**store.items[ref], **changes}


def row(transaction: str) -> ItemRef:
    return ItemRef("payment-transactions", transaction)


def test_books_that_balance(store: MemoryStore) -> None:
    answer = run(store, "doctor", "books", "--json")
    assert (answer.exit_code, json.loads(answer.stdout)) == (0, {"escrows": SCANNED + 6, "rows": 4, "faults": []})
    assert run(store, "doctor", "books").exit_code == 0


def test_a_posted_target_that_is_off_by_one_is_found(store: MemoryStore) -> None:
    """By the sum where the row alone is wrong, by the row where the balance went along."""
    change(store, row(RELEASE), posted=-59_999)
    assert found(store) == [("balance", 60_000, 60_001, None), ("posted", -59_999, -60_000, RELEASE)]
    change(store, ESCROW, balance=60_001)
    assert found(store) == [("posted", -59_999, -60_000, RELEASE)]
    told = run(store, "doctor", "books")
    assert told.exit_code == 1
    assert "PostAdjustment" in told.output


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"balance": 1}, [("balance", 1, 60_000, None)]),
        ({"reserved": 7}, [("reserved", 7, 0, None)]),
        ({"held": 0}, [("held", 0, 150_500, None)]),
        ({"status": "closed"}, [("closed", 1, 0, None)]),
        ({"disputes": {}}, [("disputes", 0, 1, None), ("disputes", 0, 150_000, None), ("held", 150_500, 500, None)]),
    ],
)
def test_an_escrow_that_says_something_else(store: MemoryStore, changes: dict[str, object], wrong: list[object]) -> None:
    change(store, ESCROW, **changes)
    assert sorted(found(store), key=repr) == sorted(wrong, key=repr)


def test_totals_of_refunds(store: MemoryStore) -> None:
    change(store, row(DEPOSIT), refundGross=29_999)
    assert found(store) == [("refunds", 29_999, 30_000, DEPOSIT)]


def test_a_row_without_an_escrow(store: MemoryStore) -> None:
    store.items[row(HOLD)] = {**store.items[row(REFUND)], "id": HOLD, "contractId": derived("nobody")}
    assert found(store) == [("orphan", -30_000, 0, HOLD)]


def test_books_are_looked_at_again_before_they_are_wrong(store: MemoryStore) -> None:
    change(store, ESCROW, balance=1)
    clock = HandClock()
    begun = clock.now()
    invoked(books.add, CommandContext(store, clock=clock), "doctor", "books", "--json")
    assert clock.now() - begun == 1000 * books.PAUSE * (books.LOOKS - 1)


# --- statement -----------------------------------------------------------------------------------------------------


def test_a_statement_runs_a_balance(store: MemoryStore) -> None:
    answer = run(store, "statement", CONTRACT, "--json")
    told = json.loads(answer.stdout)
    assert (answer.exit_code, told["balance"], told["reserved"], told["held"], told["available"]) == (0, 60_000, 0, 150_500, -90_500)
    assert {each["transaction_id"]: each["posted"] for each in told["lines"]} == {
        DEPOSIT: 150_000,
        RELEASE: -60_000,
        REFUND: -30_000,
        dispute_row_id("du_1"): 0,
    }
    assert told["lines"][-1]["balance"] == 60_000
    assert (told["holds"], told["faults"]) == ({HOLD: {"amount": 500, "reason": "Fraud warning"}}, [])


def test_a_statement_is_for_people(store: MemoryStore) -> None:
    answer = run(store, "statement", CONTRACT)
    for words in ("hold 5.00: Fraud warning", "open dispute", "balance 600.00, reserved 0.00, held 1,505.00, available -905.00"):
        assert words in answer.output
    change(store, ESCROW, balance=1)
    assert "does not add up" in run(store, "statement", CONTRACT).output


def test_there_is_no_statement_of_nothing(store: MemoryStore) -> None:
    answer = run(store, "statement", derived("nobody"))
    assert answer.exit_code == 1
    assert "opens once" in answer.output
