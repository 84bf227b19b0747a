"""What each line of section 13 says about its event's example: the variables that its template gets."""

from collections.abc import Mapping
from typing import TypeAlias

from contracts.auth import (
    EmailChanged,
    EmailChangeRequested,
    EmailVerificationRequested,
    EmailVerified,
    ErasureRequested,
    LoginLocked,
    PasswordChanged,
    PasswordResetRequested,
    SessionOpened,
    SessionReuseDetected,
    UserRegistered,
    UserReinstated,
    UserSuspended,
)
from contracts.client import (
    CompanyErasureDeferred,
    CompanyRejected,
    CompanyReviewNeeded,
    CompanyVerified,
    InvitationAccepted,
    InvitationExpired,
    InvitationReminderDue,
    InvitationSent,
)
from contracts.contract.events import (
    ContractActivated,
    ContractCancelled,
    ContractCompleted,
    ContractEndingSoon,
    ContractPdfFailed,
    ContractRecalled,
    ContractSent,
    ContractSigned,
    ContractSigningReminderDue,
)
from contracts.contractor import BankDetailsAdded, BankDetailsFailed, ContractorErasureDeferred
from contracts.kyc import (
    KycDecisionContested,
    KycResubmissionRequested,
    KycReviewStarted,
    KycSessionExpired,
    KycSessionFailed,
    KycSessionReady,
    KycSessionRejected,
    KycSessionVerified,
)
from contracts.lead import (
    ContactSubmitted,
    DemoCancelled,
    DemoReminderDue,
    DemoRequested,
    DemoScheduled,
    NewsletterConfirmationRequested,
    NewsletterConfirmed,
)
from contracts.message import EventData
from contracts.notification.events import AddressSuppressed
from contracts.notification.values import CalendarDay, Moment, Money, PageLink, Phrase, TokenLink, Variable
from contracts.payment.events import (
    DepositCancelled,
    DepositFailed,
    DepositReceived,
    DisputeClosed,
    DisputeFundsWithdrawn,
    DisputeOpened,
    EscrowAnomalyDetected,
    EscrowBalanceNegative,
    EscrowClosingReminderDue,
    EscrowHeld,
    EscrowHoldLifted,
    EscrowOpened,
    EscrowRefunded,
    EscrowReleased,
    EscrowReleaseFailed,
    EscrowReleaseReversed,
    EscrowReleaseWaiting,
    EscrowReopened,
    PayeeAccountFailed,
    PayeeBlocked,
    PayeeReady,
    PayoutFailed,
    PayoutPaid,
    RefundFailed,
    ReleaseReversalFailed,
)
from contracts.types import Timestamp
from tests.support.oracle import START

Given: TypeAlias = dict[str, Variable]

KEY = "the-key"
"""Of every event here."""
USER = "11111111-1111-4111-8111-111111111111"
NONCE, OTHER_NONCE = "YH5gPR7CdHecvWYAPFSteJpg_M8vrn3DrzPDOtLEkqg", "uyIAYSaywnZMkEffEN_mt2mGxjM_iSV2gxeMefqcGEk"
WEEK = Moment(at=Timestamp("2026-02-07T09:30:00.000Z"))
SIGN_BY = Moment(at=Timestamp("2026-03-02T09:30:00.000Z"))
NOW = Moment(at=START)

LEAD = "s1.subject.lead:182135c3c3ed241d0f371c9c196903c5f883563b9e6ebed721d2506a6b8f08ca.1.m7Qe2xTz9LkPv4WcNs1hYbRj6GdUo3Fa0iKtXw5E"
COMPANY = f"s1.subject.{USER}.1.GzSG-jxmBHcsKOGH7cGxmgVtuBYxYQds"
DEVICE = f"s1.subject.{USER}.1.LtrYVzfL7d7VOruaFUJas_1X4YNsIO-V8X4lh-omz8-uO3tO"
CLIENT = f"s1.legal.{USER}.1.4e696c652054726164696e67204c4c43"
CONTRACTOR = "s1.legal.22222222-2222-4222-8222-222222222222.1.4c756b61737a204e6f77616b"

TO_CONTRACT: Given = {"link": PageLink(page="contracts", id="33333333-3333-4333-8333-333333333333")}
TO_ESCROW: Given = {"link": PageLink(page="escrows", id=USER)}
TO_PAYOUTS: Given = {"link": PageLink(page="payouts")}
TO_CHECK: Given = {"link": PageLink(page="identity")}
TITLE: Given = {"title": "Online shop, phase one"}
NAMES: Given = {"clientName": CLIENT, "contractorName": CONTRACTOR}


def token(purpose: str, nonce: str = NONCE, id_: str = USER) -> TokenLink:
    return TokenLink(purpose=purpose, id=id_, nonce=nonce, kid="k1")


def dollars(cents: int) -> Given:
    return {"amountText": Money(amount=cents, currency="USD")}


def alert(subject: str, detail: Variable) -> Given:
    return {"subject": subject, "key": KEY, "detail": detail}


