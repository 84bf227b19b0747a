"""An address's subscription to the newsletter: one row by its derived id, from the first wish on."""

from enum import StrEnum
from typing import Any, Self

from contracts.ids import derived
from contracts.lead import (
    Consent,
    NewsletterConfirmationRequested,
    NewsletterConfirmed,
    NewsletterSource,
    NewsletterUnsubscribed,
    SubscriptionId,
    UnsubscribedVia,
)
from contracts.links import Link, LinkKeyId, Nonce
from contracts.timestamps import plus
from contracts.types import Email, Hash, Locale, Pii, Text200, Timestamp
from workers.engine.aggregate import Aggregate, Items
from workers.engine.decision import ItemRef
from workers.engine.row import DecidedRow

TABLE = "website-newsletter-subscriptions"
VALID_DAYS = 7
KEPT_DAYS = 7
"""How long a request stays after nobody can confirm it any more."""
SHARDS = 4


class Status(StrEnum):
    PENDING = "pending"
    VERIFIED = "verified"
    UNSUBSCRIBED = "unsubscribed"


class Subscription(DecidedRow):
    """``verification_token`` is the hash of the link's token, which confirms and, later, unsubscribes; a request that lapsed has none.
    ``sent``: when the last mails that ask for a confirmation went out, up to three. ``expires_at``: epoch seconds, of a request alone."""

    id: SubscriptionId
    email: Pii[Email]
    email_hash: Hash
    name: Pii[Text200] | None = None
    source: NewsletterSource
    locale: Locale
    status: Status
    verification_token: Hash | None = None
    nonce: Nonce | None = None
    kid: LinkKeyId | None = None
    valid_until: Timestamp | None = None
    subscribed_at: Timestamp
    verified_at: Timestamp | None = None
    unsubscribed_at: Timestamp | None = None
    sent: tuple[Timestamp, ...] = ()
    consent: Consent
    expires_at: int | None = None

    def to_item(self) -> dict[str, Any]:
        """With the part of its status that the index lists it under: all in one would be one hot key."""
        return super().to_item() | {"statusShard": f"{self.status}#{int(self.email_hash[0], 16) % SHARDS}"}

    @property
    def link(self) -> Link | None:
        if self.verification_token is None or self.nonce is None or self.kid is None:
            return None
        return Link(hash=self.verification_token, nonce=self.nonce, kid=self.kid)

    def with_link(self, link: Link) -> "Subscription":
        return self.having(verification_token=link.hash, nonce=link.nonce, kid=link.kid)

    def opens(self, token_hash: Hash | None) -> bool:
        return token_hash is not None and token_hash == self.verification_token

    def is_pending_at(self, at: Timestamp) -> bool:
        """Nobody waits for the timer: past its deadline a request can't be confirmed."""
        return self.status is Status.PENDING and self.valid_until is not None and at <= self.valid_until

    def sent_within_day(self, at: Timestamp) -> tuple[Timestamp, ...]:
        since = plus(at, hours=-24)
        return tuple(sent for sent in self.sent if sent > since)

    def without_link(self) -> Self:
        return self.having(verification_token=None, nonce=None, kid=None)

    # --- what it tells -------------------------------------------------------------------------------------------------

    def asks_for_confirmation(self, link: Link, valid_until: Timestamp) -> NewsletterConfirmationRequested:
        return NewsletterConfirmationRequested(
            subscription_id=self.id,
            email=self.email,
            email_hash=self.email_hash,
            locale=self.locale,
            nonce=link.nonce,
            kid=link.kid,
            valid_until=valid_until,
        )

    def confirmed(self, link: Link) -> NewsletterConfirmed:
        return NewsletterConfirmed(
            subscription_id=self.id,
            email=self.email,
            email_hash=self.email_hash,
            locale=self.locale,
            source=self.source,
            nonce=link.nonce,
            kid=link.kid,
        )

    def left(self, via: UnsubscribedVia) -> NewsletterUnsubscribed:
        return NewsletterUnsubscribed(subscription_id=self.id, email=self.email, email_hash=self.email_hash, locale=self.locale, via=via)


State = Subscription | None


def subscription_id(email_hash: Hash) -> SubscriptionId:
    return SubscriptionId(derived(f"newsletter:{email_hash}"))


def deadline(at: Timestamp) -> Timestamp:
    return plus(at, days=VALID_DAYS)


# --- state and items -----------------------------------------------------------------------------------------------


def _load(key: str, items: Items) -> State:
    item = items.get(ItemRef(TABLE, key))
    return Subscription.from_item(item) if item else None


def _save(state: State) -> Items:
    return {ItemRef(TABLE, state.id): state.to_item()} if state else {}


SUBSCRIPTIONS: Aggregate[State] = Aggregate(TABLE, _load, _save)
