"""Commands of payment. Amounts are minor units; ``event_created`` is the provider's own time of the fact."""

from typing import ClassVar, Literal

from contracts.contractor import BankAction, KycStatus
from contracts.message import CommandData
from contracts.payment.values import (
    Adjustment,
    Cumulative,
    CurrencyCode,
    DepositMethod,
    Moved,
    PayoutStatus,
    RefundReason,
    RefundStatus,
    Requirements,
    WaitReason,
)
from contracts.types import (
    Amount,
    BankDetailsId,
    BankNumber,
    ClientId,
    Code,
    ContractId,
    ContractorId,
    Country,
    Currency,
    Day,
    DecisionTime,
    Id,
    Ordinal,
    ProviderId,
    Sealed,
    Text200,
    Text500,
    Timestamp,
    TransactionId,
    UserId,
)


class _EscrowCommand(CommandData):
    key_field: ClassVar[str] = "contract_id"
    contract_id: ContractId


class _TransactionCommand(_EscrowCommand):
    transaction_id: TransactionId


class _PayeeCommand(CommandData):
    key_field: ClassVar[str] = "contractor_id"
    contractor_id: ContractorId


# --- escrow and deposits -------------------------------------------------------------------------------------------


class OpenEscrow(_EscrowCommand):
    client_id: ClientId
    contractor_id: ContractorId
    client_user_id: UserId
    contractor_user_id: UserId
    currency: Currency


class RequestDeposit(_TransactionCommand):
    amount: Amount
    currency: Currency
    method: DepositMethod


class RecordDepositPrepared(_TransactionCommand):
    payment_intent_id: ProviderId


class RecordDepositRequestFailed(_TransactionCommand):
    """Stripe refused to create the PaymentIntent: final."""

    code: Code
    message: Text500


class RecordDepositProcessing(_TransactionCommand):
    payment_intent_id: ProviderId
    event_created: Timestamp


class RecordDepositSucceeded(_TransactionCommand):
    """``amount_received`` is what is credited; ``amount`` is what the PaymentIntent asked for."""

    payment_intent_id: ProviderId
    charge_id: ProviderId
    amount: Amount
    amount_received: Amount
    currency: CurrencyCode
    event_created: Timestamp


class RecordDepositFailed(_TransactionCommand):
    """One attempt to pay failed; the same PaymentIntent may still succeed."""

    code: Code
    decline_code: Code | None = None
    message: Text500
    event_created: Timestamp


class CancelDeposit(_TransactionCommand):
    pass


class RecordDepositCancelled(_TransactionCommand):
    reason: Text500
    event_created: Timestamp


# --- releases ------------------------------------------------------------------------------------------------------


class ReleaseEscrow(_TransactionCommand):
    amount: Amount
    currency: Currency
    note: Text200 | None = None


class RetryRelease(_TransactionCommand):
    pass


class RecordTransferWaiting(_TransactionCommand):
    attempt: Ordinal
    reason: WaitReason


class RecordTransferCreated(_TransactionCommand):
    transfer_id: ProviderId
    amount: Amount
    currency: CurrencyCode
    destination: ProviderId


class RecordTransferFailed(_TransactionCommand):
    attempt: Ordinal
    code: Code
    message: Text500


class CancelRelease(_TransactionCommand):
    pass


class ReverseRelease(_TransactionCommand):
    """Takes money back from the connected account; ``reversal_id`` names this one wish, at the provider too."""

    reversal_id: Id
    amount: Amount
    reason: Text500


class RecordTransferReversed(_TransactionCommand):
    """``amount_reversed`` is cumulative."""

    transfer_id: ProviderId
    amount_reversed: Amount


class RecordReversalFailed(_TransactionCommand):
    reversal_id: Id
    code: Code


# --- refunds and disputes ------------------------------------------------------------------------------------------


class RefundDeposit(_TransactionCommand):
    deposit_id: TransactionId
    amount: Amount
    reason: RefundReason


