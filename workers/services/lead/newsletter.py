"""An address is on the newsletter's list only after whoever reads its mail has confirmed that, and leaves it with one click."""

from contracts.lead import (
    ConfirmSubscription,
    LapseSubscription,
    NewsletterRequestLapsed,
    SubscribeNewsletter,
    Unsubscribe,
    UnsubscribedVia,
)
from contracts.timestamps import plus, to_seconds
from contracts.types import Timestamp
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Refused
from workers.services.lead.rights import ours
from workers.services.lead.subscription import KEPT_DAYS, State, Status, Subscription, deadline, subscription_id
from workers.services.lead.timers import newsletter_lapse, without_newsletter_lapse

MOST_SENDS = 3
"""Mails that ask for a confirmation, within 24 hours."""
BY_TOKEN = frozenset({UnsubscribedVia.LINK, UnsubscribedVia.HEADER})
BY_REACTION = frozenset({UnsubscribedVia.SUPPRESSION, UnsubscribedVia.ERASURE})


def subscribe_newsletter(state: State, command: Command[SubscribeNewsletter], at: Timestamp) -> Decision[State]:
    data = command.data
    if data.subscription_id != subscription_id(data.email_hash):
        return Refused("id_mismatch")
    if state is not None and (command.id in state.decided_by or state.status is Status.VERIFIED):
        return UNCHANGED
    if state is not None and state.is_pending_at(at) and len(state.sent_within_day(at)) >= MOST_SENDS:
        return Refused("too_many_requests")
    row, valid_until = _requested(command, state, at), deadline(at)
    event = row.asks_for_confirmation(data.verification, valid_until)
    return Accepted(row, (event,), (newsletter_lapse(row.id, valid_until),))


def confirm_subscription(state: State, command: Command[ConfirmSubscription], at: Timestamp) -> Decision[State]:
    if state is None:
        return Refused("not_found")
    link = state.link
    if link is None or (state.status is Status.PENDING and not state.is_pending_at(at)):
        return Refused("token_expired")
    if not state.opens(command.data.token_hash):
        return Refused("token_invalid")
    if state.status is not Status.PENDING:
        return UNCHANGED if state.status is Status.VERIFIED else Refused("invalid_state")
    row = state.having(status=Status.VERIFIED, verified_at=at, valid_until=None, expires_at=None)
    return Accepted(row, (row.confirmed(link),), (without_newsletter_lapse(row.id),))


def unsubscribe(state: State, command: Command[Unsubscribe], at: Timestamp) -> Decision[State]:
    """A link that was used before is no error: whoever clicks again sees that it worked."""
    via = command.data.via
    if via not in BY_TOKEN and not ours(command.actor):
        return Refused("forbidden")
    if state is None:
        return UNCHANGED if via in BY_REACTION else Refused("not_found")
    if via in BY_TOKEN and not state.opens(command.data.token_hash):
        return Refused("token_invalid")
    if state.status is Status.UNSUBSCRIBED or command.id in state.decided_by:
        return UNCHANGED
    row = state.decided(command.id, status=Status.UNSUBSCRIBED, unsubscribed_at=at, valid_until=None, expires_at=None)
    return Accepted(row, (row.left(via),), (without_newsletter_lapse(row.id),))


def lapse_subscription(state: State, command: Command[LapseSubscription], at: Timestamp) -> Decision[State]:
    """The row may be gone by now."""
    if not ours(command.actor):
        return Refused("forbidden")
    if state is None or state.link is None or state.valid_until is None or at < state.valid_until:
        return UNCHANGED
    return Accepted(state.without_link(), (NewsletterRequestLapsed(subscription_id=state.id),))


# --- rules ---------------------------------------------------------------------------------------------------------


def _requested(command: Command[SubscribeNewsletter], before: State, at: Timestamp) -> Subscription:
    """Nothing of an earlier subscription counts, but the mails that went out and the commands that were decided."""
    data, valid_until = command.data, deadline(at)
    row = Subscription(
        id=data.subscription_id,
        email=data.email,
        email_hash=data.email_hash,
        name=data.name,
        source=data.source,
        locale=data.locale,
        status=Status.PENDING,
        valid_until=valid_until,
        subscribed_at=at,
        sent=(*(before.sent_within_day(at) if before else ()), at)[-MOST_SENDS:],
        consent=data.consent,
        expires_at=to_seconds(plus(valid_until, days=KEPT_DAYS)),
        decided_by=before.decided_by if before else (),
    )
    return row.with_link(data.verification).decided(command.id)
