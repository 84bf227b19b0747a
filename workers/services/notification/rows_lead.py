"""Section 13 of domain.md: contacts, demo requests, the newsletter. Whoever writes to us has no account, so his address comes along."""

from typing import Any

from contracts import lead
from contracts.ids import address_recipient_id
from contracts.links import LinkPurpose
from contracts.notification.values import Category, Variable
from workers.engine.service import Event
from workers.services.notification.columns import EMAIL, TXN, Addressee, Row, alert, moment, text, token


def address(data: Any) -> list[Addressee]:
    return [Addressee(address_recipient_id(data.email_hash), data.email, data.email_hash, data.locale)]


def wish(event: Event[lead.DemoRequested]) -> Variable:
    return f"{event.data.company_size} people, preferably {event.data.preferred_date}"


NAME = {"name": text("name")}
APPOINTMENT = NAME | {"scheduledAt": moment("scheduled_at")}
NEWSLETTER = token(LinkPurpose.NEWSLETTER, "subscription_id")

# Columns as in domain.md: event, recipient, channels, category, template, variables.
# fmt: off
ROWS: tuple[Row[Any], ...] = (
    Row(lead.ContactSubmitted, address, EMAIL, TXN, "contact-received", NAME),
    Row(lead.DemoRequested, address, EMAIL, TXN, "demo-received", NAME | {"preferredDate": moment("preferred_date")}),
    alert(lead.ContactSubmitted, text("source")),
    alert(lead.DemoRequested, wish),
    Row(lead.DemoScheduled, address, EMAIL, TXN, "demo-scheduled", APPOINTMENT),
    Row(lead.DemoReminderDue, address, EMAIL, TXN, "demo-reminder", APPOINTMENT),
    Row(lead.DemoCancelled, address, EMAIL, TXN, "demo-cancelled", NAME | {"reason": text("reason")}),
    Row(lead.NewsletterConfirmationRequested, address, EMAIL, TXN, "newsletter-confirm",
        {"link": NEWSLETTER, "validUntil": moment("valid_until")}),
    Row(lead.NewsletterConfirmed, address, EMAIL, Category.MARKETING, "newsletter-welcome", {"unsubscribeLink": NEWSLETTER}),
)
# fmt: on
