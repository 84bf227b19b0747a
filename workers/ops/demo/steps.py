"""Section 16 of domain.md as data: which commands each step takes, who says them, and what comes of them."""

from dataclasses import dataclass

UP, RE, FX, VERIFF, STRIPE = "HTTP", "reaction", "effect", "webhook of veriff", "webhook of stripe"


@dataclass(frozen=True, slots=True)
class Line:
    """``by``: each of these says it at least once. ``events``: what it makes, once and not for each that says it. ``timers``: ``+name`` is
    set, ``-name`` cancelled."""

    command: str
    by: tuple[str, ...]
    events: tuple[str, ...] = ()
    timers: tuple[str, ...] = ()


def _line(command: str, by: str | tuple[str, ...], events: str = "", timers: str = "") -> Line:
    return Line(command, (by,) if isinstance(by, str) else by, tuple(events.split()), tuple(timers.split()))


_COMES = (
    _line("auth.RegisterUser", UP, "UserRegistered"),
    _line("user.CreateProfile", RE, "ProfileCreated"),
    _line("user.CreatePreferences", RE, "PreferencesUpdated"),
    _line("notification.SyncRecipient", RE),
)
_ENTERS = (
    _line("auth.VerifyEmail", UP, "EmailVerified"),
    _line("auth.OpenSession", UP, "SessionOpened"),
    _line("user.UpdateProfile", UP, "ProfileUpdated"),
)
# Two requests for a bank: Stripe attaches it, then makes it the default.
_BANK = (
    _line("contractor.AddBankDetails", UP, "BankDetailsAdded"),
    _line("payment.SyncPayeeBank", RE, "PayeeBankSyncRequested"),
    _line("payment.RecordPayeeBankSynced", FX, "PayeeBankSynced PayeeBankSyncRequested PayeeBankSynced"),
    _line("contractor.RecordBankDetailsSynced", RE, "BankDetailsAttached"),
)
_KYC_STARTED = _line("kyc.RecordKycProgress", VERIFF, "KycProcessing")

# fmt: off
STEPS: tuple[tuple[Line, ...], ...] = (
    _COMES,
    _ENTERS,
    (
        _line("client.RegisterCompany", UP, "CompanyRegistered CompanyVerificationRequested"),
        _line("client.RecordRegistryResult", FX, "CompanyVerified"),
    ),
    (_line("client.InviteContractor", UP, "InvitationSent", "+invitation-reminder +invitation-expiry"),),
    (
        *_COMES,
        *_ENTERS,
        _line("user.UpdatePreferences", UP, "PreferencesUpdated"),
        _line("contractor.CreateContractorProfile", UP, "ContractorProfileCreated"),
    ),
    (
        _line("client.AcceptInvitation", UP, "InvitationAccepted", "-invitation-reminder -invitation-expiry"),
        _line("contractor.LinkContractorToClient", RE, "ContractorLinkedToClient ContractorKycRequested"),
    ),
    (
        _line("kyc.StartKycSession", RE, "KycSessionStarted", "+kyc-session-expiry"),
        _line("kyc.RecordKycSessionCreated", FX, "KycSessionReady"),
    ),
    (
        _KYC_STARTED,
        _line("kyc.RecordKycDecision", VERIFF, "KycResubmissionRequested"),
        _KYC_STARTED,
        _line("kyc.RecordKycProgress", VERIFF, "", "+kyc-poll"),
        _line("kyc.RecordKycDecision", VERIFF, "KycSessionVerified", "-kyc-poll +kyc-retention"),
    ),
    (
        _line("contractor.ApplyKycOutcome", RE, "ContractorKycStatusChanged"),
        _line("payment.SyncPayee", RE, "PayeeAccountRequested"),
        _line("payment.RecordPayeeAccountCreated", FX, "PayeeAccountCreated"),
    ),
    _BANK,
    (
        _line("payment.RecordPayeeAccountStatus", STRIPE, "PayeeReady"),
        _line("contractor.RecordPayoutReadiness", RE),
    ),
    (
        _line("contract.CreateContractDraft", UP, "ContractDrafted ContractPartyCheckRequested"),
        _line("client.ConfirmContractClient", RE, "ContractClientConfirmed"),
        _line("contractor.ConfirmContractContractor", RE, "ContractContractorConfirmed"),
        _line("contract.RecordContractParty", RE, "ContractPartyRecorded ContractPartyRecorded"),
    ),
    (
        _line("contract.SendContract", UP, "ContractPdfRequested"),
        _line("contract.RecordContractPdf", FX, "ContractSent", "+contract-sign-reminder +contract-signing-deadline"),
    ),
    (
        _line("contract.SignContract", UP, "ContractSigned"),
        _line("contract.SignContract", UP, "ContractSigned ContractActivated",
              "-contract-sign-reminder -contract-signing-deadline +contract-end +contract-end-notice"),
        _line("contract.RecordExecutedPdf", FX, "ContractExecutedPdfStored"),
    ),
    (
        _line("client.NoteContractOpened", RE),
        _line("contractor.NoteContractOpened", RE),
        _line("payment.OpenEscrow", RE, "EscrowOpened"),
    ),
    (
        _line("payment.RequestDeposit", UP, "DepositRequested"),
        _line("payment.RecordDepositPrepared", (FX, STRIPE), "DepositPrepared", "+deposit-abandon"),
    ),
    (
        _line("payment.RecordDepositProcessing", STRIPE, "DepositProcessing"),
        _line("payment.RecordDepositSucceeded", STRIPE, "DepositReceived", "-deposit-abandon"),
    ),
    (
        _line("payment.ReleaseEscrow", UP, "EscrowReleaseRequested"),
        _line("payment.RecordTransferCreated", (FX, STRIPE), "EscrowReleased"),
    ),
    (
        _line("payment.RecordPayout", STRIPE, "PayoutPaid PayoutFailed"),
        # The money is back on the connected account; Stripe pays out anew after the bank row is replaced.
        *_BANK,
        _line("contractor.RemoveBankDetails", UP, "BankDetailsRemoved"),
        _line("payment.RecordPayeeBankSynced", FX, "PayeeBankSyncRequested PayeeBankSynced"),
        _line("payment.RecordPayout", STRIPE, "PayoutPaid"),
    ),
    (
        _line("contract.CompleteContract", UP, "ContractCompleted"),
        _line("payment.BeginEscrowClosing", RE, "EscrowClosing", "+escrow-closing-reminder"),
    ),
    (
        _line("payment.RefundDeposit", UP, "RefundRequested"),
        _line("payment.RecordRefund", (FX, STRIPE), "EscrowRefunded EscrowClosed"),
        _line("payment.RecordChargeRefunded", STRIPE),
        _line("client.NoteContractClosed", RE),
        _line("contractor.NoteContractClosed", RE),
    ),
)
# fmt: on
ANY_NUMBER = frozenset({"PayeeAccountRefreshRequested"})
"""Events that come once more with each webhook that tells too little."""
PAYOUTS = ("pending", "in_transit", "paid", "failed")
"""What Stripe says of the payout that comes back."""
