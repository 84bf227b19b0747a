"""What others do that lead has to follow."""

from collections.abc import Sequence

from contracts.auth import EmailVerified, ErasureRequested
from contracts.lead import ConvertContact, EraseLead, LeadErased, Unsubscribe, UnsubscribedVia
from contracts.notification.events import AddressSuppressed
from contracts.types import Hash
from workers.engine.decision import Item
from workers.engine.service import Event, Query, Send
from workers.services.lead import address
from workers.services.lead.subscription import subscription_id


def contacts_of_address(event: Event[EmailVerified]) -> Query:
    return Query(address.TABLE, "email-index", event.data.email_hash)


def email_verified(event: Event[EmailVerified], rows: Sequence[Item]) -> Sequence[Send]:
    """The index may lag: a contact of this very moment stays unconverted, which an admin can see and mend."""
    return tuple(Send(ConvertContact(contact_id=row["id"], user_id=event.data.user_id)) for row in rows)


def erasure_requested(event: Event[ErasureRequested], _rows: Sequence[Item]) -> Sequence[Send]:
    return (Send(EraseLead(email_hash=event.data.email_hash, user_id=event.data.user_id)),)


def address_suppressed(event: Event[AddressSuppressed], _rows: Sequence[Item]) -> Sequence[Send]:
    """Phones are suppressed too; no subscription has the hash of one."""
    return _unsubscribed(event.data.address_hash, UnsubscribedVia.SUPPRESSION)


def lead_erased(event: Event[LeadErased], _rows: Sequence[Item]) -> Sequence[Send]:
    return _unsubscribed(event.data.email_hash, UnsubscribedVia.ERASURE)


def _unsubscribed(email_hash: Hash, via: UnsubscribedVia) -> Sequence[Send]:
    return (Send(Unsubscribe(subscription_id=subscription_id(email_hash), via=via)),)
