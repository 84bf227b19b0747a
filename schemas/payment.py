"""Tables of payment: the ledger and the escrow balances it adds up to."""

from typing import Final

from schemas.table import Index, Key, Owner, Sensitivity, Table, text

TRANSACTIONS: Final = Table(
    name="payment-transactions",
    owner=Owner.PAYMENT,
    purpose="The ledger: deposits, payments, withdrawals, disputes, adjustments and payouts, amounts in minor units.",
    sensitivity=Sensitivity.INTERNAL,
    key=Key(text("id")),
    indexes=(
        Index(
            "contractId-index",
            hash=text("contractId"),
            range=text("createdAt"),
            projection=("type", "amount", "currency", "status", "posted", "parentId"),
        ),
        Index(
            "contractorId-index",
            hash=text("contractorId"),
            range=text("createdAt"),
            projection=("type", "amount", "currency", "status", "contractId", "waitReason"),
        ),
        Index(
            "clientId-index",
            hash=text("clientId"),
            range=text("createdAt"),
            projection=("type", "amount", "currency", "status", "contractId"),
        ),
        # Settled rows leave the index, so that it stays small however long the ledger grows.
        Index(
            "status-index",
            hash=text("openStatus"),
            range=text("createdAt"),
            projection=("type", "amount", "currency", "contractId", "waitReason", "failureCode"),
            sparse=True,
        ),
        Index(
            "stripePaymentId-index",
            hash=text("stripePaymentId"),
            projection=("contractId", "contractorId", "type"),
        ),
    ),
    scans="rows without an escrow are found by no key (`mindlinks doctor books`)",
)

ESCROW: Final = Table(
    name="payment-escrow",
    owner=Owner.PAYMENT,
    purpose="Escrow balance of a contract; items `PAYEE#<contractorId>` and claims `ACCT#<stripeAccountId>`.",
    # Bank numbers wait here, sealed, until the payee's account exists.
    sensitivity=Sensitivity.RESTRICTED,
    key=Key(text("contractId")),
    scans="every escrow is added up (`mindlinks doctor books`)",
)

TABLES: Final = (TRANSACTIONS, ESCROW)
