"""Words and values that commands, events and rows of notification share."""

from enum import StrEnum
from typing import Annotated, TypeAlias

import orjson
from pydantic import AfterValidator, Field, StringConstraints

from contracts.message import Value
from contracts.types import MAXIMUM_BALANCE, Balance, Code, Day, Id, Ordinal, Timestamp

MAXIMUM_VARIABLES = 8 * 1024
"""Bytes of a notification's variables as JSON."""
MAXIMUM_BODY = 200 * 1024
"""Bytes of a template's body in UTF-8."""
MAXIMUM_SMS = 640

Attempt = Ordinal
Version = Annotated[int, Field(strict=True, ge=1, le=999_999)]
TemplateName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,79}$")]
VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9]{0,39}$")]


class Category(StrEnum):
    """Security and transactional messages always go out; product news and marketing only where the person wants them."""

    SECURITY = "sec"
    TRANSACTIONAL = "txn"
    PRODUCT = "prod"
    MARKETING = "mkt"


class SuppressionReason(StrEnum):
    """Later ones are stronger."""

    MANUAL = "manual"
    HARD_BOUNCE = "hard_bounce"
    COMPLAINT = "complaint"


class RecipientField(StrEnum):
    """What is known of a recipient, by its name on the wire; each has the time of its own source."""

    EMAIL = "email"
    PHONE = "phone"
    FIRST_NAME = "firstName"
    LOCALE = "locale"
    TIMEZONE = "timezone"
    CHANNELS = "channels"


class TokenLink(Value):
    """A link with a token that only the holder of link key ``kid`` can form (domain.md 0.4)."""

    purpose: Code
    id: Id
    nonce: Code
    kid: Code


class PageLink(Value):
    """A page of the app, of one object where ``id`` is there."""

    page: Code
    id: Id | None = None


class Money(Value):
    """Minor units and the ISO 4217 code, written out for the reader's locale when the message is rendered."""

    amount: Balance
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class Moment(Value):
    at: Timestamp


class CalendarDay(Value):
    day: Day


class Phrase(Value):
    """One of our own codes, said in the reader's language."""

    code: Code


Number = Annotated[int, Field(ge=-MAXIMUM_BALANCE, le=MAXIMUM_BALANCE)]
Variable: TypeAlias = TokenLink | PageLink | Money | Moment | CalendarDay | Phrase | str | Number


def _small(variables: dict[str, Variable]) -> dict[str, Variable]:
    plain = {name: value.to_item() if isinstance(value, Value) else value for name, value in variables.items()}
    if len(orjson.dumps(plain)) > MAXIMUM_VARIABLES:
        raise ValueError(f"at most {MAXIMUM_VARIABLES} bytes of JSON")
    return variables


def _body(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be empty")
    if len(value.encode()) > MAXIMUM_BODY:
        raise ValueError(f"at most {MAXIMUM_BODY} bytes of UTF-8")
    return value


Variables = Annotated[dict[VariableName, Variable], AfterValidator(_small)]
"""By name. Texts are clear or sealed as they came with the event, never sealed anew."""
TemplateBody = Annotated[str, AfterValidator(_body)]
