"""Steps that payment's tests share: an escrow of 1,500.00 USD and what is asked of it."""

from typing import Any, TypedDict

from contracts.contractor import KycStatus
from contracts.ids import derived
from contracts.message import EventData
from contracts.payment.commands import (
    OpenEscrow,
    RecordChargeRefunded,
    RecordDepositPrepared,
    RecordDepositSucceeded,
    RecordDispute,
    RecordPayeeAccountCreated,
    RecordPayeeAccountStatus,
    RecordRefund,
    RecordTransferCreated,
    RefundDeposit,
    ReleaseEscrow,
    RequestDeposit,
    SyncPayee,
)
from contracts.payment.values import DepositMethod, RefundReason, RefundStatus
from contracts.timestamps import plus
from contracts.types import (
    ClientId,
    ContractId,
    ContractorId,
    Currency,
    DecisionTime,
    Timestamp,
    TransactionId,
    UserId,
)
from tests.support.oracle import START, Oracle
from workers.engine.decision import Decision, ItemRef
from workers.services.payment.service import SERVICE

CONTRACT = ContractId("11111111-1111-4111-8111-111111111111")
CLIENT_USER = UserId("aaaaaaaa-1111-4111-8111-111111111111")
CONTRACTOR_USER = UserId("bbbbbbbb-2222-4222-8222-222222222222")
CLIENT = ClientId(derived(f"company:{CLIENT_USER}"))
CONTRACTOR = ContractorId(derived(f"contractor:{CONTRACTOR_USER}"))
DEPOSIT = TransactionId("33333333-3333-4333-8333-333333333333")
RELEASE = TransactionId("44444444-4444-4444-8444-444444444444")
AS_CLIENT = f"company:{CLIENT_USER}"
AS_STRANGER = f"company:{CONTRACTOR_USER}"
AS_ADMIN = "admin:99999999-9999-4999-8999-999999999999"
AS_SYSTEM = "system:stripe"
REFUND = TransactionId("66666666-6666-4666-8666-666666666666")
INTENT, CHARGE, TRANSFER, ACCOUNT = "pi_1", "ch_1", "tr_1", "acct_1"


class Said(TypedDict):
    contract_id: ContractId
    client_id: ClientId
    contractor_id: ContractorId
    client_user_id: UserId
    contractor_user_id: UserId
    currency: Currency
    balance: int
    available: int


class Person(TypedDict):
    contractor_id: ContractorId
    user_id: UserId


PERSON = Person(contractor_id=CONTRACTOR, user_id=CONTRACTOR_USER)


def said(balance: int = 0, available: int | None = None) -> Said:
    """What every escrow event carries; ``available`` is the balance unless something is reserved."""
    return Said(
        contract_id=CONTRACT,
        client_id=CLIENT,
        contractor_id=CONTRACTOR,
        client_user_id=CLIENT_USER,
        contractor_user_id=CONTRACTOR_USER,
        currency=Currency.USD,
        balance=balance,
        available=balance if available is None else available,
    )


def later(*, seconds: int = 0, days: int = 0, hours: int = 0) -> Timestamp:
    return plus(START, seconds=seconds, days=days, hours=hours)


def open_escrow() -> OpenEscrow:
    return OpenEscrow(
        contract_id=CONTRACT,
        client_id=CLIENT,
        contractor_id=CONTRACTOR,
        client_user_id=CLIENT_USER,
        contractor_user_id=CONTRACTOR_USER,
        currency=Currency.USD,
    )


def request_deposit(amount: int = 150_000, row: TransactionId = DEPOSIT, currency: Currency = Currency.USD) -> RequestDeposit:
    return RequestDeposit(contract_id=CONTRACT, transaction_id=row, amount=amount, currency=currency, method=DepositMethod.CARD)


def prepared(row: TransactionId = DEPOSIT, intent: str = INTENT) -> RecordDepositPrepared:
    return RecordDepositPrepared(contract_id=CONTRACT, transaction_id=row, payment_intent_id=intent)


def succeeded(
    received: int = 150_000, row: TransactionId = DEPOSIT, charge: str = CHARGE, currency: str = "USD", seconds: int = 30
) -> RecordDepositSucceeded:
    return RecordDepositSucceeded(
        contract_id=CONTRACT,
        transaction_id=row,
        payment_intent_id=INTENT,
        charge_id=charge,
        amount=received,
        amount_received=received,
        currency=currency,
        event_created=later(seconds=seconds),
    )


def release(amount: int = 120_000, row: TransactionId = RELEASE, currency: Currency = Currency.USD) -> ReleaseEscrow:
    return ReleaseEscrow(contract_id=CONTRACT, transaction_id=row, amount=amount, currency=currency)


