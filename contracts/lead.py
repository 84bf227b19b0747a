"""Events of lead that others act on. Contacts, demo requests and the newsletter follow with the service itself."""

from contracts.message import EventData
from contracts.types import Hash, UserId


class LeadErased(EventData):
    """Nothing about the address can be read any more. ``user_id``: whose account asked for it, if one did."""

    email_hash: Hash
    user_id: UserId | None = None
