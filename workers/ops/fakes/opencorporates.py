"""A business registry that behaves like OpenCorporates (v0.4.8): companies by number, search, its errors and its bad days.

An ASGI application: hand it to a server, or to ``httpx.ASGITransport`` for no server at all. Faults strike the next calls, in the order
they were planned.
"""

import copy
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from workers.ops.fakes.holding import Holding

API_VERSION: Final = "0.4.8"
TOKEN: Final = "opencorporates-local-token"  # noqa: S105  # the fake's own, good for nothing else
SITE: Final = "https://opencorporates.com"
PER_PAGE: Final = 30
_SEARCH_FIELDS: Final = (
    "name",
    "company_number",
    "jurisdiction_code",
    "incorporation_date",
    "dissolution_date",
    "company_type",
    "registry_url",
    "inactive",
    "current_status",
    "opencorporates_url",
    "registered_address_in_full",
)

Json = dict[str, Any]


class Fault(StrEnum):
    """QUOTA: 403 with the words of a used-up quota; FORBIDDEN: 403 without them. SLOW: nothing until ``release()``. BROKEN: 200 and half
    a document. WEB_PAGE: 200 and HTML, as a proxy's login page is."""

    RATE_LIMITED = "rate_limited"
    QUOTA = "quota"
    FORBIDDEN = "forbidden"
    SERVER_ERROR = "server_error"
    OUT_OF_SERVICE = "out_of_service"
    SLOW = "slow"
    BROKEN = "broken"
    WEB_PAGE = "web_page"


@dataclass(frozen=True, slots=True)
class _Planned:
    fault: Fault
    retry_after: int | None


