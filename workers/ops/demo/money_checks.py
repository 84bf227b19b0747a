"""Totals of the story's contract and its money: the escrow, its ledger, the payouts, and books that balance by the rows alone."""

from collections import Counter
from collections.abc import Iterator

from contracts.payment.events import PayoutPaid
from workers.ops.books import is_escrow
from workers.ops.demo import expected
from workers.ops.demo.evidence import Check, Evidence
from workers.ops.demo.stage import RELEASE
from workers.services.payment.audit import all_faults
from workers.services.payment.escrow import ESCROWS, TRANSACTIONS, Escrow
from workers.services.payment.ledger import Transaction
from workers.services.payment.payee import payee_key

MONEY_TABLES = ("contract-contracts", ESCROWS, TRANSACTIONS)


def money(evidence: Evidence) -> Iterator[Check]:
    yield from _contract(evidence)
    yield from _escrow(evidence)
    yield from _payouts(evidence)
    yield Check("books that don't balance", [], _unbalanced(evidence))


def _contract(evidence: Evidence) -> Iterator[Check]:
    cast = evidence.cast
    yield Check("contract", "completed", evidence.row("contract-contracts", "id", cast.contract_id).get("status"))
    for table, key in (("client-companies", cast.company_id), ("contractor-profiles", cast.contractor_id)):
        states = evidence.row(table, "id", key).get("contractStates")
        yield Check(f"contract in {table}", {cast.contract_id: "closed"}, dict(states or {}))


def _escrow(evidence: Evidence) -> Iterator[Check]:
    contract_id = evidence.cast.contract_id
    escrow = evidence.row(ESCROWS, "contractId", contract_id)
    ledger = [row for row in evidence.rows[TRANSACTIONS] if row.get("contractId") == contract_id]
    yield Check("escrow", "closed", escrow.get("status"))
    yield Check("escrow balance", expected.BALANCE, escrow.get("balance"))
    yield Check("reserved", 0, escrow.get("reserved", 0))
    posted = {row["type"]: row.get("posted", 0) for row in ledger}
    yield Check("ledger rows", expected.POSTED, posted if len(posted) == len(ledger) else sorted(row["type"] for row in ledger))


def _payouts(evidence: Evidence) -> Iterator[Check]:
    """One came back; the trouble it made is over with the one that followed."""
    payouts = Counter(row["status"] for row in evidence.rows[TRANSACTIONS] if row["type"] == "payout")
    yield Check("payouts", {"failed": 1, "completed": 1}, dict(payouts))
    yield Check("paid out", [RELEASE] * 2, [each.amount for each in evidence.log.all(PayoutPaid)])
    payee = evidence.row(ESCROWS, "contractId", payee_key(evidence.cast.contractor_id))
    yield Check("trouble with payouts", None, payee.get("payoutTrouble"))


def _unbalanced(evidence: Evidence) -> list[str]:
    """Every escrow there is, added up by none of the steps that wrote it."""
    rows = [Transaction.from_item(row) for row in evidence.rows[TRANSACTIONS]]
    escrows = [Escrow.from_item(row) for row in evidence.rows[ESCROWS] if is_escrow(row)]
    found = all_faults(escrows, rows)
    return [f"{each.book} of {each.contract_id}, {each.transaction_id}: {each.stored} instead of {each.reckoned}" for each in found]
