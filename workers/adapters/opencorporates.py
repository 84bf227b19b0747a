"""OpenCorporates (v0.4) for client's look-up: one company by its number. The engine retries; here a call is made once.

The token goes in a header: what stands in an address ends up in logs.
"""

import asyncio
import logging
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from types import TracebackType
from typing import Annotated, Any, Final, Protocol, Self
from urllib.parse import quote

import httpx
from pydantic import BaseModel, BeforeValidator, StrictBool, ValidationError

from contracts.clear import Clear, Redacted
from contracts.client import CompanyNumber, IncorporationDate, Jurisdiction
from contracts.timestamps import from_milliseconds
from contracts.types import CleanText, Timestamp
from workers.services.client.ports import NoAnswer, NotRegistered, Refusal, RegisteredCompany, RegistryAnswer

BASE: Final = "https://api.opencorporates.com"
CALL_SECONDS: Final = 30.0
"""Below an effect's own time-out, so that the call and not the effect is given up."""
QUOTA_PAUSE: Final = 600.0
"""Seconds until a used-up quota is tried again where the registry names no time: quotas are counted by the day."""
LONGEST_PAUSE: Final = 3600.0

QUOTA, OUT_OF_ORDER, NOT_REACHED = "quota_exceeded", "registry_out_of_order", "registry_not_reached"
MALFORMED, UNAUTHORIZED, FORBIDDEN = "malformed_answer", "unauthorized", "forbidden"
_SAYS_QUOTA: Final = re.compile(r"quota|limit|exceeded|usage|too many", re.IGNORECASE)

# httpx logs every address it calls at INFO; a sole trader's number names a person.
logging.getLogger("httpx").setLevel(logging.WARNING)


class Reader(Protocol):
    """Opens sealed values; ``workers.adapters.opening.ValueReader`` does."""

    async def open(self, sealed: str) -> Clear | Redacted: ...


class OpenCorporates:
    """A ``BusinessRegistry``. Use as an async context manager: it owns one HTTP client and its connections."""

    def __init__(
        self,
        token: str,
        reader: Reader,
        *,
        base: str | None = None,
        timeout: float = CALL_SECONDS,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """``base``: another address than OpenCorporates' own, for a fake; ``transport``: a fake without any address. ``timeout``:
        seconds a call may take in all, however slowly its answer drips."""
        self._reader, self._timeout = reader, timeout
        headers = {"X-API-TOKEN": token, "Accept": "application/json"}
        self._http = httpx.AsyncClient(base_url=base or BASE, headers=headers, timeout=timeout, transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._http.aclose()

    async def open(self, sealed: str) -> Clear | Redacted:
        return await self._reader.open(sealed)

    async def find(self, jurisdiction: Jurisdiction, number: CompanyNumber) -> RegistryAnswer:
        try:
            async with asyncio.timeout(self._timeout):
                response = await self._http.get(f"/v0.4/companies/{_segment(jurisdiction)}/{_segment(number)}")
        except (httpx.HTTPError, TimeoutError) as error:
            return NoAnswer(NOT_REACHED, type(error).__name__)
        return _answer(response)


def _segment(text: str) -> str:
    """A company's number is anybody's text: no part of it may be taken for a path."""
    return quote(text, safe="").replace(".", "%2E")


# --- answers -------------------------------------------------------------------------------------------------------


def _answer(response: httpx.Response) -> RegistryAnswer:
    match response.status_code:
        case 200:
            return _company(response)
        case 404:
            # A wrong base address answers 404 too, as a web page: that says nothing of any company.
            return NotRegistered() if _is_json(response) else Refusal(MALFORMED)
        case 401:
            return Refusal(UNAUTHORIZED)
        case 403 if not _is_quota(response):
            return Refusal(FORBIDDEN)
        case 403 | 429:
            return NoAnswer(QUOTA, str(response.status_code), _pause(response, QUOTA_PAUSE))
        case status if status >= 500 or status == 408:
            return NoAnswer(OUT_OF_ORDER, str(status), _pause(response))
        case status:
            return Refusal(f"status_{status}")


def _is_json(response: httpx.Response) -> bool:
    content_type: str = response.headers.get("content-type", "")
    return content_type.partition(";")[0].strip().lower() == "application/json"


def _is_quota(response: httpx.Response) -> bool:
    """The same status says that the token may not do this, which no waiting changes; only the words tell them apart."""
    return "retry-after" in response.headers or _SAYS_QUOTA.search(response.text[:2000]) is not None


def _pause(response: httpx.Response, default: float | None = None) -> float | None:
    wish = response.headers.get("retry-after", "")
    return min(float(wish), LONGEST_PAUSE) if wish.isascii() and wish.isdigit() else default


def _company(response: httpx.Response) -> RegistryAnswer:
    if not _is_json(response):
        return Refusal(MALFORMED)
    try:
        found = _Answer.model_validate_json(response.content).results.company
    except ValidationError:
        return Refusal(MALFORMED)
    return RegisteredCompany(
        name=found.name,
        jurisdiction=found.jurisdiction_code,
        company_number=found.company_number,
        inactive=found.inactive,
        current_status=found.current_status,
        incorporation_date=found.incorporation_date,
        registered_address=found.registered_address_in_full or _joined(found.registered_address),
        url=found.opencorporates_url,
        retrieved_at=found.retrieved_at,
    )


# --- what a company looks like on the wire -------------------------------------------------------------------------


_FIRST_YEAR, _LAST_YEAR = 1971, 2999
"""Of a look at a register; a date outside of them is a slip."""


def _line(value: Any) -> str | None:
    """One line of text; the registry's own has line breaks. Anything else than text is as good as nothing."""
    if not isinstance(value, str):
        return None
    lines = (" ".join(line.split()).rstrip(",") for line in value.splitlines())
    return "".join(character for character in ", ".join(line for line in lines if line) if character.isprintable()) or None


def _day(value: Any) -> str | None:
    try:
        return date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        return None


def _instant(value: Any) -> Timestamp | None:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return from_milliseconds(int(seconds * 1000)) if _FIRST_YEAR <= moment.year < _LAST_YEAR else None


def _joined(address: Mapping[str, Any] | None) -> str | None:
    parts = (_line(value) for value in (address or {}).values())
    return ", ".join(part for part in parts if part) or None


def _object(value: Any) -> Any:
    return value if isinstance(value, dict) else None


Line = Annotated[str | None, BeforeValidator(_line)]


class _Company(BaseModel):
    """What the verdict hangs on must be right: ``inactive`` is there, and true, false or null. The rest may be missing."""

    name: Annotated[CleanText, BeforeValidator(_line)]
    company_number: CompanyNumber
    jurisdiction_code: Jurisdiction
    inactive: StrictBool | None
    current_status: Line = None
    incorporation_date: Annotated[IncorporationDate | None, BeforeValidator(_day)] = None
    registered_address: Annotated[dict[str, Any] | None, BeforeValidator(_object)] = None
    registered_address_in_full: Line = None
    opencorporates_url: Line = None
    retrieved_at: Annotated[Timestamp | None, BeforeValidator(_instant)] = None


class _Results(BaseModel):
    company: _Company


class _Answer(BaseModel):
    results: _Results
