"""Veriff for kyc's effects: sessions, and their decisions when nobody told us. https://devdocs.veriff.com"""

import hmac
from collections.abc import Mapping
from hashlib import sha256
from types import TracebackType
from typing import Any, Final, Self

import httpx
import orjson

from contracts.clear import Clear
from workers.adapters.identity_calls import CALL_SECONDS, Answer, called, read, segment
from workers.adapters.identity_decisions import mapping, text, veriff_decision
from workers.adapters.provider_decisions import decided
from workers.services.kyc.ports import CreatedSession, Lost, Problem, ProviderDecision, SessionRequest, Unavailable, Undecided

BASE: Final = "https://stationapi.veriff.com"


class Veriff:
    """An ``IdentityChecks``. Use as an async context manager: it owns one HTTP client and its connections."""

    def __init__(
        self,
        api_key: str,
        shared_secret: str,
        callback: str,
        *,
        base: str | None = None,
        timeout: float = CALL_SECONDS,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """``callback``: where the person's browser goes afterwards, no webhook. ``base``: another address than Veriff's own;
        ``transport``: a fake without any."""
        self._secret, self._callback, self._timeout = shared_secret.encode(), callback, timeout
        headers = {"X-AUTH-CLIENT": api_key, "Accept": "application/json"}
        self._http = httpx.AsyncClient(base_url=base or BASE, headers=headers, timeout=timeout, transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._http.aclose()

    async def create_session(self, request: SessionRequest) -> CreatedSession | Problem:
        body = orjson.dumps({"verification": self._wanted(request)})
        headers = {"Content-Type": "application/json", **self._signed(body)}
        posting = self._http.build_request("POST", "/v1/sessions", content=body, headers=headers)
        answer = await called(self._http, posting, self._timeout, _code)
        if not isinstance(answer, Answer):
            return answer
        made = mapping(answer.content.get("verification"))
        reference, url = text(made.get("id")), text(made.get("url"))
        return CreatedSession(reference, Clear(url)) if reference and url else Lost("malformed answer: no session in it")

    async def fetch_decision(self, reference: str) -> ProviderDecision | Undecided | Problem:
        address = f"/v1/sessions/{segment(reference)}/decision"
        # What has no body is signed by the session's id.
        asking = self._http.build_request("GET", address, headers=self._signed(reference.encode()))
        answer = await read(self._http, asking, self._timeout, _code)
        if not isinstance(answer, Answer):
            return answer
        if "verification" not in answer.content:
            return Unavailable("malformed answer: no verification in it")
        found = veriff_decision(mapping(answer.content["verification"]))
        return decided(found, answer.body) if found else Undecided()

    def _wanted(self, request: SessionRequest) -> dict[str, Any]:
        first, _, last = request.name.reveal().rpartition(" ")
        person = {"firstName": first, "lastName": last} if first else {"firstName": last}
        return {
            "callback": self._callback,
            "person": person,
            "vendorData": request.kyc_session_id,
            "endUserId": request.contractor_id,
        }

    def _signed(self, content: bytes) -> dict[str, str]:
        return {"X-HMAC-SIGNATURE": hmac.new(self._secret, content, sha256).hexdigest()}


def _code(error: Mapping[str, Any]) -> object:
    return error.get("code")
