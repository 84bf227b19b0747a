"""What translators are made of: the clear fields of one command, who asks, and the marks to put where sealed texts will stand.

Limits are checked here, before sealing: afterwards nobody can. They are those of the model's own marked fields.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeAlias

from pydantic import Field, TypeAdapter, ValidationError

from contracts.clear import Clear
from contracts.links import LinkPurpose
from contracts.marks import MarkedField
from contracts.sealed import VALUE, FieldClass
from contracts.types import SEALED_PATTERN, UUID_PATTERN, Email, Purpose, Timestamp
from workers.ingress.problems import Problem

Fields: TypeAlias = Mapping[str, Any]
"""As the caller sent them."""
Wire: TypeAlias = dict[str, Any]
"""As the model takes them, once nothing is left to seal."""

EMAIL: Final[TypeAdapter[str]] = TypeAdapter(Email)
PASSWORD: Final[TypeAdapter[str]] = TypeAdapter(Annotated[str, Field(min_length=8, max_length=256)])
"""Kept as typed, blanks included: no rules on its make-up beyond a length."""
_SEALED: Final = re.compile(SEALED_PATTERN)
_ID: Final = re.compile(UUID_PATTERN)


@dataclass(frozen=True, slots=True)
class ToSeal:
    """Stands in wire data where a sealed text will."""

    purpose: Purpose
    subject: str
    field_class: FieldClass
    clear: Clear


@dataclass(frozen=True, slots=True)
class ToHash:
    """Stands where a password's hash will, sealed for the sign-in."""

    password: Clear


@dataclass(frozen=True, slots=True)
class Context:
    """Who asks, from where, when; and the keys of hashes. ``at`` picks the year's or day's pepper of address hashes, nothing else.
    ``marked``: the model's marked fields, by name on the wire. ``new_link`` makes a nonce and what is kept of its token."""

    actor: str
    ip: str | None
    at: Timestamp
    marked: Mapping[str, MarkedField]
    email_hash: Callable[[str], str]
    keyed_hash: Callable[[str, str], str]
    new_link: Callable[[LinkPurpose, str], Wire]

    def user(self, named: Any = None) -> str:
        """The person whose key seals a value: the one the data names, else the actor."""
        user = named if named is not None else self.actor.partition(":")[2]
        if not isinstance(user, str) or not _ID.fullmatch(user):
            raise Problem("invalid_payload", "Whose personal data this is must be told: act as a user.", field="Mindlinks-Actor")
        return user

    def is_clear(self, fields: Fields, field: str) -> bool:
        """Whether the caller sent this marked field, and not sealed by himself."""
        return fields.get(field) is not None and not is_sealed(fields[field], self.marked[field].purpose)

    def to_seal(self, field: str, value: Any, subject: str, field_class: FieldClass = VALUE, *, name: str | None = None) -> ToSeal:
        """``name``: what the caller calls it, where that is not the field that it will stand in."""
        marked = self.marked[field]
        return ToSeal(marked.purpose, subject, field_class, Clear(checked(name or field, value, marked.shape)))

    def address_hash(self, field: str, value: Any) -> str:
        try:
            return self.email_hash(checked(field, value, EMAIL))
        except ValueError:
            raise Problem("invalid_payload", f"{field}: is not an e-mail address.", field=field) from None

    def ip_hash(self, fields: Fields, period: int) -> str:
        """Of the field ``ip``, else of the caller's own address. ``period``: characters of the timestamp that name the pepper."""
        address = fields.get("ip") or self.ip
        if not isinstance(address, str):
            raise Problem("invalid_payload", "ip: the person's network address is not known.", field="ip")
        return self.keyed_hash(f"ip:{self.at[:period]}", address)


def is_sealed(value: Any, purpose: Purpose) -> bool:
    return isinstance(value, str) and value.startswith(f"s1.{purpose.value}.") and _SEALED.fullmatch(value) is not None


def checked(field: str, value: Any, shape: TypeAdapter[str]) -> str:
    """The normalised clear text. Raises Problem naming the field, never the value."""
    try:
        return shape.validate_python(value, strict=True)
    except ValidationError as error:
        message = error.errors(include_url=False, include_input=False)[0]["msg"]
        raise Problem("invalid_payload", f"{field}: {message}.", field=field) from None
