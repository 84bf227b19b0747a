"""Somebody without an account, request by request, as the tests of its parts need it."""

from typing import Any

from contracts.ids import derived
from contracts.lead import (
    AdvanceContact,
    CancelDemo,
    CompanySize,
    CompleteDemo,
    ConfirmSubscription,
    Consent,
    ContactId,
    ContactSource,
    ContactStatus,
    DemoId,
    NewsletterSource,
    RequestDemo,
    ScheduleDemo,
    SetDemoNotes,
    SubmitContact,
    SubscribeNewsletter,
    Unsubscribe,
    UnsubscribedVia,
)
from contracts.types import CommandId, Locale, Timestamp
from tests.support.oracle import START
from tests.support.service_story import ADMIN, ServiceStory, after, digest, link, sealed
from workers.engine.decision import ItemRef
from workers.services.lead.contact import CONTACTS, Contact
from workers.services.lead.demo import DEMOS, Demo
from workers.services.lead.service import SERVICE
from workers.services.lead.subscription import SUBSCRIPTIONS, Subscription, subscription_id

PUBLIC, SYSTEM, TIMERS = "public", "system:lead", "system:timers"
ADDRESS = "amina@example.com"
EMAIL_HASH = digest(ADDRESS)


def mine(text: str, email_hash: str = EMAIL_HASH) -> str:
    return sealed(text, subject=f"lead:{email_hash}")


NAME, EMAIL, FIRM = mine("Amina Farouk"), mine(ADDRESS), mine("Nile Design LLC")
CONTACT, DEMO = ContactId(derived("contact")), DemoId(derived("demo"))
SUBSCRIPTION = subscription_id(EMAIL_HASH)
WISH, APPOINTMENT = after(days=10), after(days=12)
CONSENT = Consent(text_version="newsletter-2026-01", ip_hash=digest("203.0.113.9"), at=START)

SUBMITTING = SubmitContact(
    contact_id=CONTACT,
    name=NAME,
    email=EMAIL,
    email_hash=EMAIL_HASH,
    company=FIRM,
    message=mine("Could you show us how?"),
    source=ContactSource.LANDING_PAGE,
    locale=Locale.AR,
)
REQUESTING = RequestDemo(
    demo_id=DEMO,
    name=NAME,
    email=EMAIL,
    email_hash=EMAIL_HASH,
    company=FIRM,
    company_size=CompanySize.FIFTY,
    use_case="Contracts and payouts",
    preferred_date=WISH,
    locale=Locale.AR,
)
COMPLETING = CompleteDemo(demo_id=DEMO)
CANCELLING = CancelDemo(demo_id=DEMO, reason="Our colleague has fallen ill")


def advancing(status: ContactStatus) -> AdvanceContact:
    return AdvanceContact(contact_id=CONTACT, status=status)


def scheduling(scheduled_at: Timestamp = APPOINTMENT) -> ScheduleDemo:
    return ScheduleDemo(demo_id=DEMO, scheduled_at=scheduled_at)


def noting(text: str) -> SetDemoNotes:
    return SetDemoNotes(demo_id=DEMO, notes=mine(text))


def subscribing(token: str = "a", **other: Any) -> SubscribeNewsletter:
    values = {
        "subscription_id": SUBSCRIPTION,
        "email": EMAIL,
        "email_hash": EMAIL_HASH,
        "name": NAME,
        "source": NewsletterSource.WEBSITE,
        "locale": Locale.AR,
        "verification": link(token),
        "consent": CONSENT,
    }
    return SubscribeNewsletter.model_validate(values | other)


def confirming(token: str = "a") -> ConfirmSubscription:
    return ConfirmSubscription(subscription_id=SUBSCRIPTION, token_hash=digest(token))


def leaving(via: UnsubscribedVia, token: str | None = None) -> Unsubscribe:
    return Unsubscribe(subscription_id=SUBSCRIPTION, via=via, token_hash=token and digest(token))


class Story(ServiceStory):
    service, actor = SERVICE, PUBLIC

    def row(self, ref: ItemRef) -> Any:
        return self.oracle.items[ref]

    @property
    def contact(self) -> Contact:
        return Contact.from_item(self.row(CONTACTS.root(CONTACT)))

    @property
    def demo(self) -> Demo:
        return Demo.from_item(self.row(DEMOS.root(DEMO)))

    @property
    def subscription(self) -> Subscription:
        return Subscription.from_item(self.row(SUBSCRIPTIONS.root(SUBSCRIPTION)))

    # --- where tests begin -------------------------------------------------------------------------------------------

    def submitted(self) -> "Story":
        self.send(SUBMITTING)
        return self

    def requested(self) -> "Story":
        self.send(REQUESTING)
        return self

    def scheduled(self, scheduled_at: Timestamp = APPOINTMENT, command: CommandId | None = None) -> "Story":
        self.requested().send(scheduling(scheduled_at), ADMIN, command=command)
        return self

    def asked(self, token: str = "a", at: Timestamp = START) -> "Story":
        self.send(subscribing(token), at=at)
        return self

    def verified(self) -> "Story":
        self.asked().send(confirming(), at=after(hours=1))
        return self
