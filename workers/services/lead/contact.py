"""What somebody wrote to us, and how far we got with him. Several from one address are rows of their own and meet by its hash."""

from contracts.analytics import VisitId
from contracts.lead import (
    AdvanceContact,
    ContactAdvanced,
    ContactConverted,
    ContactId,
    ContactSource,
    ContactStatus,
    ContactSubmitted,
    ConvertContact,
    SubmitContact,
)
from contracts.types import Email, Hash, Locale, Phone, Pii, Text200, Text5000, Timestamp, UserId
from workers.engine.aggregate import Aggregate, Items
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, ItemRef, Refused
from workers.engine.row import Row
from workers.services.lead.address import TABLE
from workers.services.lead.retention import kept_until
from workers.services.lead.rights import admin, found, ours

STEPS = tuple(ContactStatus)


class Contact(Row):
    """``created_month``: of the index that lists the newest. ``expires_at``: epoch seconds."""

    id: ContactId
    name: Pii[Text200]
    email: Pii[Email]
    email_hash: Hash
    company: Pii[Text200] | None = None
    phone: Pii[Phone] | None = None
    message: Pii[Text5000]
    source: ContactSource
    status: ContactStatus
    locale: Locale
    visit_session_id: VisitId | None = None
    created_month: str
    converted_user_id: UserId | None = None
    expires_at: int


State = Contact | None


# --- decisions -----------------------------------------------------------------------------------------------------


def submit_contact(state: State, command: Command[SubmitContact], at: Timestamp) -> Decision[State]:
    """Whoever writes twice is two contacts."""
    if state is not None:
        return UNCHANGED if state.created_by == command.id else Refused("id_conflict")
    contact = _submitted(command.data, at)
    event = ContactSubmitted(
        contact_id=contact.id,
        name=contact.name,
        email=contact.email,
        email_hash=contact.email_hash,
        source=contact.source,
        locale=contact.locale,
    )
    return Accepted(contact, (event,))


def advance_contact(state: State, command: Command[AdvanceContact], at: Timestamp) -> Decision[State]:
    """Forward only; steps may be skipped."""
    contact, status = found(state, command.actor, admin), command.data.status
    if isinstance(contact, Refused):
        return contact
    if status is contact.status:
        return UNCHANGED
    if STEPS.index(status) < STEPS.index(contact.status):
        return Refused("invalid_state")
    event = ContactAdvanced(contact_id=contact.id, status=status)
    return Accepted(contact.having(status=status, expires_at=kept_until(at)), (event,))


def convert_contact(state: State, command: Command[ConvertContact], at: Timestamp) -> Decision[State]:
    """Whoever was called converted by an admin still has to be told apart from the accounts that came of contacts."""
    contact, user = found(state, command.actor, ours), command.data.user_id
    if isinstance(contact, Refused):
        return contact
    if contact.converted_user_id is not None:
        return UNCHANGED
    event = ContactConverted(contact_id=contact.id, user_id=user, source=contact.source)
    converted = contact.having(status=ContactStatus.CONVERTED, converted_user_id=user, expires_at=kept_until(at))
    return Accepted(converted, (event,))


def _submitted(data: SubmitContact, at: Timestamp) -> Contact:
    return Contact(
        id=data.contact_id,
        name=data.name,
        email=data.email,
        email_hash=data.email_hash,
        company=data.company,
        phone=data.phone,
        message=data.message,
        source=data.source,
        status=ContactStatus.NEW,
        locale=data.locale,
        visit_session_id=data.visit_session_id,
        created_month=at[:7],
        expires_at=kept_until(at),
    )


# --- state and items -----------------------------------------------------------------------------------------------


def _load(key: str, items: Items) -> State:
    item = items.get(ItemRef(TABLE, key))
    return Contact.from_item(item) if item else None


def _save(state: State) -> Items:
    return {ItemRef(TABLE, state.id): state.to_item()} if state else {}


CONTACTS: Aggregate[State] = Aggregate(TABLE, _load, _save)
