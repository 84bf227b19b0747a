"""One sign-in on one device: a family of refresh tokens of which one is current. Rotation replaces it in place."""

from enum import StrEnum
from typing import Self

from contracts.auth import SessionId
from contracts.timestamps import plus, to_seconds
from contracts.types import Hash, Pii, Text256, Timestamp, UserId
from workers.engine.row import Row

SLIDING_DAYS = 7
ABSOLUTE_DAYS = 30
LOST_ANSWER_SECONDS = 30


class SessionState(StrEnum):
    OPEN = "open"
    REVOKED = "revoked"


class Session(Row):
    """``refresh_token``: digest of the current token's secret. ``expires_at``: epoch seconds, slides with every rotation up to
    ``absolute_expiry``. ``rotated_at``: since when ``prev_refresh_token`` is not current any more."""

    id: SessionId
    user_id: UserId
    refresh_token: Hash
    prev_refresh_token: Hash | None = None
    generation: int = 1
    rotated_at: Timestamp | None = None
    ip_address: Hash
    user_agent: Pii[Text256]
    expires_at: int
    absolute_expiry: Timestamp
    state: SessionState = SessionState.OPEN

    def rotated(self, presented: Hash, new: Hash, at: Timestamp) -> Self:
        """Whoever presents the replaced token again never got its successor: the thirty seconds still count from the first time."""
        first = presented == self.refresh_token
        return self.having(
            refresh_token=new,
            prev_refresh_token=presented,
            generation=self.generation + 1,
            rotated_at=at if first else self.rotated_at,
            expires_at=expiry(at, self.absolute_expiry),
        )

    def revoked(self) -> Self:
        return self.having(state=SessionState.REVOKED)

    @property
    def is_open(self) -> bool:
        return self.state is SessionState.OPEN

    def has_expired(self, at: Timestamp) -> bool:
        return to_seconds(at) >= self.expires_at

    def takes(self, presented: Hash, at: Timestamp) -> bool:
        """The current token; for a while the one before it, whose holder lost the answer."""
        if presented == self.refresh_token:
            return True
        replaced = presented == self.prev_refresh_token and self.rotated_at is not None
        return replaced and at <= plus(self.rotated_at or at, seconds=LOST_ANSWER_SECONDS)


def absolute_expiry(at: Timestamp) -> Timestamp:
    return plus(at, days=ABSOLUTE_DAYS)


def expiry(at: Timestamp, latest: Timestamp) -> int:
    """Epoch seconds, as the TTL attribute wants them."""
    return to_seconds(min(plus(at, days=SLIDING_DAYS), latest))
