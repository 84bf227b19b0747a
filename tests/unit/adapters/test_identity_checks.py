"""Veriff's and Onfido's adapters against the payload files, and against any answer a network may give."""

import hmac
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from contracts.clear import Clear
from contracts.kyc import ProviderOutcome
from contracts.types import ContractorId, DecisionTime, KycSessionId
from workers.adapters.onfido import Onfido
from workers.adapters.veriff import Veriff
from workers.services.kyc.ports import (
    CreatedSession,
    IdentityChecks,
    Lost,
    ProviderDecision,
    Refusal,
    SessionRequest,
    Unavailable,
    Undecided,
)

PAYLOADS = Path(__file__).parents[2] / "payloads"
SESSION = KycSessionId("33333333-3333-4333-8333-333333333333")
CONTRACTOR = ContractorId("22222222-2222-4222-8222-222222222222")
CALLBACK = "https://app.example.com/kyc/return"
SARAH = SessionRequest(SESSION, CONTRACTOR, Clear("Sarah Morgan"), "GB", "test")

Handler = Callable[[httpx.Request], httpx.Response]


def payload(provider: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((PAYLOADS / provider / f"{name}.json").read_text(encoding="utf-8"))
    return found


@asynccontextmanager
async def veriff(handler: Handler, patience: float = 30.0) -> AsyncIterator[Veriff]:
    async with Veriff("api-key", "shared secret", CALLBACK, timeout=patience, transport=httpx.MockTransport(handler)) as made:
        yield made


@asynccontextmanager
async def onfido(handler: Handler, patience: float = 30.0) -> AsyncIterator[Onfido]:
    async with Onfido("api-token", "a-workflow", CALLBACK, timeout=patience, transport=httpx.MockTransport(handler)) as made:
        yield made


def answering(*given: httpx.Response, asked: list[httpx.Request] | None = None) -> Handler:
    left = list(given)

    def handler(request: httpx.Request) -> httpx.Response:
        if asked is not None:
            asked.append(request)
        return left.pop(0)

    return handler


# --- Veriff --------------------------------------------------------------------------------------------------------


async def test_veriff_is_asked_for_a_session_as_its_sample_does() -> None:
    asked: list[httpx.Request] = []
    async with veriff(answering(httpx.Response(201, json=payload("veriff", "veriff-create-session-success")), asked=asked)) as adapter:
        answer = await adapter.create_session(SARAH)
    assert isinstance(answer, CreatedSession)
    assert answer.reference == "f04bdb47-d3be-4b28-b028-............"
    assert answer.url.reveal() == "https://alchemy.veriff.com/v/sample-url................."
    assert "sample-url" not in repr(answer)
    (request,) = asked
    assert (request.method, str(request.url)) == ("POST", "https://stationapi.veriff.com/v1/sessions")
    assert json.loads(request.content) == payload("veriff", "create_session_request")
    assert (request.headers["x-auth-client"], request.headers["content-type"]) == ("api-key", "application/json")
    assert request.headers["x-hmac-signature"] == hmac.new(b"shared secret", request.content, sha256).hexdigest()


@pytest.mark.parametrize(
    ("name", "person"),
    [("Cher", {"firstName": "Cher"}), ("Ana Maria de Souza", {"firstName": "Ana Maria de", "lastName": "Souza"})],
)
async def test_names_of_one_and_of_many_words(name: str, person: dict[str, str]) -> None:
    asked: list[httpx.Request] = []
    request = SessionRequest(SESSION, CONTRACTOR, Clear(name), "BR", "test")
    async with veriff(answering(httpx.Response(201, json={}), asked=asked)) as adapter:
        assert await adapter.create_session(request) == Lost("malformed answer: no session in it")
    assert json.loads(asked[0].content)["verification"]["person"] == person


@pytest.mark.parametrize("name", sorted(path.stem for path in (PAYLOADS / "veriff").glob("decision*.json")))
async def test_every_decision_file_is_read_when_polled(name: str) -> None:
    asked: list[httpx.Request] = []
    body, said = payload("veriff", name), payload("veriff", name)["verification"]
    async with veriff(answering(httpx.Response(200, json=body), asked=asked)) as adapter:
        answer = await adapter.fetch_decision(said["id"])
    assert isinstance(answer, ProviderDecision)
    expected = {"resubmission_requested": "resubmission"}.get(said["status"], said["status"])
    assert (answer.outcome, answer.code, answer.attempt_id) == (expected, str(said["code"]), said.get("attemptId"))
    assert json.loads(answer.body) == body
    assert "MORGAN" not in repr(answer)
    (request,) = asked
    assert request.url.path == f"/v1/sessions/{said['id']}/decision"
    # What has no body is signed by the session's id.
    assert request.headers["x-hmac-signature"] == hmac.new(b"shared secret", said["id"].encode(), sha256).hexdigest()


@pytest.mark.parametrize("verification", [None, {}, {"status": "submitted"}, {"status": None}])
async def test_veriff_is_still_undecided(verification: object) -> None:
    async with veriff(answering(httpx.Response(200, json={"status": "success", "verification": verification}))) as adapter:
        assert await adapter.fetch_decision("a") == Undecided()


# --- Onfido --------------------------------------------------------------------------------------------------------


async def test_onfido_makes_an_applicant_and_a_run() -> None:
    asked: list[httpx.Request] = []
    made = httpx.Response(201, json={"id": "applicant-1"}), httpx.Response(201, json={"id": "run-1", "link": {"url": "https://studio/l/1"}})
    async with onfido(answering(*made, asked=asked)) as adapter:
        answer = await adapter.create_session(SARAH)
    assert isinstance(answer, CreatedSession)
    assert (answer.reference, answer.url.reveal(), answer.applicant_id) == ("run-1", "https://studio/l/1", "applicant-1")
    assert [str(request.url) for request in asked] == [
        "https://api.eu.onfido.com/v3.6/applicants",
        "https://api.eu.onfido.com/v3.6/workflow_runs",
    ]
    assert {request.headers["authorization"] for request in asked} == {"Token token=api-token"}
    assert [json.loads(request.content) for request in asked] == [
        {"first_name": "Sarah", "last_name": "Morgan"},
        {
            "workflow_id": "a-workflow",
            "applicant_id": "applicant-1",
            "customer_user_id": CONTRACTOR,
            "tags": [f"kycSessionId:{SESSION}", "environment:test"],
            "link": {"completed_redirect_url": CALLBACK},
        },
    ]


async def test_a_polled_run_is_read() -> None:
    run = payload("onfido", "workflow_run.completed")["payload"]["resource"]
    async with onfido(answering(httpx.Response(200, json=run))) as adapter:
        answer = await adapter.fetch_decision(run["id"])
    assert isinstance(answer, ProviderDecision)
    assert (answer.outcome, answer.decision_time) == (ProviderOutcome.APPROVED, DecisionTime("2026-11-20T10:15:30.000000Z"))


@pytest.mark.parametrize(("result", "outcome"), [("clear", ProviderOutcome.APPROVED), ("consider", ProviderOutcome.REVIEW)])
async def test_a_check_is_asked_on_our_host_and_never_by_its_href(result: str, outcome: ProviderOutcome) -> None:
    asked: list[httpx.Request] = []
    check = payload("onfido", "check_resource_clear") | {"result": result, "href": "https://elsewhere.example/steal"}
    answers = httpx.Response(404, json={"error": {"type": "resource_not_found"}}), httpx.Response(200, json=check)
    async with onfido(answering(*answers, asked=asked)) as adapter:
        answer = await adapter.fetch_decision(check["id"])
    assert isinstance(answer, ProviderDecision)
    assert (answer.outcome, answer.decision_time) == (outcome, DecisionTime("2024-04-04T09:20:00.000000Z"))
    assert [str(request.url) for request in asked] == [
        f"https://api.eu.onfido.com/v3.6/workflow_runs/{check['id']}",
        f"https://api.eu.onfido.com/v3.6/checks/{check['id']}",
    ]


@pytest.mark.parametrize("status", ["processing", "awaiting_input", "awaiting_client_input", "something_new"])
async def test_a_run_goes_on(status: str) -> None:
    async with onfido(answering(httpx.Response(200, json={"status": status}))) as adapter:
        assert await adapter.fetch_decision("run-1") == Undecided()


@pytest.mark.parametrize("status", ["in_progress", "awaiting_applicant", "withdrawn", "reopened"])
async def test_a_check_goes_on(status: str) -> None:
    answers = httpx.Response(404, json={}), httpx.Response(200, json={"status": status, "result": "clear"})
    async with onfido(answering(*answers)) as adapter:
        assert await adapter.fetch_decision("check-1") == Undecided()


async def test_neither_a_run_nor_a_check() -> None:
    missing = {"error": {"type": "resource_not_found", "message": "Could not find the requested resource"}}
    async with onfido(answering(httpx.Response(404, json=missing), httpx.Response(404, json=missing))) as adapter:
        assert await adapter.fetch_decision("nothing") == Refusal(404, "resource_not_found")


# --- both ----------------------------------------------------------------------------------------------------------

BOTH = pytest.mark.parametrize("open_adapter", [veriff, onfido], ids=["veriff", "onfido"])


@BOTH
@pytest.mark.parametrize(
    ("status", "content", "created"),
    [
        (429, {"headers": {"Retry-After": "7"}}, Unavailable("429 too many requests", 7.0)),
        (429, {"headers": {"Retry-After": "86400"}}, Unavailable("429 too many requests", 3600.0)),
        (429, {"headers": {"Retry-After": "soon"}}, Unavailable("429 too many requests", None)),
        (500, {"html": "<h1>oops</h1>"}, Lost("http_500")),
        (503, {"json": {}}, Lost("http_503")),
        (408, {}, Lost("http_408")),
        (200, {"html": "<title>Sign in</title>"}, Lost("malformed answer with status 200")),
        (200, {"content": b'{"status": "suc', "headers": {"content-type": "application/json"}}, Lost("malformed answer with status 200")),
        (200, {"json": []}, Lost("malformed answer with status 200")),
        (201, {}, Lost("malformed answer with status 201")),
        (401, {"html": "no"}, Refusal(401, "http_401")),
        (403, {"json": {}}, Refusal(403, "http_403")),
        (302, {"headers": {"location": "https://elsewhere.example"}}, Refusal(302, "http_302")),
    ],
)
async def test_what_an_answer_means(open_adapter: Any, status: int, content: dict[str, Any], created: object) -> None:
    async with open_adapter(lambda _: httpx.Response(status, **content)) as adapter:
        assert await adapter.create_session(SARAH) == created
        # A question that was lost is as good as never asked.
        expected = Unavailable(created.reason) if isinstance(created, Lost) else created
        assert await adapter.fetch_decision("reference") == expected


@pytest.mark.parametrize(
    ("open_adapter", "error"),
    [(veriff, {"status": "fail", "code": "1102", "message": "no"}), (onfido, {"error": {"type": "1102", "message": "no"}})],
)
async def test_a_refusal_bears_the_providers_own_code(open_adapter: Any, error: dict[str, Any]) -> None:
    async with open_adapter(lambda _: httpx.Response(422, json=error)) as adapter:
        assert await adapter.create_session(SARAH) == Refusal(422, "1102")


@BOTH
@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (httpx.ConnectError("no"), Unavailable("not reached: ConnectError")),
        (httpx.ConnectTimeout("no"), Unavailable("not reached: ConnectTimeout")),
        (httpx.ReadTimeout("no"), Lost("no answer: ReadTimeout")),
        (httpx.RemoteProtocolError("no"), Lost("no answer: RemoteProtocolError")),
    ],
)
async def test_what_silence_means(open_adapter: Any, error: Exception, expected: object) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise error

    async with open_adapter(handler) as adapter:
        assert await adapter.create_session(SARAH) == expected


