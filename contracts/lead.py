"""Kinds of lead: contacts, demo requests and the newsletter, each under its own id; an address is erased under its hash."""

from enum import StrEnum
from typing import ClassVar, NewType

from contracts.analytics import VisitId
from contracts.links import Link, LinkKeyId, Nonce
from contracts.message import CommandData, EventData, Value
from contracts.types import (
    Email,
    Hash,
    Id,
    Locale,
    Ordinal,
    Phone,
    Pii,
    Text200,
    Text500,
    Text2000,
    Text5000,
    Timestamp,
    UserId,
)

ContactId = NewType("ContactId", Id)
DemoId = NewType("DemoId", Id)
SubscriptionId = NewType("SubscriptionId", Id)


class ContactSource(StrEnum):
    WEBSITE = "website"
    LANDING_PAGE = "landing-page"
    REFERRAL = "referral"


class ContactStatus(StrEnum):
    """In the order a contact goes through them; steps may be skipped."""

    NEW = "new"
    CONTACTED = "contacted"
    QUALIFIED = "qualified"
    CONVERTED = "converted"


class CompanySize(StrEnum):
    """How many people work there."""

    TEN = "1-10"
    FIFTY = "11-50"
    TWO_HUNDRED = "51-200"
    MORE = "201+"


class NewsletterSource(StrEnum):
    WEBSITE = "website"
    LANDING_PAGE = "landing-page"


class UnsubscribedVia(StrEnum):
    """``header``: a mail program's one click (RFC 8058)."""

    LINK = "link"
    HEADER = "header"
    ADMIN = "admin"
    SUPPRESSION = "suppression"
    ERASURE = "erasure"


class Consent(Value):
    """What somebody agreed to: which version of the text, from where, when."""

    text_version: Text200
    ip_hash: Hash
    at: Timestamp


# --- contacts ------------------------------------------------------------------------------------------------------


class _ContactCommand(CommandData):
    key_field: ClassVar[str] = "contact_id"
    contact_id: ContactId


class SubmitContact(_ContactCommand):
    name: Pii[Text200]
    email: Pii[Email]
    email_hash: Hash
    company: Pii[Text200] | None = None
    phone: Pii[Phone] | None = None
    message: Pii[Text5000]
    source: ContactSource
    locale: Locale
    visit_session_id: VisitId | None = None


class AdvanceContact(_ContactCommand):
    status: ContactStatus


class ConvertContact(_ContactCommand):
    """``user_id``: of the account whose proven address the contact came from."""

    user_id: UserId


class ContactSubmitted(EventData):
    contact_id: ContactId
    name: Pii[Text200]
    email: Pii[Email]
    email_hash: Hash
    source: ContactSource
    locale: Locale


class ContactAdvanced(EventData):
    contact_id: ContactId
    status: ContactStatus


class ContactConverted(EventData):
    contact_id: ContactId
    user_id: UserId
    source: ContactSource


# --- demo requests -------------------------------------------------------------------------------------------------


class _DemoCommand(CommandData):
    key_field: ClassVar[str] = "demo_id"
    demo_id: DemoId


class RequestDemo(_DemoCommand):
    name: Pii[Text200]
    email: Pii[Email]
    email_hash: Hash
    company: Pii[Text200]
    company_size: CompanySize
    use_case: Text2000
    preferred_date: Timestamp
    locale: Locale
    visit_session_id: VisitId | None = None


class ScheduleDemo(_DemoCommand):
    scheduled_at: Timestamp


class CompleteDemo(_DemoCommand):
    pass


class CancelDemo(_DemoCommand):
    reason: Text500


class SetDemoNotes(_DemoCommand):
    """``notes`` take the place of those before; they are sealed for the address that asked for the demo."""

    notes: Pii[Text5000]


class SendDemoReminder(_DemoCommand):
    """``scheduled_at``: the appointment that it was armed for."""

    scheduled_at: Timestamp


class DemoRequested(EventData):
    demo_id: DemoId
    name: Pii[Text200]
    email: Pii[Email]
    email_hash: Hash
    company: Pii[Text200]
    company_size: CompanySize
    preferred_date: Timestamp
    locale: Locale


class _DemoMail(EventData):
    demo_id: DemoId
    name: Pii[Text200]
    email: Pii[Email]
    email_hash: Hash
    locale: Locale


class _Appointment(_DemoMail):
    """``rescheduled``: whether it took the place of an earlier one."""

    scheduled_at: Timestamp
    rescheduled: bool


class DemoScheduled(_Appointment):
    pass


class DemoReminderDue(_Appointment):
    pass


class DemoCompleted(EventData):
    demo_id: DemoId


class DemoCancelled(_DemoMail):
    reason: Text500


# --- newsletter ----------------------------------------------------------------------------------------------------


class _SubscriptionCommand(CommandData):
    key_field: ClassVar[str] = "subscription_id"
    subscription_id: SubscriptionId


class SubscribeNewsletter(_SubscriptionCommand):
    """``verification`` takes the place of an earlier link, which is then good for nothing."""

    email: Pii[Email]
    email_hash: Hash
    name: Pii[Text200] | None = None
    source: NewsletterSource
    locale: Locale
    verification: Link
    consent: Consent


class ConfirmSubscription(_SubscriptionCommand):
    token_hash: Hash


class Unsubscribe(_SubscriptionCommand):
    """``token_hash``: of the link's token, without which ``link`` and ``header`` are refused."""

    via: UnsubscribedVia
    token_hash: Hash | None = None


class LapseSubscription(_SubscriptionCommand):
    pass


class _NewsletterEvent(EventData):
    subscription_id: SubscriptionId
    email: Pii[Email]
    email_hash: Hash
    locale: Locale


class NewsletterConfirmationRequested(_NewsletterEvent):
    nonce: Nonce
    kid: LinkKeyId
    valid_until: Timestamp


class NewsletterConfirmed(_NewsletterEvent):
    """``nonce`` and ``kid``: of the link by which the address may leave again."""

    source: NewsletterSource
    nonce: Nonce
    kid: LinkKeyId


class NewsletterUnsubscribed(_NewsletterEvent):
    via: UnsubscribedVia


class NewsletterRequestLapsed(EventData):
    subscription_id: SubscriptionId


# --- erasure -------------------------------------------------------------------------------------------------------


class _AddressCommand(CommandData):
    key_field: ClassVar[str] = "email_hash"
    email_hash: Hash


class EraseLead(_AddressCommand):
    """``user_id``: whose account waits for the answer; none when an admin erases an address that has no account."""

    user_id: UserId | None = None


class RecordLeadKeyDestroyed(_AddressCommand):
    """``user_id``: as it was asked. ``generation``: the last one of the address's keys that is gone."""

    user_id: UserId | None = None
    generation: Ordinal


class LeadKeyDestructionRequested(EventData):
    email_hash: Hash
    user_id: UserId | None = None


class LeadErased(EventData):
    """Nothing about the address can be read any more. ``user_id``: whose account asked for it, if one did."""

    email_hash: Hash
    user_id: UserId | None = None
