"""Clear fields -> wire fields: the tools that every translator is made of. Limits are checked before sealing: afterwards nobody can.

A field that is sealed already passes as it is, so a caller that seals for itself uses the same door.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeAlias

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError

from contracts.sealed import FieldClass
from contracts.types import SEALED_PATTERN, UUID_PATTERN, CleanText, Purpose, Timestamp
from workers.ingress.dependencies import Sealer
from workers.ingress.problems import Problem

Clear: TypeAlias = Mapping[str, Any]
Wire: TypeAlias = dict[str, Any]

_SEALED: Final = re.compile(SEALED_PATTERN)
_ID: Final = re.compile(UUID_PATTERN)


def text(maximum: int) -> TypeAdapter[str]:
    return TypeAdapter(Annotated[CleanText, Field(max_length=maximum)])


def _matching(pattern: str) -> TypeAdapter[str]:
    return TypeAdapter(Annotated[str, StringConstraints(strip_whitespace=True, pattern=pattern)])


EMAIL: Final = _matching(r"^[^@\s]{1,64}@[^@\s]{1,189}$")
PHONE: Final = _matching(r"^\+[1-9][0-9]{6,14}$")
BANK_NUMBER: Final = _matching(r"^[0-9A-Z]{3,34}$")


@dataclass(frozen=True, slots=True)
class Context:
    """Who asks, from where, when; and the keys. ``at`` picks the year's or day's pepper of address hashes, nothing else."""

    actor: str
    ip: str | None
    at: Timestamp
    sealer: Sealer
    email_hash: Callable[[str], str]
    keyed_hash: Callable[[str, str], str]

    def user(self, named: Any = None) -> str:
        """The person whose key seals a value: the one the data names, else the actor."""
        user = named if named is not None else self.actor.partition(":")[2]
        if not isinstance(user, str) or not _ID.fullmatch(user):
            raise Problem("invalid_payload", "Whose personal data this is must be told: act as a user.", field="Mindlinks-Actor")
        return user

    def seal(self, purpose: Purpose, subject: str, field_class: FieldClass, field: str, value: Any, shape: TypeAdapter[str]) -> str:
        if is_sealed(value, purpose):
            return str(value)
        return self.sealer.seal(purpose, subject, field_class, checked(field, value, shape))

    def address_hash(self, field: str, value: Any) -> str:
        try:
            return self.email_hash(checked(field, value, EMAIL))
        except ValueError:
            raise Problem("invalid_payload", f"{field}: is not an e-mail address.", field=field) from None

    def ip_hash(self, clear: Clear, period: int) -> str:
        """Of the field ``ip``, else of the caller's own address. ``period``: characters of the timestamp that name the pepper."""
        address = clear.get("ip") or self.ip
        if not isinstance(address, str):
            raise Problem("invalid_payload", "ip: the signer's network address is not known.", field="ip")
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
