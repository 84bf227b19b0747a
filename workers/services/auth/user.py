"""The account as it rests: who may act, by which address and password, and how far its erasure is."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from pydantic import Field

from contracts.auth import ErasurePart, Role
from contracts.message import Value
from contracts.timestamps import plus
from contracts.types import CommandId, Email, Hash, Locale, PasswordHash, Pii, Sealed, Timestamp, UserId
from workers.engine.row import DecidedRow
from workers.services.auth.proof import Proof


class Status(StrEnum):
    """``inactive`` is final."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    INACTIVE = "inactive"


class ErasureState(StrEnum):
    """In this order and no other."""

    REQUESTED = "requested"
    DESTROYING = "destroying"
    """Every part is erased; the subject's key is being destroyed."""
    ERASED = "erased"
    DESTROYING_LEGAL = "destroying_legal"
    COMPLETE = "complete"


class Erasure(Value):
    """``parts``: when each part was reported erased. ``erased_at``: when the subject's key was gone; the legal one outlives it."""

    state: ErasureState
    requested_at: Timestamp
    parts: dict[ErasurePart, Timestamp] = Field(default_factory=dict)
    erased_at: Timestamp | None = None


@dataclass(frozen=True, slots=True)
class Mailbox:
    email: Pii[Email]
    email_hash: Hash


class FailedLogin(Value):
    command_id: CommandId
    at: Timestamp


class User(DecidedRow):
    """``email``, ``email_hash``, ``password_hash`` are absent once every part of the person is erased."""

    id: UserId
    role: Role
    locale: Locale
    status: Status = Status.ACTIVE
    email: Pii[Email] | None = None
    email_hash: Hash | None = None
    password_hash: Sealed[PasswordHash] | None = None
    password_epoch: int = 1
    email_verified: bool = False
    email_verification: Proof | None = None
    pending_email: Pii[Email] | None = None
    pending_email_hash: Hash | None = None
    email_change: Proof | None = None
    """Apart from ``email_verification``: a link to one mailbox must not pass for a proof of the other."""
    password_reset: Proof | None = None
    failed_logins: tuple[FailedLogin, ...] = ()
    locked_until: Timestamp | None = None
    sessions_valid_from: Timestamp | None = None
    erasure: Erasure | None = None

    @property
    def is_active(self) -> bool:
        return self.status is Status.ACTIVE

    @property
    def is_erased(self) -> bool:
        """Nothing is left that anybody could act on."""
        return self.erasure is not None and self.erasure.state is not ErasureState.REQUESTED

    def is_locked(self, at: Timestamp) -> bool:
        return self.locked_until is not None and at < self.locked_until

    def failures_within(self, at: Timestamp, *, minutes: int) -> tuple[FailedLogin, ...]:
        since = plus(at, minutes=-minutes)
        return tuple(failure for failure in self.failed_logins if failure.at > since)

    @property
    def mailbox(self) -> Mailbox:
        """Only an erased person has none."""
        assert self.email is not None
        assert self.email_hash is not None
        return Mailbox(self.email, self.email_hash)


NO_PERSON: Mapping[str, None] = MappingProxyType(
    dict.fromkeys(
        (
            "email",
            "email_hash",
            "password_hash",
            "email_verification",
            "pending_email",
            "pending_email_hash",
            "email_change",
            "password_reset",
            "locked_until",
        )
    )
)
"""What an account loses when every part of the person is erased; failed sign-ins go too."""