class RecordRefund(_EscrowCommand):
    """``transaction_id``: the withdrawal that asked for it; absent for a refund that was made at Stripe."""

    refund_id: ProviderId
    transaction_id: TransactionId | None = None
    deposit_id: TransactionId
    amount: Amount
    currency: CurrencyCode
    status: RefundStatus
    failure_reason: Code | None = None
    event_created: Timestamp


class RecordRefundRejected(_TransactionCommand):
    """The refund was never created."""

    code: Code


class RecordChargeRefunded(_EscrowCommand):
    """``amount_refunded`` is cumulative; it comes without saying which refunds it is made of."""

    deposit_id: TransactionId
    charge_id: ProviderId
    amount_refunded: Cumulative
    event_created: Timestamp


class RecordDispute(_EscrowCommand):
    """The whole dispute as it stood at ``event_created``.

    ``moved``: sum of its balance transactions, negative while the money is away; ``movements``: how many those are; ``fee``: what
    Stripe took for them. ``status`` is Stripe's: ``warning_*`` is an inquiry, and one that we do not know is an open dispute.
    """

    dispute_id: ProviderId
    deposit_id: TransactionId
    charge_id: ProviderId
    amount: Amount
    currency: CurrencyCode
    status: Code
    reason: Code
    moved: Moved
    moved_currency: CurrencyCode | None = None
    movements: Cumulative
    fee: Moved
    due_by: Timestamp | None = None
    event_created: Timestamp


# --- holds, adjustments, closing -----------------------------------------------------------------------------------


class PlaceHold(_EscrowCommand):
    """Keeps money from leaving. ``all``: what is available at that moment."""

    hold_id: Id
    amount: Amount | Literal["all"]
    reason: Text500


class LiftHold(_EscrowCommand):
    hold_id: Id


class PostAdjustment(_TransactionCommand):
    """``approved_by``: the other admin, as ``admin:<userId>``."""

    amount: Adjustment
    currency: Currency
    reason: Text500
    approved_by: Text200


class BeginEscrowClosing(_EscrowCommand):
    reason: Text500


class RemindEscrowClosing(_EscrowCommand):
    pass


# --- payees and payouts --------------------------------------------------------------------------------------------


class SyncPayee(_PayeeCommand):
    user_id: UserId
    country: Country
    kyc_status: KycStatus
    decision_time: DecisionTime


class RetryPayeeAccount(_PayeeCommand):
    pass


class RecordPayeeAccountCreated(_PayeeCommand):
    stripe_account_id: ProviderId


class RecordPayeeAccountFailed(_PayeeCommand):
    code: Code


class RecordPayeeAccountStatus(_PayeeCommand):
    """``fetched``: the answer to a question of ours, not a webhook; it settles a tie of ``event_created``.

    ``disabled_reason`` is ``deauthorized`` when the account left the platform; both flags are false then.
    """

    stripe_account_id: ProviderId
    transfers_active: bool
    payouts_enabled: bool
    requirements_due: Requirements = ()
    disabled_reason: Text200 | None = None
    event_created: Timestamp
    fetched: bool = False


class RefreshPayeeAccount(_PayeeCommand):
    pass


class SyncPayeeBank(_PayeeCommand):
    """The numbers come with a new account only (``attach``, or ``default`` at once), sealed for the effect that hands them to Stripe."""

    bank_details_id: BankDetailsId
    wanted: BankAction
    account_number: Sealed[BankNumber] | None = None
    routing_number: Sealed[BankNumber] | None = None
    currency: CurrencyCode | None = None
    country: Country | None = None


class RecordPayeeBankSynced(_PayeeCommand):
    bank_details_id: BankDetailsId
    action: BankAction
    external_account_id: ProviderId


class RecordPayeeBankFailed(_PayeeCommand):
    bank_details_id: BankDetailsId
    code: Code


class RecordPayout(_PayeeCommand):
    payout_id: ProviderId
    stripe_account_id: ProviderId
    amount: Amount
    currency: CurrencyCode
    status: PayoutStatus
    arrival_date: Day
    automatic: bool
    failure_code: Code | None = None
    failure_message: Text500 | None = None
    event_created: Timestamp
