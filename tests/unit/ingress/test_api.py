"""POST /v1/commands and GET /v1/commands/{id} against the whole application."""

import json
from typing import Any

import pytest

from contracts.ids import client_command_id
from tests.unit.ingress.doubles import (
    AUTHORIZED,
    CLIENT_SECRET,
    CONTRACT,
    DEPOSIT,
    ID,
    OTHER,
    USER,
    Ingress,
    cancel,
    client_key,
    command,
    reason_of,
)
from workers.ingress.commands import SOURCE

# --- what goes onto the log ----------------------------------------------------------------------------------------


async def test_a_structured_command_is_on_the_log(ingress: Ingress) -> None:
    response = await ingress.send(cancel(subject=CONTRACT, correlationid="case-7", unknown=5))
    assert response.status_code == 202
    assert response.json() == {"status": 202, "id": ID, "state": "accepted"}
    assert response.headers["location"] == f"/v1/commands/{ID}"
    (decoded,) = ingress.commands
    envelope = decoded.envelope
    assert (envelope.id, envelope.source, envelope.subject, envelope.actor) == (ID, SOURCE, CONTRACT, f"company:{USER}")
    assert (envelope.correlation_id, envelope.causation_id, envelope.time) == ("case-7", ID, "2026-11-21T22:27:16.000Z")
    assert envelope.receipt is not None
    assert (envelope.receipt.client, len(envelope.receipt.body_hash)) == ("upstream", 64)
    assert decoded.data.to_item() == {"contractId": CONTRACT, "reason": "no longer needed"}
    assert ingress.metrics.counts["ingress_requests", "/v1/commands", "ok"] == 1


async def test_binary_mode_says_the_same(ingress: Ingress) -> None:
    headers = {"content-type": "application/json; charset=UTF-8", "ce-specversion": "1.0", "ce-id": ID, "ce-source": "/tests"}
    body = json.dumps({"contractId": CONTRACT, "reason": "no longer needed"}).encode()
    kind = {"ce-type": "mindlinks.contract.CancelContract.v1", "ce-subject": CONTRACT, "ce-correlationid": "case%2D7"}
    response = await ingress.http.post("/v1/commands", content=body, headers={**AUTHORIZED, **headers, **kind})
    assert response.status_code == 202
    assert ingress.commands[0].data.to_item() == {"contractId": CONTRACT, "reason": "no longer needed"}
    assert ingress.commands[0].envelope.correlation_id == "case-7"


async def test_a_trace_is_carried_on_or_begun(ingress: Ingress) -> None:
    parent = f"00-{'a' * 32}-{'b' * 16}-01"
    await ingress.send(cancel(), traceparent=parent)
    await ingress.send(cancel(id=OTHER), traceparent="00-nonsense")
    carried, begun = [decoded.envelope.traceparent for decoded in ingress.commands]
    assert carried == parent
    assert begun is not None
    assert [len(part) for part in begun.split("-")] == [2, 32, 16, 2]


async def test_the_correlation_header_serves_clients_without_extensions(ingress: Ingress) -> None:
    await ingress.send(cancel(), x_correlation_id="request-1")
    assert ingress.commands[0].envelope.correlation_id == "request-1"


async def test_an_idempotency_key_makes_the_id(ingress: Ingress) -> None:
    response = await ingress.send(cancel(id="anything"), idempotency_key="order 17")
    expected = client_command_id("upstream", "order 17")
    assert response.json()["id"] == expected
    assert ingress.commands[0].envelope.id == expected


# --- who may -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer upstream",
        "Bearer upstream.wrong",
        f"Bearer nobody.{CLIENT_SECRET}",
        f"Basic upstream.{CLIENT_SECRET}",
        "Bearer .",
    ],
)
async def test_strangers_are_turned_away(ingress: Ingress, authorization: str) -> None:
    response = await ingress.send(cancel(), authorization=authorization)
    assert reason_of(response) == (401, "unauthenticated")
    assert response.headers["www-authenticate"].startswith("Bearer")
    assert CLIENT_SECRET not in response.text
    assert reason_of(await ingress.http.get(f"/v1/commands/{ID}")) == (401, "unauthenticated")


async def test_a_client_sends_only_its_kinds_as_its_actors() -> None:
    ingress = Ingress(clients=[client_key(kinds=["mindlinks.payment.RequestDeposit.v1"], actors=["company:*"])])
    assert reason_of(await ingress.send(cancel())) == (403, "kind_not_allowed")
    deposit = command("mindlinks.payment.RequestDeposit.v1", DEPOSIT)
    assert reason_of(await ingress.send(deposit, mindlinks_actor=f"admin:{USER}")) == (403, "actor_not_allowed")
    assert reason_of(await ingress.send(deposit, mindlinks_actor="")) == (403, "actor_not_allowed")  # public
    assert reason_of(await ingress.send({**deposit, "actor": "system:stripe"})) == (403, "actor_not_allowed")
    assert ingress.commands == []
    assert reason_of(await ingress.send(deposit)) == (202, "accepted")


@pytest.mark.parametrize("actor", ["company:", "company:bob", f"boss:{USER}", f"company:{USER}\t", "system:"])
async def test_actors_that_cannot_be_read(ingress: Ingress, actor: str) -> None:
    assert reason_of(await ingress.send({**cancel(), "actor": actor})) == (400, "invalid_actor")


async def test_members_of_a_batch_may_name_their_actor(ingress: Ingress) -> None:
    await ingress.send([cancel(), cancel(id=OTHER, actor=f"contractor:{OTHER}")])
    assert {decoded.envelope.actor for decoded in ingress.commands} == {f"company:{USER}", f"contractor:{OTHER}"}


