"""Section 13 of domain.md: accounts, companies, contractors, identity checks."""

from typing import Any

from contracts import auth, client, contractor, kyc
from contracts.ids import address_recipient_id
from contracts.links import LinkPurpose
from contracts.notification.values import Variable
from contracts.types import RecipientId
from workers.engine.service import Event
from workers.services.notification.columns import (
    ALL,
    BOTH,
    EMAIL,
    IN_APP,
    PROD,
    SEC,
    TXN,
    Addressee,
    Row,
    alert,
    code_or_words,
    moment,
    now,
    number,
    page,
    text,
    token,
    user,
    users,
)


def new_address(data: auth.EmailChangeRequested) -> list[Addressee]:
    return [Addressee(RecipientId(data.user_id), data.new_email, data.new_email_hash)]


def old_address(data: auth.EmailChanged) -> list[Addressee]:
    return [Addressee(RecipientId(data.user_id), data.old_email, data.old_email_hash)]


def on_new_device(data: auth.SessionOpened) -> list[Addressee]:
    return user(data) if data.new_device else []


def invited(data: Any) -> list[Addressee]:
    """Whoever reads mail at the address; nobody knows yet who that is."""
    return [Addressee(address_recipient_id(data.email_hash), data.contractor_email, data.email_hash, data.locale)]


def inviting(data: Any) -> list[Addressee]:
    return users(data.client_user_id)


def rejection(event: Event[client.CompanyRejected]) -> Variable:
    """The registry's verdict has a code, an admin gives his own words."""
    return code_or_words(event.data.reason)


def contested(event: Event[kyc.KycDecisionContested]) -> Variable:
    return f"{event.data.stored} stands, the provider says {event.data.offered}"


VERIFY = {"link": token(LinkPurpose.VERIFY_EMAIL), "expiresOn": moment("expires_on")}
INVITATION = {
    "companyName": text("company_name"),
    "link": token(LinkPurpose.INVITATION, "invitation_id"),
    "validUntil": moment("valid_until"),
}
INVITED = {"contractorEmail": text("contractor_email"), "link": page("invitations")}
TO_COMPANY, TO_PAYOUTS, TO_CHECK = {"link": page("company")}, {"link": page("payouts")}, {"link": page("identity")}
REASON, DEFERRED, LAST4 = {"reason": text("reason")}, {"openContracts": number("open_contracts")}, {"last4": text("last4")}

# Columns as in domain.md: event, recipient, channels, category, template, variables.
# fmt: off
ACCOUNTS: tuple[Row[Any], ...] = (
    Row(auth.UserRegistered, user, EMAIL, SEC, "verify-email", VERIFY),
    Row(auth.EmailVerificationRequested, user, EMAIL, SEC, "verify-email", VERIFY),
    Row(auth.EmailVerified, user, BOTH, PROD, "welcome", {"link": page("start")}),
    Row(auth.EmailChangeRequested, new_address, EMAIL, SEC, "confirm-new-email",
        {"link": token(LinkPurpose.CONFIRM_EMAIL), "expiresOn": moment("expires_on")}),
    Row(auth.EmailChanged, old_address, EMAIL, SEC, "email-changed", {"changedAt": now}),
    Row(auth.PasswordResetRequested, user, EMAIL, SEC, "password-reset",
        {"link": token(LinkPurpose.RESET_PASSWORD), "expiresOn": moment("expires_on")}),
    Row(auth.PasswordChanged, user, BOTH, SEC, "password-changed", {"changedAt": now}),
    Row(auth.SessionOpened, on_new_device, EMAIL, SEC, "new-sign-in", {"device": text("user_agent"), "signedInAt": now}),
    Row(auth.SessionReuseDetected, user, ALL, SEC, "session-revoked", {"detectedAt": now}),
    Row(auth.LoginLocked, user, EMAIL, SEC, "account-locked", {"lockedUntil": moment("locked_until")}),
    Row(auth.UserSuspended, user, EMAIL, TXN, "account-suspended", REASON),
    Row(auth.UserReinstated, user, EMAIL, TXN, "account-reinstated", {"link": page("sign-in")}),
    Row(auth.ErasureRequested, user, EMAIL, SEC, "erasure-received", {}),
)
COMPANIES: tuple[Row[Any], ...] = (
    Row(client.CompanyVerified, user, BOTH, TXN, "company-verified", TO_COMPANY),
    Row(client.CompanyRejected, user, BOTH, TXN, "company-rejected", {"reason": rejection} | TO_COMPANY),
    alert(client.CompanyReviewNeeded, text("reason")),
    Row(client.InvitationSent, invited, EMAIL, TXN, "contractor-invitation", INVITATION | {"message": text("message")}),
    Row(client.InvitationReminderDue, invited, EMAIL, TXN, "contractor-invitation-reminder", INVITATION),
    Row(client.InvitationAccepted, inviting, BOTH, TXN, "invitation-accepted", INVITED),
    Row(client.InvitationExpired, inviting, IN_APP, PROD, "invitation-expired", INVITED),
    Row(client.CompanyErasureDeferred, user, EMAIL, TXN, "erasure-deferred", DEFERRED),
)
CONTRACTORS: tuple[Row[Any], ...] = (
    Row(contractor.ContractorErasureDeferred, user, EMAIL, TXN, "erasure-deferred", DEFERRED),
    Row(contractor.BankDetailsAdded, user, BOTH, SEC, "bank-details-added", {"bankName": text("bank_name")} | LAST4),
    Row(contractor.BankDetailsFailed, user, BOTH, TXN, "bank-details-failed", LAST4 | TO_PAYOUTS),
)
CHECKS: tuple[Row[Any], ...] = (
    Row(kyc.KycSessionReady, user, BOTH, TXN, "kyc-start", TO_CHECK | {"expiresOn": moment("expires_on")}),
    Row(kyc.KycResubmissionRequested, user, BOTH, TXN, "kyc-resubmit", REASON | TO_CHECK),
    Row(kyc.KycReviewStarted, user, IN_APP, PROD, "kyc-in-review", {}),
    alert(kyc.KycReviewStarted, text("reason")),
    Row(kyc.KycSessionVerified, user, BOTH, TXN, "kyc-verified", {"link": page("profile")}),
    Row(kyc.KycSessionRejected, user, BOTH, TXN, "kyc-rejected", REASON),
    Row(kyc.KycSessionExpired, user, BOTH, TXN, "kyc-expired", TO_CHECK),
    alert(kyc.KycSessionFailed, text("code")),
    alert(kyc.KycDecisionContested, contested),
)
# fmt: on

ROWS: tuple[Row[Any], ...] = (*ACCOUNTS, *COMPANIES, *CONTRACTORS, *CHECKS)