@BOTH
@pytest.mark.parametrize("reference", ["../../v1/other", "..", "a/b", "a?b=c", "a#b", "№ 7"])
async def test_a_reference_is_never_taken_for_a_path(open_adapter: Any, reference: str) -> None:
    paths: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.raw_path.decode())
        return httpx.Response(404, json={})

    async with open_adapter(handler) as adapter:
        await adapter.fetch_decision(reference)
    allowed = {"sessions", "decision", "workflow_runs", "checks", "v1", "v3.6", ""}
    extra = [[part for part in path.split("/") if part not in allowed] for path in paths]
    assert all(len(parts) == 1 and set(parts[0]).isdisjoint("?#.") for parts in extra), paths


@BOTH
async def test_a_decision_without_its_time_is_asked_for_again(open_adapter: Any) -> None:
    answer = {"verification": {"status": "approved"}, "status": "approved"}
    async with open_adapter(lambda _: httpx.Response(200, json=answer)) as adapter:
        assert await adapter.fetch_decision("a") == Unavailable("malformed answer: a decision without its time")


@BOTH
async def test_it_is_the_port_and_shows_no_secret(open_adapter: Any) -> None:
    async with open_adapter(lambda _: httpx.Response(500)) as adapter:
        port: IdentityChecks = adapter
        assert callable(port.create_session)
        assert not any(secret in repr(adapter) for secret in ("shared secret", "api-key", "api-token"))
