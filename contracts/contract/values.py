"""Values that commands and events of contract share."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from contracts.message import Value
from contracts.types import Amount, CleanText, Currency, Day, Legal, Text2000

MAXIMUM_TEMPLATE = 100 * 1024
"""UTF-8 bytes of one template's content."""
MAXIMUM_SEALED_VARIABLES = 64 * 1024
"""UTF-8 bytes of all sealed variables. The 32 KiB of domain.md count clear text and are checked before sealing; sealing adds a third
and about 100 characters a value."""
MAXIMUM_VARIABLES = 50


class ContractType(StrEnum):
    FIXED = "fixed"
    HOURLY = "hourly"


class Party(StrEnum):
    CLIENT = "client"
    CONTRACTOR = "contractor"


class Ender(StrEnum):
    """Who ended a contract; ``system`` stands for a deadline or the end date."""

    CLIENT = "client"
    CONTRACTOR = "contractor"
    ADMIN = "admin"
    SYSTEM = "system"


def _template_size(value: str) -> str:
    if len(value.encode()) > MAXIMUM_TEMPLATE:
        raise ValueError(f"at most {MAXIMUM_TEMPLATE} bytes of UTF-8")
    return value


def _variables_size(value: Mapping[str, str]) -> Mapping[str, str]:
    if sum(len(name) + len(sealed) for name, sealed in value.items()) > MAXIMUM_SEALED_VARIABLES:
        raise ValueError(f"at most {MAXIMUM_SEALED_VARIABLES} bytes in all")
    return value


Title = Annotated[CleanText, Field(max_length=120)]
TemplateName = Annotated[CleanText, Field(max_length=200), StringConstraints(pattern=r"^[^#]+$")]
"""Without ``#``, which separates the parts of item keys."""
VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,79}$")]
Variables = Annotated[dict[VariableName, Legal[Text2000]], Field(max_length=MAXIMUM_VARIABLES), AfterValidator(_variables_size)]
VariableNames = Annotated[tuple[VariableName, ...], Field(max_length=MAXIMUM_VARIABLES)]
TemplateContent = Annotated[str, Field(min_length=1), AfterValidator(_template_size)]
DocumentKey = Annotated[CleanText, Field(max_length=512)]
"""Key of an object in the document store."""


class Terms(Value):
    """What the parties agree on, beside the variables. ``rate`` is the whole price (fixed) or the price of one hour."""

    title: Title
    type: ContractType
    currency: Currency
    rate: Amount
    start_date: Day
    end_date: Day | None = None
