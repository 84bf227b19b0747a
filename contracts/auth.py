"""Commands and events of auth: accounts. Key ``userId``. Sessions, passwords and erasure follow with the service itself."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import StringConstraints

from contracts.message import CommandData, EventData, Value
from contracts.types import Hash, Locale, Pii, Sealed, Timestamp, UserId

Nonce = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
LinkKeyId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,8}$")]


class Role(StrEnum):
    """What an account may act as."""

    COMPANY = "company"
    CONTRACTOR = "contractor"
    ADMIN = "admin"


class Link(Value):
    """What is kept of a link token: its hash, and what the sending effect needs to form it again (domain.md 0.4)."""

    hash: Hash
    nonce: Nonce
    kid: LinkKeyId


# --- commands ------------------------------------------------------------------------------------------------------


class _AuthCommand(CommandData):
    key_field: ClassVar[str] = "user_id"
    user_id: UserId


class RegisterUser(_AuthCommand):
    email: Pii
    email_hash: Hash
    password_hash: Sealed
    role: Role
    locale: Locale
    verification: Link


# --- events --------------------------------------------------------------------------------------------------------


class _AuthEvent(EventData):
    user_id: UserId


class UserRegistered(_AuthEvent):
    email: Pii
    email_hash: Hash
    role: Role
    locale: Locale
    nonce: Nonce
    kid: LinkKeyId
    expires_on: Timestamp


class EmailChanged(_AuthEvent):
    email: Pii
    email_hash: Hash
    old_email: Pii
    old_email_hash: Hash