def transferred(
    amount: int = 120_000, row: TransactionId = RELEASE, transfer: str = TRANSFER, currency: str = "USD"
) -> RecordTransferCreated:
    return RecordTransferCreated(
        contract_id=CONTRACT, transaction_id=row, transfer_id=transfer, amount=amount, currency=currency, destination=ACCOUNT
    )


def refund(amount: int = 30_000, row: TransactionId = REFUND, deposit: TransactionId = DEPOSIT) -> RefundDeposit:
    reason = RefundReason.REQUESTED_BY_CUSTOMER
    return RefundDeposit(contract_id=CONTRACT, transaction_id=row, deposit_id=deposit, amount=amount, reason=reason)


def refunded(
    amount: int = 30_000,
    status: RefundStatus = RefundStatus.SUCCEEDED,
    row: TransactionId | None = REFUND,
    name: str = "re_1",
    currency: str = "USD",
    failure: str | None = None,
) -> RecordRefund:
    return RecordRefund(
        contract_id=CONTRACT,
        refund_id=name,
        transaction_id=row,
        deposit_id=DEPOSIT,
        amount=amount,
        currency=currency,
        status=status,
        failure_reason=failure,
        event_created=later(seconds=60),
    )


def charge_refunded(total: int) -> RecordChargeRefunded:
    return RecordChargeRefunded(
        contract_id=CONTRACT, deposit_id=DEPOSIT, charge_id=CHARGE, amount_refunded=total, event_created=later(seconds=60)
    )


def disputed(
    status: str = "needs_response", moved: int = -150_000, movements: int = 1, seconds: int = 60, *, currency: str = "USD"
) -> RecordDispute:
    """Of the whole deposit of 1,500.00 USD."""
    return RecordDispute(
        contract_id=CONTRACT,
        dispute_id="du_1",
        deposit_id=DEPOSIT,
        charge_id=CHARGE,
        amount=150_000,
        currency="USD",
        status=status,
        reason="fraudulent",
        moved=moved,
        moved_currency=currency if movements else None,
        movements=movements,
        fee=1_500 if movements else 0,
        due_by=later(days=14),
        event_created=later(seconds=seconds),
    )


def synced(status: KycStatus = KycStatus.VERIFIED, day: int = 1) -> SyncPayee:
    decided = DecisionTime(f"2026-01-{day:02d}T10:00:00.000000Z")
    return SyncPayee(contractor_id=CONTRACTOR, user_id=CONTRACTOR_USER, country="EG", kyc_status=status, decision_time=decided)


def account_created(account: str = ACCOUNT) -> RecordPayeeAccountCreated:
    return RecordPayeeAccountCreated(contractor_id=CONTRACTOR, stripe_account_id=account)


def account_status(
    transfers: bool = True,
    payouts: bool = True,
    seconds: int = 60,
    *,
    fetched: bool = False,
    due: tuple[str, ...] = (),
    disabled: str | None = None,
    account: str = ACCOUNT,
) -> RecordPayeeAccountStatus:
    return RecordPayeeAccountStatus(
        contractor_id=CONTRACTOR,
        stripe_account_id=account,
        transfers_active=transfers,
        payouts_enabled=payouts,
        requirements_due=due,
        disabled_reason=disabled,
        event_created=later(seconds=seconds),
        fetched=fetched,
    )


class Books(Oracle):
    """The oracle, with the rows it keeps shown by name."""

    def __init__(self) -> None:
        super().__init__(SERVICE)

    @property
    def escrow(self) -> dict[str, Any]:
        return dict(self.items[ItemRef("payment-escrow", CONTRACT)])

    @property
    def payee(self) -> dict[str, Any]:
        return dict(self.items[ItemRef("payment-escrow", f"PAYEE#{CONTRACTOR}")])

    def row(self, row: str) -> dict[str, Any]:
        return dict(self.items[ItemRef("payment-transactions", row)])

    def last(self) -> EventData:
        return self.events[-1]

    def posted(self) -> int:
        return sum(int(item.get("posted", 0)) for ref, item in self.items.items() if ref.table == "payment-transactions")

    def ask(self, command: RequestDeposit | ReleaseEscrow | RefundDeposit, at: Timestamp = START) -> Decision[Any]:
        return self.send(command, actor=AS_CLIENT, at=at)


def opened() -> Books:
    books = Books()
    books.send(open_escrow())
    return books


def asked_for() -> Books:
    """A deposit is asked for, its PaymentIntent is there."""
    books = opened()
    books.ask(request_deposit())
    books.send(prepared())
    return books


def funded(amount: int = 150_000) -> Books:
    books = opened()
    books.ask(request_deposit(amount))
    books.send(prepared())
    books.send(succeeded(amount))
    return books


def releasing(amount: int = 120_000) -> Books:
    books = funded()
    books.ask(release(amount))
    return books
