"""A recipient is forgotten: a day after it was asked for, so that the message which confirms the request still leaves."""

from contracts.message import EventData
from contracts.notification.commands import EraseRecipient, FinishRecipientErasure
from contracts.notification.events import RecipientErased
from contracts.timestamps import plus
from contracts.types import Timestamp, UserId
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Refused, ScheduleTimer
from workers.services.notification.mailbox import Mailbox
from workers.services.notification.notification import Status
from workers.services.notification.recipient import Recipient

DELAY_HOURS = 24


def erase_recipient(state: Mailbox, command: Command[EraseRecipient], at: Timestamp) -> Decision[Mailbox]:
    """One who was never heard of gets a row too: it keeps what still comes in about him from bringing him back."""
    recipient = state.known
    if recipient.erased or recipient.erase_at is not None:
        return UNCHANGED
    due = plus(at, hours=DELAY_HOURS)
    timer = ScheduleTimer("recipient-erase", state.recipient_id, due, FinishRecipientErasure(recipient_id=state.recipient_id))
    return Accepted(state.holding(recipient=recipient.model_copy(update={"erase_at": due})), timers=(timer,))


def finish_recipient_erasure(state: Mailbox, command: Command[FinishRecipientErasure], at: Timestamp) -> Decision[Mailbox]:
    recipient = state.recipient
    if recipient is None:
        return Refused("not_found")
    if recipient.erased or recipient.erase_at is None or at < recipient.erase_at:
        return UNCHANGED
    # No address will ever come for what waits for one.
    waiting = [state.notifications[id_] for id_ in recipient.waiting if id_ in state.notifications]
    ended = [notification.failed("no_address") for notification in waiting if notification.status is Status.WAITING]
    events: list[EventData] = [failed for _, failed in ended]
    erased = state.holding(*(notification for notification, _ in ended), recipient=forgotten(recipient))
    return Accepted(erased, (*events, RecipientErased(user_id=UserId(state.recipient_id))))


def forgotten(recipient: Recipient) -> Recipient:
    """Nothing that leads to the person: the hash of an address would find it again."""
    personal = dict.fromkeys(("email", "email_hash", "phone", "first_name", "erase_at"))
    return recipient.model_copy(update={**personal, "waiting": (), "erased": True})
