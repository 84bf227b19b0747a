"""The outside as client needs it: a business registry, and a reader of the name to compare with what it says."""

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from contracts.clear import Clear, Redacted
from contracts.client import CompanyNumber, IncorporationDate, Jurisdiction
from contracts.types import Code, Timestamp


@dataclass(frozen=True, slots=True)
class RegisteredCompany:
    """What the registry has, texts of any length. ``inactive`` is None where it doesn't know. ``url`` and ``retrieved_at`` are what its
    licence wants to be shown beside the rest."""

    name: str
    jurisdiction: Jurisdiction
    company_number: CompanyNumber
    inactive: bool | None
    current_status: str | None = None
    incorporation_date: IncorporationDate | None = None
    registered_address: str | None = None
    url: str | None = None
    retrieved_at: Timestamp | None = None


@dataclass(frozen=True, slots=True)
class NotRegistered:
    """The registry knows no company of that number."""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Not now: a quota is used up, or the registry is out of order. ``after``: its own wish, in seconds."""

    code: Code
    reason: str
    after: float | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Nothing will come of asking again: it doesn't take our token, or doesn't speak as it should."""

    code: Code


RegistryAnswer: TypeAlias = RegisteredCompany | NotRegistered | NoAnswer | Refusal


class BusinessRegistry(Protocol):
    async def find(self, jurisdiction: Jurisdiction, number: CompanyNumber) -> RegistryAnswer:
        """A read; waits for the network, never retries and never raises for what the registry says."""
        ...

    async def open(self, sealed: str) -> Clear | Redacted:
        """A (pii) value; Redacted once its key is destroyed. Raises KeysUnavailable."""
        ...
