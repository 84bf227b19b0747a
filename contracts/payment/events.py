"""Events of payment. Every escrow event carries the parties and the balance as they stand after it."""

from pydantic import Field

from contracts.contractor import BankAction
from contracts.message import EventData
from contracts.payment.values import (
    Adjustment,
    Anomaly,
    BlockedReason,
    CurrencyCode,
    DepositMethod,
    DisputeOutcome,
    Moved,
    RefundReason,
    Requirements,
    Total,
    WaitReason,
)
from contracts.types import (
    Amount,
    Balance,
    BankDetailsId,
    BankNumber,
    ClientId,
    Code,
    ContractId,
    ContractorId,
    Country,
    Currency,
    Day,
    Id,
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


class ReleaseReversalRequested(_TransactionEvent):
    transfer_id: ProviderId
    reversal_id: Id
    amount: Amount


class EscrowReleaseReversed(_TransactionEvent):
    """``amount`` came back by this, ``amount_reversed`` in all."""

    amount: Amount
    amount_reversed: Amount
    reason: Text500


class ReleaseReversalFailed(_TransactionEvent):
    reversal_id: Id
    code: Code


# --- refunds and disputes ------------------------------------------------------------------------------------------


class RefundRequested(_TransactionEvent):
    deposit_id: TransactionId
    payment_intent_id: ProviderId
    amount: Amount
    reason: RefundReason


class EscrowRefunded(_EscrowEvent):
    """``amount``: what the balance fell by; ``transaction_id`` is absent while only Stripe's total of the charge is known."""

    transaction_id: TransactionId | None = None
    deposit_id: TransactionId
    amount: Total
    deposit_left: Balance


class RefundFailed(_TransactionEvent):
    deposit_id: TransactionId
    amount: Total
    code: Code


class _DisputeEvent(_EscrowEvent):
    dispute_id: ProviderId


class DisputeOpened(_DisputeEvent):
    """``inquiry``: the bank only asks; no money has moved yet. ``due_by``: until when Stripe takes an answer."""

    deposit_id: TransactionId
    amount: Amount
    inquiry: bool
    reason: Code
    due_by: Timestamp | None = None


class DisputeFundsWithdrawn(_DisputeEvent):
    amount: Total
    fee: Moved


class DisputeFundsReinstated(_DisputeEvent):
    amount: Total


class DisputeClosed(_DisputeEvent):
    amount: Amount
    outcome: DisputeOutcome


# --- the escrow's own state ----------------------------------------------------------------------------------------


class _HoldEvent(_EscrowEvent):
    hold_id: Id
    amount: Total
    reason: Text500


class EscrowHeld(_HoldEvent):
    pass


class EscrowHoldLifted(_HoldEvent):
    pass


class EscrowAdjusted(_TransactionEvent):
    """``amount`` is signed."""

    amount: Adjustment
    reason: Text500


class EscrowBalanceNegative(_EscrowEvent):
    deficit: Total


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
    account_number: Sealed[BankNumber] | None = None
    routing_number: Sealed[BankNumber] | None = None
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
