"""lead: which function judges which command, and what its events set in motion."""

from contracts.auth import EmailVerified, ErasureRequested
from contracts.lead import (
    AdvanceContact,
    CancelDemo,
    CompleteDemo,
    ConfirmSubscription,
    ConvertContact,
    EraseLead,
    LapseSubscription,
    LeadErased,
    LeadKeyDestructionRequested,
    RecordLeadKeyDestroyed,
    RequestDemo,
    ScheduleDemo,
    SendDemoReminder,
    SetDemoNotes,
    SubmitContact,
    SubscribeNewsletter,
    Unsubscribe,
)
from contracts.notification.events import AddressSuppressed
from workers.engine.aggregate import Handler
from workers.engine.service import Effect, Reaction, Service
from workers.services.lead import appointments, contact, effects, erasure, newsletter, reactions
from workers.services.lead.address import ADDRESSES
from workers.services.lead.contact import CONTACTS
from workers.services.lead.demo import DEMOS
from workers.services.lead.subscription import SUBSCRIPTIONS

REMEMBERED = "state; the address remembers the last commands that changed it"
REMEMBERED_YEARS = "state; the row remembers the last commands of such kinds until its TTL, years after the last of them"
REMEMBERED_WEEKS = "state; the row remembers the last commands of such kinds, a request that nobody confirms until its TTL"

SERVICE = Service(
    name="lead",
    handlers=(
        Handler(SubmitContact, CONTACTS, contact.submit_contact, idempotency="createdBy"),
        Handler(AdvanceContact, CONTACTS, contact.advance_contact),
        Handler(ConvertContact, CONTACTS, contact.convert_contact),
        Handler(RequestDemo, DEMOS, appointments.request_demo, idempotency="createdBy"),
        Handler(ScheduleDemo, DEMOS, appointments.schedule_demo, idempotency=REMEMBERED_YEARS),
        Handler(CompleteDemo, DEMOS, appointments.complete_demo),
        Handler(CancelDemo, DEMOS, appointments.cancel_demo),
        Handler(SetDemoNotes, DEMOS, appointments.set_demo_notes, idempotency=REMEMBERED_YEARS),
        Handler(SendDemoReminder, DEMOS, appointments.send_demo_reminder, idempotency="state; once for each mail"),
        Handler(SubscribeNewsletter, SUBSCRIPTIONS, newsletter.subscribe_newsletter, idempotency=REMEMBERED_WEEKS),
        Handler(ConfirmSubscription, SUBSCRIPTIONS, newsletter.confirm_subscription),
        Handler(Unsubscribe, SUBSCRIPTIONS, newsletter.unsubscribe, idempotency=REMEMBERED_WEEKS),
        Handler(LapseSubscription, SUBSCRIPTIONS, newsletter.lapse_subscription),
        Handler(EraseLead, ADDRESSES, erasure.erase_lead, idempotency=REMEMBERED),
        Handler(RecordLeadKeyDestroyed, ADDRESSES, erasure.record_lead_key_destroyed, idempotency=REMEMBERED),
    ),
    reactions=(
        Reaction(EmailVerified, reactions.email_verified, reactions.contacts_of_address),
        Reaction(AddressSuppressed, reactions.address_suppressed),
        Reaction(LeadErased, reactions.lead_erased),
        Reaction(ErasureRequested, reactions.erasure_requested),
    ),
    effects=(Effect("lead.destroy-key", LeadKeyDestructionRequested, "lead-keys", effects.destroy_key),),
)
