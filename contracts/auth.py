"""Commands and events of auth: accounts, their addresses and passwords, sessions, the erasure of a person. Key ``userId``."""

from enum import StrEnum
from typing import Annotated, ClassVar, NewType, Self

from pydantic import Field, model_validator

from contracts.links import Link, LinkKeyId, Nonce
from contracts.message import CommandData, EventData
from contracts.types import (
    ClientId,
    ContractorId,
    Email,
    Hash,
    Id,
    Locale,
    Ordinal,
    PasswordHash,
    Pii,
    Sealed,
    Text256,
    Text500,
    Timestamp,
    UserId,
)

SessionId = NewType("SessionId", Id)
PasswordEpoch = Annotated[int, Field(strict=True, ge=1, le=10**9)]
"""Counts an account's passwords, from 1: who has checked a password says which one it was."""


class Role(StrEnum):
    """What an account may act as."""

    COMPANY = "company"
    CONTRACTOR = "contractor"
    ADMIN = "admin"


class ErasurePart(StrEnum):
    """The services that hold something of a person; each answers when it has erased its part."""

    USER = "user"
    CLIENT = "client"
    CONTRACTOR = "contractor"
    NOTIFICATION = "notification"
    LEAD = "lead"
    ANALYTICS = "analytics"


class KeyScope(StrEnum):
    """Which of a person's keys: the subject's own, or the one that legal retention outlives it with."""

    SUBJECT = "subject"
    LEGAL = "legal"


# --- commands ------------------------------------------------------------------------------------------------------


class _AuthCommand(CommandData):
    key_field: ClassVar[str] = "user_id"
    user_id: UserId


class RegisterUser(_AuthCommand):
    email: Pii[Email]
    email_hash: Hash
    password_hash: Sealed[PasswordHash]
    role: Role
    locale: Locale
    verification: Link


class RequestEmailVerification(_AuthCommand):
    """Without a link the stored one goes out again."""

    verification: Link | None = None


class VerifyEmail(_AuthCommand):
    token_hash: Hash


class ChangeEmail(_AuthCommand):
    new_email: Pii[Email]
    new_email_hash: Hash
    verification: Link


class ConfirmEmailChange(_AuthCommand):
    token_hash: Hash


class RequestPasswordReset(_AuthCommand):
    reset: Link


class SetPassword(_AuthCommand):
    """``token_hash``: of the link in the reset mail. ``verified_epoch``: of the password that was checked before. One of the two."""

    password_hash: Sealed[PasswordHash]
    token_hash: Hash | None = None
    verified_epoch: PasswordEpoch | None = None

    @model_validator(mode="after")
    def _one_proof(self) -> Self:
        if (self.token_hash is None) == (self.verified_epoch is None):
            raise ValueError("either tokenHash or verifiedEpoch proves who asks")
        return self


class RecordLoginFailure(_AuthCommand):
    ip_hash: Hash


class OpenSession(_AuthCommand):
    session_id: SessionId
    refresh_token_hash: Hash
    ip_hash: Hash
    user_agent: Pii[Text256]
    verified_epoch: PasswordEpoch
    new_device: bool


class RotateSession(_AuthCommand):
    """``presented_hash``: of a genuine token of this session, an old one maybe. ``new_hash``: of the token that is to replace it."""

    session_id: SessionId
    presented_hash: Hash
    new_hash: Hash


class RevokeSession(_AuthCommand):
    session_id: SessionId


class RevokeAllSessions(_AuthCommand):
    pass


class ExpireSession(_AuthCommand):
    session_id: SessionId


class SuspendUser(_AuthCommand):
    reason: Text500


class ReinstateUser(_AuthCommand):
    pass


class DeactivateUser(_AuthCommand):
    pass


class RequestErasure(_AuthCommand):
    """``verified_epoch``: of the password that the person gave; an admin gives none."""

    verified_epoch: PasswordEpoch | None = None


class RecordErasurePart(_AuthCommand):
    part: ErasurePart


class RecordSubjectKeyDestroyed(_AuthCommand):
    scope: KeyScope


class DestroyLegalKey(_AuthCommand):
    pass


# --- events --------------------------------------------------------------------------------------------------------


class _AuthEvent(EventData):
    user_id: UserId


class UserRegistered(_AuthEvent):
    email: Pii[Email]
    email_hash: Hash
    role: Role
    locale: Locale
    nonce: Nonce
    kid: LinkKeyId
    expires_on: Timestamp


class EmailVerificationRequested(_AuthEvent):
    email: Pii[Email]
    nonce: Nonce
    kid: LinkKeyId
    expires_on: Timestamp
    reminder: bool


class EmailVerified(_AuthEvent):
    email_hash: Hash


class EmailChangeRequested(_AuthEvent):
    new_email: Pii[Email]
    new_email_hash: Hash
    nonce: Nonce
    kid: LinkKeyId
    expires_on: Timestamp


class EmailChanged(_AuthEvent):
    email: Pii[Email]
    email_hash: Hash
    old_email: Pii[Email]
    old_email_hash: Hash


class PasswordResetRequested(_AuthEvent):
    nonce: Nonce
    kid: LinkKeyId
    expires_on: Timestamp


class PasswordChanged(_AuthEvent):
    pass


class LoginLocked(_AuthEvent):
    locked_until: Timestamp


class _SessionEvent(_AuthEvent):
    session_id: SessionId


class SessionOpened(_SessionEvent):
    new_device: bool
    user_agent: Pii[Text256]


class SessionRotated(_SessionEvent):
    generation: Ordinal


class SessionReuseDetected(_SessionEvent):
    """An old token was presented: somebody else may have it, so the session is revoked."""

    generation: Ordinal


class SessionRevoked(_SessionEvent):
    pass


class SessionExpired(_SessionEvent):
    pass


class AllSessionsRevoked(_AuthEvent):
    pass


class UserSuspended(_AuthEvent):
    reason: Text500


class UserReinstated(_AuthEvent):
    pass


class UserDeactivated(_AuthEvent):
    pass


class ErasureRequested(_AuthEvent):
    """Every service that may hold something of the person erases its part and answers."""

    company_id: ClientId
    contractor_id: ContractorId
    email_hash: Hash


class SubjectKeyDestructionRequested(_AuthEvent):
    pass


class UserErased(_AuthEvent):
    pass


class LegalKeyDestructionRequested(_AuthEvent):
    pass
