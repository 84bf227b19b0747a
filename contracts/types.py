"""The value types of messages and items (domain.md 0.1). Shapes on the wire: limits are checked here and nowhere else.

Money is an integer of minor units. Timestamps are fixed-width text, so they sort as text.
"""

import unicodedata
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, NewType, TypeAlias, TypeVar

from pydantic import AfterValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, StringConstraints
from pydantic_core.core_schema import CoreSchema, chain_schema, str_schema

UUID_PATTERN = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
TIMESTAMP_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$"
DECISION_TIME_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$"
# Deadlines are reckoned from what messages say: a few decades more or less must still be a date.
FIRST_DAY, FIRST_INSTANT, LAST_DAY = "1900-01-01", "1970-01-01", "2999-12-31"
SEALED_PATTERN = r"^s1\.[a-z]+\.[^.\s]{1,128}\.[1-9][0-9]{0,5}\.[A-Za-z0-9_-]+$"


def _clean(value: str) -> str:
    """NFC, trimmed, no control characters (line breaks and tabs of longer texts excepted)."""
    if value.isascii() and value.isprintable() and value and value[0] != " " != value[-1]:
        return value
    cleaned = unicodedata.normalize("NFC", value).strip()
    if any(unicodedata.category(character) == "Cc" and character not in "\n\t" for character in cleaned):
        raise ValueError("control characters are not allowed")
    if not cleaned:
        raise ValueError("must not be empty")
    return cleaned


def _day(value: str) -> str:
    date.fromisoformat(value)
    if not FIRST_DAY <= value <= LAST_DAY:
        raise ValueError(f"must lie within {FIRST_DAY} and {LAST_DAY}")
    return value


@lru_cache(maxsize=1024)
def _instant(value: str) -> str:
    """Remembered, because one command's instants are read several times: from its record, from its root's row, in what it says."""
    datetime.fromisoformat(value)
    if not FIRST_INSTANT <= value[:10] <= LAST_DAY:
        raise ValueError(f"must lie within {FIRST_INSTANT} and {LAST_DAY}")
    return value


CleanText = Annotated[str, AfterValidator(_clean)]
Text40 = Annotated[str, AfterValidator(_clean), Field(max_length=40)]
Text80 = Annotated[str, AfterValidator(_clean), Field(max_length=80)]
Code = Annotated[str, AfterValidator(_clean), Field(max_length=80)]
Name = Annotated[str, AfterValidator(_clean), Field(max_length=120)]
Text160 = Annotated[str, AfterValidator(_clean), Field(max_length=160)]
Text200 = Annotated[str, AfterValidator(_clean), Field(max_length=200)]
ProviderId = Annotated[str, AfterValidator(_clean), Field(max_length=255)]
Text256 = Annotated[str, AfterValidator(_clean), Field(max_length=256)]
Text300 = Annotated[str, AfterValidator(_clean), Field(max_length=300)]
Text500 = Annotated[str, AfterValidator(_clean), Field(max_length=500)]

Text2000 = Annotated[str, AfterValidator(_clean), Field(max_length=2000)]
Text5000 = Annotated[str, AfterValidator(_clean), Field(max_length=5000)]

Email = Annotated[str, StringConstraints(strip_whitespace=True, max_length=254, pattern=r"^[^@\s]{1,64}@[^@\s]+$")]
Phone = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^\+[1-9][0-9]{6,14}$")]
"""E.164."""
Address: TypeAlias = Email | Phone
BankNumber = Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{3,34}$")]
"""Account or routing number, IBAN included, without the signs people group digits by."""
PasswordHash = Annotated[str, StringConstraints(pattern=r"^\$2b\$[0-9]{2}\$[./A-Za-z0-9]{53}$")]
"""bcrypt, in its modular crypt form."""

Id = Annotated[str, StringConstraints(pattern=UUID_PATTERN)]
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Day = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\d$"), AfterValidator(_day)]
Timestamp = NewType("Timestamp", Annotated[str, StringConstraints(pattern=TIMESTAMP_PATTERN), AfterValidator(_instant)])

MAXIMUM_AMOUNT = 10**11
Amount = Annotated[int, Field(strict=True, ge=1, le=MAXIMUM_AMOUNT)]
"""Minor units, positive."""
MAXIMUM_BALANCE = 10**15
"""Exact in every reader of JSON, and far beyond what the deposits of one escrow add up to."""
Balance = Annotated[int, Field(strict=True, ge=-MAXIMUM_BALANCE, le=MAXIMUM_BALANCE)]
"""Minor units, signed."""
Ordinal = Annotated[int, Field(strict=True, ge=1, le=10**9)]
"""Counts from 1: versions, revisions, checks, attempts. JSON numbers have no end, 64 bits have."""

CommandId = NewType("CommandId", Id)
EventId = NewType("EventId", Id)
EffectId = NewType("EffectId", Id)
UserId = NewType("UserId", Id)
ClientId = NewType("ClientId", Id)
ContractorId = NewType("ContractorId", Id)
ContractId = NewType("ContractId", Id)
TemplateId = NewType("TemplateId", Id)
TransactionId = NewType("TransactionId", Id)
NotificationId = NewType("NotificationId", Id)
RecipientId = NewType("RecipientId", Id)
BankDetailsId = NewType("BankDetailsId", Id)
KycSessionId = NewType("KycSessionId", Id)
DecisionTime = NewType("DecisionTime", Annotated[str, StringConstraints(pattern=DECISION_TIME_PATTERN), AfterValidator(_instant)])
"""When an identity check was decided: microseconds, six fixed digits, so that it sorts as text; an `at` is padded."""
PayoutCurrency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""ISO 4217; a bank account may be held in other currencies than contracts are."""


class Purpose(StrEnum):
    """What a value is sealed for (domain.md 0.1): the subject's key, the legal key that outlives an erasure, one reader."""

    SUBJECT = "subject"
    LEGAL = "legal"
    READER = "reader"


_CLEAR = "mindlinks_clear"


class Mark:
    """Says in a model's field that the text is sealed, and for which purpose.

    At runtime the field takes a sealed text and nothing else. What stands before the mark describes the clear value: nobody but the
    ingress, which seals it, checks that (``contracts.marks``); generated schemas show it as ``x-clear``.
    """

    def __init__(self, purpose: Purpose) -> None:
        self.purpose = purpose

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        pattern = SEALED_PATTERN.replace("[a-z]+", self.purpose.value)
        # Within a chain: a schema's own hooks run for what it holds, not for what a hook hands to the handler.
        return str_schema(pattern=pattern, metadata={_CLEAR: chain_schema([handler(source)])})

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, object]:
        return handler(core_schema) | {"x-sealed": self.purpose.value, "x-clear": handler(core_schema["metadata"][_CLEAR])}


Shape = TypeVar("Shape")
Pii = Annotated[Shape, Mark(Purpose.SUBJECT)]
"""Sealed under the data subject's key. ``Pii[Email]``: a sealed text, whose clear value is an Email."""
Legal = Annotated[Shape, Mark(Purpose.LEGAL)]
"""Sealed under the subject's legal-retention key."""
Sealed = Annotated[Shape, Mark(Purpose.READER)]
"""Sealed for exactly one reader."""


class Currency(StrEnum):
    """All have two decimals."""

    USD = "USD"
    EUR = "EUR"
    AED = "AED"
    EGP = "EGP"


class Locale(StrEnum):
    EN = "en"
    AR = "ar"


class Direction(StrEnum):
    LTR = "ltr"
    RTL = "rtl"


class Channel(StrEnum):
    EMAIL = "email"
    SMS = "sms"
    IN_APP = "in_app"