# --- what is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ([1], "event"),
        (cancel(specversion="0.3"), "specversion"),
        (cancel(type=None), "type"),
        (cancel(id="17"), "id"),
        (cancel(id=None), "id"),
        (cancel(id=ID.upper().replace("9", "A")), "id"),
        (cancel(subject=OTHER), "subject"),
        (cancel(datacontenttype="text/xml"), "datacontenttype"),
        (cancel(data="x"), "data"),
        (cancel(data_base64="eA=="), "data_base64"),
        (cancel(correlationid="two words"), "correlationid"),
        (cancel(source={"a": 1}), "source"),
        (cancel(reason=""), "reason"),
        (cancel(reason="x" * 501), "reason"),
        (cancel(contract="abc"), "contractId"),
        (command("mindlinks.payment.RequestDeposit.v1", {**DEPOSIT, "amount": 1.5}), "amount"),
        (command("mindlinks.payment.RequestDeposit.v1", {**DEPOSIT, "amount": "150000"}), "amount"),
    ],
)
async def test_a_wrong_field_is_named(ingress: Ingress, event: Any, field: str) -> None:
    content = json.dumps(event[0] if isinstance(event, list) else event).encode()
    headers = {**AUTHORIZED, "content-type": "application/cloudevents+json"}
    response = await ingress.http.post("/v1/commands", content=content, headers=headers)
    assert reason_of(response) == (400, "invalid_payload")
    assert response.json()["field"] == field
    assert ingress.commands == []


async def test_a_problem_document_is_whole(ingress: Ingress) -> None:
    response = await ingress.send(cancel(subject=OTHER))
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json() == {
        "type": "/problems/invalid_payload",
        "title": "A field is missing or wrong",
        "status": 400,
        "detail": "The subject is not the aggregate that the data names.",
        "reason": "invalid_payload",
        "field": "subject",
        "instance": "/v1/commands",
    }
    assert ingress.metrics.counts["ingress_requests", "/v1/commands", "invalid_payload"] == 1


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("mindlinks.contract.Nonsense.v1", "unknown_type"),
        ("mindlinks.contract.CancelContract.v9", "unknown_version"),
        ("mindlinks.contract.ContractCancelled.v1", "unknown_type"),
    ],
)
async def test_kinds_that_are_no_command(ingress: Ingress, kind: str, reason: str) -> None:
    assert reason_of(await ingress.send(cancel(type=kind))) == (400, reason)


@pytest.mark.parametrize(
    ("body", "reason"),
    [(b"\xff", "not_utf8"), (b"{", "not_json"), (b"", "not_json"), (b'{"a": NaN}', "not_json"), (b'{"a": "\\ud800"}', "not_json")],
)
async def test_bodies_that_cannot_be_read(ingress: Ingress, body: bytes, reason: str) -> None:
    headers = {**AUTHORIZED, "content-type": "application/cloudevents+json"}
    assert reason_of(await ingress.http.post("/v1/commands", content=body, headers=headers)) == (400, reason)


@pytest.mark.parametrize(
    "content_type", ["text/plain", "", "application/xml", "application/cloudevents+json; charset=latin-1", "application/cloudevents+avro"]
)
async def test_content_types_that_are_not_taken(ingress: Ingress, content_type: str) -> None:
    assert reason_of(await ingress.send(cancel(), content_type=content_type)) == (415, "unsupported_media_type")


async def test_sizes(ingress: Ingress) -> None:
    assert reason_of(await ingress.send(cancel(padding="x" * 262_144))) == (413, "body_too_large")
    assert reason_of(await ingress.send([cancel(padding="x" * 1_048_576)])) == (413, "body_too_large")

    async def unannounced() -> Any:
        for _ in range(5):
            yield b" " * 65_536

    headers = {**AUTHORIZED, "content-type": "application/cloudevents+json"}
    response = await ingress.http.post("/v1/commands", content=unannounced(), headers=headers)
    assert reason_of(response) == (413, "body_too_large")
    assert reason_of(await ingress.send([cancel()] * 501)) == (413, "batch_too_large")


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "a\tb", "ü"])
async def test_idempotency_keys_that_cannot_be_read(ingress: Ingress, key: str) -> None:
    named = {**AUTHORIZED, "content-type": "application/cloudevents+json", "idempotency-key": key}
    headers = {name.encode(): value.encode() for name, value in named.items()}
    response = await ingress.http.post("/v1/commands", content=json.dumps(cancel()).encode(), headers=headers)
    assert reason_of(response) == (400, "invalid_idempotency_key")


async def test_a_log_that_does_not_acknowledge(ingress: Ingress) -> None:
    ingress.log.away = True
    response = await ingress.send(cancel())
    assert reason_of(response) == (503, "log_unavailable")
    assert response.headers["retry-after"] == "5"
    ingress.log.away = False
    assert reason_of(await ingress.send(cancel())) == (202, "accepted")
    assert len(ingress.commands) == 1


async def test_a_store_that_does_not_answer(ingress: Ingress) -> None:
    ingress.store.away = True
    response = await ingress.send(cancel())
    assert reason_of(response) == (503, "store_unavailable")
    assert response.headers["retry-after"] == "5"
    assert ingress.commands == []


async def test_a_defect_says_nothing_of_its_cause(ingress: Ingress, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("secret-value")

    monkeypatch.setattr(ingress.log, "append_keyed", broken)
    response = await ingress.send(cancel())
    assert reason_of(response) == (500, "internal_error")
    assert "secret-value" not in response.text
    assert ingress.metrics.counts["ingress_requests", "/v1/commands", "internal_error"] == 1