INVITATION: Given = {
    "companyName": COMPANY,
    "link": token("invitation", id_="f5bc7121-304d-5d73-91b4-d5d8592fc3b1"),
    "validUntil": WEEK,
}
ASKER: Given = {
    "name": "s1.subject.lead:14e9f1a2db3745b4fd96998a9a35efd83380443ead46ea2f36f4553431f0549e.1.6w6gxOyUcpuNy3H6q"
    "lUkCahfUu0sMCCp-xVmLZCo7Q3ThQhMTAo8jA"
}
APPOINTMENT: Given = ASKER | {"scheduledAt": Moment(at=Timestamp("2026-02-11T10:00:00.000Z"))}
NEWSLETTER = token("newsletter", "szvfN-DzC7k05q0Vnc_Zk060A8tMmSYFDR1LHwMjvyU", "d121e4d7-cedf-5d2a-917b-b2b73fc84fd2")
INVITED: Given = {"contractorEmail": LEAD, "link": PageLink(page="invitations")}

# fmt: off
VARIABLES: Mapping[tuple[type[EventData], str], Given] = {
    (UserRegistered, "verify-email"): {"link": token("verify-email"), "expiresOn": WEEK},
    (EmailVerificationRequested, "verify-email"): {"link": token("verify-email", OTHER_NONCE), "expiresOn": WEEK},
    (EmailVerified, "welcome"): {"link": PageLink(page="start")},
    (EmailChangeRequested, "confirm-new-email"):
        {"link": token("confirm-email", "EuoS6s59ZV9HHOVeNPibG3ej2dBaRFyoKHfdIjW-qlE"), "expiresOn": WEEK},
    (EmailChanged, "email-changed"): {"changedAt": NOW},
    (PasswordResetRequested, "password-reset"): {
        "link": token("reset-password", "Ab4wu0ondlw3Ri5r8qC_i2wQn5vp2B5v1WRV2xpzakM"),
        "expiresOn": Moment(at=Timestamp("2026-01-31T10:30:00.000Z")),
    },
    (PasswordChanged, "password-changed"): {"changedAt": NOW},
    (SessionOpened, "new-sign-in"): {"device": DEVICE, "signedInAt": NOW},
    (SessionReuseDetected, "session-revoked"): {"detectedAt": NOW},
    (LoginLocked, "account-locked"): {"lockedUntil": Moment(at=Timestamp("2026-01-31T09:45:00.000Z"))},
    (UserSuspended, "account-suspended"): {"reason": "Chargebacks under investigation"},
    (UserReinstated, "account-reinstated"): {"link": PageLink(page="sign-in")},
    (ErasureRequested, "erasure-received"): {},
    (CompanyVerified, "company-verified"): {"link": PageLink(page="company")},
    (CompanyRejected, "company-rejected"): {"reason": "The register shows another name", "link": PageLink(page="company")},
    (CompanyReviewNeeded, "admin-alert"): alert("client.CompanyReviewNeeded", "registry_name_differs"),
    (InvitationSent, "contractor-invitation"): INVITATION | {"message": "We would like to work with you on our online shop."},
    (InvitationReminderDue, "contractor-invitation-reminder"): INVITATION,
    (InvitationAccepted, "invitation-accepted"): INVITED,
    (InvitationExpired, "invitation-expired"): INVITED,
    (CompanyErasureDeferred, "erasure-deferred"): {"openContracts": 2},
    (ContractorErasureDeferred, "erasure-deferred"): {"openContracts": 2},
    (BankDetailsAdded, "bank-details-added"): {"bankName": "Stripe Test Bank", "last4": "6789"},
    (BankDetailsFailed, "bank-details-failed"): {"last4": "6789"} | TO_PAYOUTS,
    (KycSessionReady, "kyc-start"): TO_CHECK | {"expiresOn": WEEK},
    (KycResubmissionRequested, "kyc-resubmit"): {"reason": "Face not clearly visible"} | TO_CHECK,
    (KycReviewStarted, "kyc-in-review"): {},
    (KycReviewStarted, "admin-alert"): alert("kyc.KycReviewStarted", "Manual review"),
    (KycSessionVerified, "kyc-verified"): {"link": PageLink(page="profile")},
    (KycSessionRejected, "kyc-rejected"): {"reason": "Document expired"},
    (KycSessionExpired, "kyc-expired"): TO_CHECK,
    (KycSessionFailed, "admin-alert"): alert("kyc.KycSessionFailed", "1102"),
    (KycDecisionContested, "admin-alert"): alert("kyc.KycDecisionContested", "verified stands, the provider says rejected"),
    (ContractPdfFailed, "contract-pdf-failed"): TO_CONTRACT,
    (ContractSent, "contract-to-sign"): TITLE | NAMES | {"signBy": SIGN_BY} | TO_CONTRACT,
    (ContractSigned, "contract-signed"): TITLE | {"signerName": CONTRACTOR} | TO_CONTRACT,
    (ContractActivated, "contract-active"): TITLE | NAMES | {"startDate": CalendarDay(day="2026-02-01")} | TO_CONTRACT,
    (ContractSigningReminderDue, "contract-sign-reminder"): TITLE | {"signBy": SIGN_BY} | TO_CONTRACT,
    (ContractRecalled, "contract-recalled"): TITLE | {"reason": "The milestones have changed"},
    (ContractEndingSoon, "contract-ending"): TITLE | {"endDate": CalendarDay(day="2026-07-31")} | TO_CONTRACT,
    (ContractCompleted, "contract-completed"): TITLE | TO_CONTRACT,
    (ContractCancelled, "contract-cancelled"): {"title": "Online shop", "reason": "Budget was withdrawn"},
    (EscrowOpened, "escrow-opened"): TO_ESCROW,
    (DepositReceived, "deposit-received"): dollars(150_000) | TO_ESCROW,
    (DepositFailed, "deposit-failed"): dollars(150_000) | {"code": Phrase(code="card_declined")} | TO_ESCROW,
    (DepositCancelled, "deposit-cancelled"): TO_ESCROW,
    (EscrowReleaseWaiting, "payout-setup-needed"): dollars(120_000) | TO_PAYOUTS,
    (EscrowReleaseWaiting, "release-waiting"): dollars(120_000) | {"reason": Phrase(code="payee_not_ready")},
    (EscrowReleased, "payment-released"): dollars(120_000) | TO_ESCROW,
    (EscrowReleaseFailed, "release-failed"): dollars(120_000) | {"code": Phrase(code="account_invalid")} | TO_ESCROW,
    (EscrowReleaseReversed, "release-reversed"): dollars(20_000) | {"reason": "Milestone 2 was paid twice"},
    (EscrowRefunded, "refund-sent"): dollars(30_000) | TO_ESCROW,
    (RefundFailed, "refund-failed"): dollars(30_000) | {"code": Phrase(code="lost_or_stolen_card")},
    (DisputeOpened, "dispute-update"): dollars(150_000) | {"outcome": Phrase(code="opened")} | TO_ESCROW,
    (DisputeClosed, "dispute-update"): dollars(150_000) | {"outcome": Phrase(code="won")} | TO_ESCROW,
    (DisputeOpened, "admin-alert"):
        alert("payment.DisputeOpened", "dispute du_1MLdispute00000001: fraudulent, answer by 2026-02-17T23:59:59.000Z"),
    (DisputeFundsWithdrawn, "admin-alert"): alert("payment.DisputeFundsWithdrawn", Money(amount=150_000, currency="USD")),
    (DisputeClosed, "admin-alert"): alert("payment.DisputeClosed", Phrase(code="won")),
    (EscrowBalanceNegative, "admin-alert"): alert("payment.EscrowBalanceNegative", Money(amount=-30_000, currency="USD")),
    (EscrowAnomalyDetected, "admin-alert"): alert(
        "payment.EscrowAnomalyDetected",
        "transfer_after_failed: The transfer tr_1MLrelease00000001 exists although its release had failed.",
    ),
    (EscrowReopened, "admin-alert"): alert("payment.EscrowReopened", "33333333-3333-4333-8333-333333333333"),
    (ReleaseReversalFailed, "admin-alert"): alert("payment.ReleaseReversalFailed", "balance_insufficient"),
    (PayeeAccountFailed, "admin-alert"): alert("payment.PayeeAccountFailed", "country_unsupported"),
    (EscrowHeld, "escrow-hold"): dollars(30_000) | {"reason": "Early fraud warning"},
    (EscrowHoldLifted, "escrow-hold"): dollars(30_000) | {"reason": Phrase(code="hold_lifted")},
    (EscrowClosingReminderDue, "escrow-leftover"): dollars(30_000) | TO_ESCROW,
    (PayeeReady, "payouts-ready"): TO_PAYOUTS,
    (PayeeBlocked, "payouts-blocked"): {"reason": Phrase(code="payouts")} | TO_PAYOUTS,
    (PayoutPaid, "payout-paid"): dollars(120_000) | {"arrivalDate": CalendarDay(day="2026-02-04")},
    (PayoutFailed, "payout-failed"): dollars(120_000) | TO_PAYOUTS,
    (ContactSubmitted, "contact-received"): ASKER,
    (ContactSubmitted, "admin-alert"): alert("lead.ContactSubmitted", "landing-page"),
    (DemoRequested, "demo-received"): ASKER | {"preferredDate": Moment(at=Timestamp("2026-02-10T13:00:00.000Z"))},
    (DemoRequested, "admin-alert"): alert("lead.DemoRequested", "11-50 people, preferably 2026-02-10T13:00:00.000Z"),
    (DemoScheduled, "demo-scheduled"): APPOINTMENT,
    (DemoReminderDue, "demo-reminder"): APPOINTMENT,
    (DemoCancelled, "demo-cancelled"): ASKER | {"reason": "Our colleague has fallen ill"},
    (NewsletterConfirmationRequested, "newsletter-confirm"): {"link": NEWSLETTER, "validUntil": WEEK},
    (NewsletterConfirmed, "newsletter-welcome"): {"unsubscribeLink": NEWSLETTER},
    (AddressSuppressed, "email-unreachable"): {"link": PageLink(page="settings")},
}
# fmt: on