@dataclass
class OpenCorporatesFake(Holding):
    """``token``: what callers must present, in the header or the query. It knows no company that was not registered with it."""

    token: str = TOKEN
    companies: dict[tuple[str, str], Json] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    """By ``<jurisdiction>/<number>``, failed ones too."""

    def __post_init__(self) -> None:
        super().__init__()
        self._planned: deque[_Planned] = deque()
        self._app = Starlette(
            routes=[
                Route("/v0.4/companies/search", self._search),
                Route("/v0.4/companies/{jurisdiction}/{number:path}", self._company),
                Route("/{path:path}", _missing),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    # --- what the registry knows -----------------------------------------------------------------------------------

    def register(self, jurisdiction: str, number: str, name: str, **changes: object) -> Json:
        """A company in good standing, and what is different about this one. What it answers may be changed later, too."""
        company = _company_document(jurisdiction, number, name) | changes
        self.companies[jurisdiction, number] = company
        return company

    def dissolve(self, jurisdiction: str, number: str, on: str = "2024-02-01") -> None:
        self.companies[jurisdiction, number] |= {"inactive": True, "current_status": "Dissolved", "dissolution_date": on}

    # --- trouble on purpose ----------------------------------------------------------------------------------------

    def fail(self, fault: Fault, times: int = 1, *, retry_after: int | None = None) -> None:
        """``retry_after``: seconds that the answer asks for, where it is one that may."""
        if fault is Fault.SLOW:
            self.hold_back()
        self._planned.extend(_Planned(fault, retry_after) for _ in range(times))

    # --- answering -------------------------------------------------------------------------------------------------

    async def _company(self, request: Request) -> Response:
        jurisdiction, number = request.path_params["jurisdiction"], request.path_params["number"]
        self.calls[f"{jurisdiction}/{number}"] += 1
        if problem := await self._problem(request):
            return problem
        company = self.companies.get((jurisdiction, number))
        return _results({"company": copy.deepcopy(company)}) if company else _error(404, "Resource not found")

    async def _search(self, request: Request) -> Response:
        self.calls["search"] += 1
        if problem := await self._problem(request):
            return problem
        wanted, jurisdiction = request.query_params.get("q", "").casefold(), request.query_params.get("jurisdiction_code")
        found = [
            {"company": {name: company[name] for name in _SEARCH_FIELDS}}
            for (code, _), company in self.companies.items()
            if wanted in company["name"].casefold() and jurisdiction in (None, code)
        ]
        pages = max(1, -(-len(found) // PER_PAGE))
        return _results({"companies": found[:PER_PAGE], "page": 1, "per_page": PER_PAGE, "total_pages": pages, "total_count": len(found)})

    async def _problem(self, request: Request) -> Response | None:
        presented = request.headers.get("x-api-token") or request.query_params.get("api_token")
        if presented != self.token:
            return _error(401, "Invalid Api Token")
        planned = self._planned.popleft() if self._planned else None
        if planned and planned.fault is Fault.SLOW:
            await self.hold()
            return None
        return _failed(planned) if planned else None


def _failed(planned: _Planned) -> Response:
    match planned.fault:
        case Fault.RATE_LIMITED:
            return _error(429, "Too many requests", planned.retry_after)
        case Fault.QUOTA:
            return _error(403, "Usage limit exceeded for this api_token", planned.retry_after)
        case Fault.FORBIDDEN:
            return _error(403, "Your account may not use this endpoint")
        case Fault.OUT_OF_SERVICE:
            return _error(503, "Service unavailable", planned.retry_after)
        case Fault.WEB_PAGE:
            return HTMLResponse("<!doctype html><title>Sign in</title>")
        case Fault.BROKEN:
            return Response('{"api_version": "0.4.8", "results": {"comp', media_type="application/json")
        case _:
            return HTMLResponse("<h1>Internal Server Error</h1>", 500)


def _results(results: Json) -> Response:
    return JSONResponse({"api_version": API_VERSION, "results": results})


def _error(status: int, message: str, retry_after: int | None = None) -> Response:
    headers = {"Retry-After": str(retry_after)} if retry_after is not None else {}
    return JSONResponse({"api_version": API_VERSION, "error": {"message": message}}, status, headers)


async def _missing(_request: Request) -> Response:
    return HTMLResponse("<!doctype html><title>Not found</title>", 404)


# --- what a company looks like -------------------------------------------------------------------------------------


def _company_document(jurisdiction: str, number: str, name: str) -> Json:
    return {
        "name": name,
        "company_number": number,
        "jurisdiction_code": jurisdiction,
        "incorporation_date": "2010-05-20",
        "dissolution_date": None,
        "company_type": "Private Limited Company",
        "registry_url": f"https://registry.example/{jurisdiction}/{number}",
        "branch": None,
        "branch_status": None,
        "inactive": False,
        "current_status": "Active",
        "created_at": "2010-10-21T18:27:25+00:00",
        "updated_at": "2026-09-01T10:00:00+00:00",
        "retrieved_at": "2026-09-01T00:00:00+00:00",
        "opencorporates_url": f"{SITE}/companies/{jurisdiction}/{number}",
        "previous_names": [{"company_name": "OLD EXAMPLE LIMITED", "con_date": "2012-01-01"}],
        "alternative_names": [],
        **_SOURCE,
        **_ADDRESS,
        **_PEOPLE,
    }


_SOURCE: Final[Mapping[str, Any]] = {
    "source": {
        "publisher": "A register",
        "url": "https://registry.example/",
        "terms": "Open",
        "retrieved_at": "2026-09-01T00:00:00+00:00",
    },
    "agent_name": None,
    "agent_address": None,
    "number_of_employees": None,
    "native_company_number": None,
    "alternate_registration_entities": [],
}
_ADDRESS: Final[Mapping[str, Any]] = {
    "registered_address": {
        "street_address": "1 Example Street",
        "locality": "London",
        "region": None,
        "postal_code": "EC1A 1AA",
        "country": "United Kingdom",
    },
    "registered_address_in_full": "1 Example Street, London, EC1A 1AA",
    "restricted_for_marketing": None,
    "industry_codes": [
        {
            "industry_code": {
                "code": "62.01/2",
                "description": "Business and domestic software development",
                "code_scheme_id": "uk_sic_2007",
                "code_scheme_name": "UK SIC Classification 2007",
                "uid": "uk_sic_2007-62012",
            }
        }
    ],
    "identifiers": [],
    "corporate_groupings": [],
    "data": None,
    "financial_summary": None,
    "home_company": None,
}
_PEOPLE: Final[Mapping[str, Any]] = {
    "controlling_entity": None,
    "ultimate_beneficial_owners": [],
    "ultimate_controlling_company": None,
    "filings": [],
    "officers": [
        {
            "officer": {
                "id": 1,
                "name": "JANE DOE",
                "position": "director",
                "uid": None,
                "start_date": "2010-05-20",
                "end_date": None,
                "opencorporates_url": f"{SITE}/officers/1",
                "occupation": None,
                "inactive": False,
                "current_status": None,
            }
        }
    ],
}
