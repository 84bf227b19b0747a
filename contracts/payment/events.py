"""Events of payment. Every escrow event carries the parties and the balance as they stand after it."""

from pydantic import Field

from contracts.contractor import BankAction
from contracts.message import EventData
from contracts.payment.values import Anomaly, BlockedReason, CurrencyCode, DepositMethod, Requirements, WaitReason
from contracts.types import (
    Amount,
    Balance,
    BankDetailsId,
    ClientId,
    Code,
    ContractId,
    ContractorId,
    Country,
    Currency,
    Day,
    Ordinal,
    ProviderId,
    Sealed,
    Text500,
    Timestamp,
    TransactionId,
    UserId,
)


class _EscrowEvent(EventData):
    """``available`` = balance - held - reserved; both may be negative."""

    contract_id: ContractId
    client_id: ClientId
    contractor_id: ContractorId
    client_user_id: UserId
    contractor_user_id: UserId
    currency: Currency
    balance: Balance
    available: Balance


class _TransactionEvent(_EscrowEvent):
    transaction_id: TransactionId


class _PayeeEvent(EventData):
    contractor_id: ContractorId
    user_id: UserId


# --- deposits ------------------------------------------------------------------------------------------------------


class EscrowOpened(_EscrowEvent):
    pass


class DepositRequested(_TransactionEvent):
    amount: Amount
    method: DepositMethod


class DepositPrepared(_TransactionEvent):
    payment_intent_id: ProviderId


class DepositProcessing(_TransactionEvent):
    amount: Amount


class DepositReceived(_TransactionEvent):
    """``amount`` is what was asked for, ``amount_received`` what was credited."""

    amount: Amount
    amount_received: Amount
    charge_id: ProviderId


class DepositFailed(_TransactionEvent):
    """``final``: there is no PaymentIntent that could still succeed."""

    amount: Amount
    code: Code
    decline_code: Code | None = None
    final: bool


class DepositCancelRequested(_TransactionEvent):
    payment_intent_id: ProviderId


class DepositCancelled(_TransactionEvent):
    reason: Text500


# --- releases ------------------------------------------------------------------------------------------------------


class EscrowReleaseRequested(_TransactionEvent):
    """``source_charge_id``: the one charge the money came from, so that Stripe lets it out before the charge settles."""

    attempt: Ordinal
    amount: Amount
    source_charge_id: ProviderId | None = None


class EscrowReleaseWaiting(_TransactionEvent):
    """``first``: the first wait of this release for that reason; people are told once."""

    attempt: Ordinal
    amount: Amount
    reason: WaitReason
    first: bool


class EscrowReleased(_TransactionEvent):
    amount: Amount
    transfer_id: ProviderId


class EscrowReleaseFailed(_TransactionEvent):
    amount: Amount
    code: Code


class EscrowReleaseCancelled(_TransactionEvent):
    amount: Amount


# --- the escrow's own state ----------------------------------------------------------------------------------------


class EscrowBalanceNegative(_EscrowEvent):
    deficit: Amount


class EscrowAnomalyDetected(_TransactionEvent):
    anomaly: Anomaly = Field(alias="kind")
    detail: Text500


class EscrowClosing(_EscrowEvent):
    reason: Text500


class EscrowClosingReminderDue(_EscrowEvent):
    pass


class EscrowClosed(_EscrowEvent):
    pass


class EscrowReopened(_EscrowEvent):
    """``cause``: the transaction whose fact came after the end."""

    cause: Text500


# --- payees and payouts --------------------------------------------------------------------------------------------


class PayeeAccountRequested(_PayeeEvent):
    """``n`` counts the requests of this payee: each is a new call under a new key."""

    country: Country
    n: Ordinal


class PayeeAccountCreated(_PayeeEvent):
    stripe_account_id: ProviderId


class PayeeAccountFailed(_PayeeEvent):
    code: Code


class PayeeAccountRefreshRequested(_PayeeEvent):
    stripe_account_id: ProviderId


class PayeeReady(_PayeeEvent):
    as_of: Timestamp


class PayeeBlocked(_PayeeEvent):
    reason: BlockedReason
    requirements_due: Requirements = ()
    as_of: Timestamp


class PayeeBankSyncRequested(_PayeeEvent):
    """One step at Stripe; the numbers come with ``attach`` only."""

    stripe_account_id: ProviderId
    bank_details_id: BankDetailsId
    wanted: BankAction
    account_number: Sealed | None = None
    routing_number: Sealed | None = None
    currency: CurrencyCode | None = None
    country: Country | None = None


class PayeeBankSynced(_PayeeEvent):
    bank_details_id: BankDetailsId
    action: BankAction
    external_account_id: ProviderId


class PayeeBankFailed(_PayeeEvent):
    bank_details_id: BankDetailsId
    code: Code


class PayoutPaid(_PayeeEvent):
    payout_id: ProviderId
    amount: Amount
    currency: CurrencyCode
    arrival_date: Day


class PayoutFailed(_PayeeEvent):
    """``was_paid``: it had been reported paid before."""

    payout_id: ProviderId
    amount: Amount
    currency: CurrencyCode
    code: Code
    was_paid: bool


class PayoutCancelled(_PayeeEvent):
    payout_id: ProviderId
    amount: Amount
    currency: CurrencyCode
