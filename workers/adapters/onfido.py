"""Onfido (Entrust) for kyc's effects: an applicant, a workflow run, and what became of it. API v3.6."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self

import httpx

from contracts.clear import Clear
from workers.adapters.identity_calls import CALL_SECONDS, Answer, called, read, segment
from workers.adapters.identity_decisions import ENVIRONMENT_TAG, SESSION_TAG, ReadDecision, check_decision, mapping, run_decision, text
from workers.adapters.provider_decisions import decided
from workers.services.kyc.ports import CreatedSession, Lost, Problem, ProviderDecision, Refusal, SessionRequest, Undecided

BASE: Final = "https://api.eu.onfido.com"


class Onfido:
    """An ``IdentityChecks``. Use as an async context manager: it owns one HTTP client and its connections.

    Every address is made of our own regional host and an id: an ``href`` in an answer or a webhook is not followed.
    """

    def __init__(
        self,
        token: str,
        workflow_id: str,
        return_url: str,
        *,
        base: str | None = None,
        timeout: float = CALL_SECONDS,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """``return_url``: where the person's browser goes afterwards. ``base``: the region's host; without it that of the EU."""
        self._workflow, self._return_url, self._timeout = workflow_id, return_url, timeout
        headers = {"Authorization": f"Token token={token}", "Accept": "application/json"}
        self._http = httpx.AsyncClient(base_url=base or BASE, headers=headers, timeout=timeout, transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._http.aclose()

    async def create_session(self, request: SessionRequest) -> CreatedSession | Problem:
        """Dying between the two calls leaves an applicant whom no run names."""
        applicant = await self._made("applicants", _person(request.name.reveal()))
        if not isinstance(applicant, Answer):
            return applicant
        applicant_id = text(applicant.content.get("id"))
        if applicant_id is None:
            return Lost("malformed answer: no applicant in it")
        run = await self._made("workflow_runs", self._run(request, applicant_id))
        if not isinstance(run, Answer):
            return run
        reference, url = text(run.content.get("id")), text(mapping(run.content.get("link")).get("url"))
        return CreatedSession(reference, Clear(url), applicant_id) if reference and url else Lost("malformed answer: no run in it")

    async def fetch_decision(self, reference: str) -> ProviderDecision | Undecided | Problem:
        """``reference``: of a workflow run, or of a check where there is no such run."""
        run = await self._found("workflow_runs", reference)
        if isinstance(run, Answer):
            return _read_as(run_decision(run.content), run)
        if not isinstance(run, Refusal) or run.status != httpx.codes.NOT_FOUND:
            return run
        check = await self._found("checks", reference)
        return _read_as(check_decision(check.content), check) if isinstance(check, Answer) else check

    async def _made(self, kind: str, wanted: Mapping[str, Any]) -> Answer | Problem:
        return await called(self._http, self._http.build_request("POST", f"/v3.6/{kind}", json=wanted), self._timeout, _code)

    async def _found(self, kind: str, reference: str) -> Answer | Problem:
        asking = self._http.build_request("GET", f"/v3.6/{kind}/{segment(reference)}")
        return await read(self._http, asking, self._timeout, _code)

    def _run(self, request: SessionRequest, applicant: str) -> dict[str, Any]:
        return {
            "workflow_id": self._workflow,
            "applicant_id": applicant,
            "customer_user_id": request.contractor_id,
            "tags": [f"{SESSION_TAG}:{request.kyc_session_id}", f"{ENVIRONMENT_TAG}:{request.environment}"],
            "link": {"completed_redirect_url": self._return_url},
        }


def _read_as(found: ReadDecision | None, answer: Answer) -> ProviderDecision | Undecided | Problem:
    return decided(found, answer.body) if found else Undecided()


def _person(name: str) -> dict[str, str]:
    """Onfido wants both names; somebody with one name has it twice."""
    first, _, last = name.rpartition(" ")
    return {"first_name": first or last, "last_name": last}


def _code(error: Mapping[str, Any]) -> object:
    return mapping(error.get("error")).get("type")
