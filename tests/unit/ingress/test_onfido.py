"""Onfido's deliveries, those of its own SDK's tests among them, against the whole application."""

import hashlib
import json
from typing import Any

import pytest

from contracts.ids import webhook_command_id
from contracts.kyc import KycProvider, ProviderOutcome, RecordKycDecision, RecordKycProgress, RefreshKycDecision
from contracts.types import DecisionTime
from tests.unit.ingress.doubles import ONFIDO_SECRETS, Ingress, hmac_of, reason_of
from tests.unit.ingress.kyc_deliveries import CHECK, PAYLOADS, RUN, SESSION, TASKS_RUN, ago, key_of, known, onfido_payload, payload
from workers.ingress.dependencies import OnfidoEndpoints

VECTOR: dict[str, Any] = json.loads(payload("onfido", "signature_vector"))
DELIVERIES = ["check.completed", "workflow_run.completed", "workflow_task.completed.list_output", "workflow_task.completed.object_output"]
COMPLETED = payload("onfido", "workflow_run.completed")
TAGGED = {"tags": [f"kycSessionId:{SESSION}", "environment:test"]}
REFERENCES = {"check.completed": CHECK, "workflow_run.completed": RUN}


def known_for(ingress: Ingress, name: str) -> Ingress:
    return known(ingress, REFERENCES.get(name, TASKS_RUN))


def test_every_file_is_used() -> None:
    assert {path.stem for path in (PAYLOADS / "onfido").glob("*.json")} == {*DELIVERIES, "signature_vector", "check_resource_clear"}


# --- signatures ----------------------------------------------------------------------------------------------------


async def test_the_vector_of_the_official_sdk() -> None:
    body, token = VECTOR["raw_body"].encode(), VECTOR["webhook_token"]
    ingress = known(Ingress(changes={"onfido": OnfidoEndpoints((token,))}), CHECK)
    assert reason_of(await ingress.onfido(body, VECTOR["X-SHA2-Signature"])) == (200, "accepted")
    # The same JSON in other bytes: the signature is over the bytes.
    assert reason_of(await ingress.onfido(payload("onfido", "check.completed"), VECTOR["X-SHA2-Signature"])) == (400, "signature_mismatch")


@pytest.mark.parametrize("name", DELIVERIES)
@pytest.mark.parametrize("wrong", ["secret", "body", "short", "letters", "missing", "not ascii"])
async def test_each_wrong_way_is_refused(ingress: Ingress, name: str, wrong: str) -> None:
    body = payload("onfido", name)
    right = hmac_of(body, ONFIDO_SECRETS[0])
    header, reason = {
        "secret": (hmac_of(body, "another token"), "signature_mismatch"),
        "body": (hmac_of(body + b"\n", ONFIDO_SECRETS[0]), "signature_mismatch"),
        "short": (right[:-1], "signature_malformed"),
        "letters": ("g" + right[1:], "signature_malformed"),
        "missing": ("", "signature_missing"),
        "not ascii": (right[:-1] + "\xb2", "signature_malformed"),
    }[wrong]
    response = await known_for(ingress, name).http.post(
        "/webhooks/onfido", content=body, headers=[(b"x-sha2-signature", header.encode("latin-1"))] if header else []
    )
    assert reason_of(response) == (400, reason)
    assert (ingress.commands, ingress.bodies.kept) == ([], {})
    assert ingress.metrics.counts["webhooks", "onfido", "unverified", reason] == 1


@pytest.mark.parametrize("token", ONFIDO_SECRETS)
async def test_either_token_of_a_roll_is_taken(ingress: Ingress, token: str) -> None:
    assert reason_of(await known(ingress, RUN).onfido(COMPLETED, hmac_of(COMPLETED, token))) == (200, "accepted")


async def test_without_a_token_everything_is_refused() -> None:
    bare = Ingress(changes={"onfido": OnfidoEndpoints()})
    assert reason_of(await bare.onfido(COMPLETED, hmac_of(COMPLETED, ""))) == (503, "not_configured")


# --- rows of section 12 --------------------------------------------------------------------------------------------


async def test_a_completed_run_whole(ingress: Ingress) -> None:
    assert reason_of(await known(ingress, RUN).onfido(COMPLETED)) == (200, "accepted")
    (command,) = ingress.commands
    assert command.data == RecordKycDecision(
        kyc_session_id=SESSION,
        provider=KycProvider.ONFIDO,
        veriff_session_id=RUN,
        outcome=ProviderOutcome.APPROVED,
        decision_time=DecisionTime("2026-11-20T10:15:30.000000Z"),
        raw_key=key_of("workflow_run.completed", RUN, "2026-11-20T10:15:30Z"),
    )
    said = hashlib.sha256(f"workflow_run.completed\n{RUN}\n2026-11-20T10:15:30Z".encode()).hexdigest()
    assert command.envelope.id == webhook_command_id("onfido", said, "RecordKycDecision")
    assert command.envelope.actor == "system:onfido"
    assert ingress.bodies.kept[command.data.raw_key][1] == COMPLETED


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("approved", ProviderOutcome.APPROVED),
        ("declined", ProviderOutcome.DECLINED),
        ("review", ProviderOutcome.REVIEW),
        ("abandoned", ProviderOutcome.ABANDONED),
        ("error", ProviderOutcome.ERROR),
    ],
)
@pytest.mark.parametrize("output", [{"result": "clear"}, [{"result": "clear"}], None])
async def test_only_the_status_of_a_run_is_read(ingress: Ingress, status: str, outcome: ProviderOutcome, output: object) -> None:
    body = onfido_payload("workflow_run.completed", status=status, resource={"status": status, "output": output})
    await known(ingress, RUN).onfido(body)
    (command,) = ingress.commands
    assert isinstance(command.data, RecordKycDecision)
    assert command.data.outcome is outcome


@pytest.mark.parametrize("status", ["processing", "awaiting_input", "awaiting_client_input", "something_new"])
async def test_a_run_of_another_status_is_no_decision(ingress: Ingress, status: str) -> None:
    body = onfido_payload("workflow_run.completed", status=status)
    assert reason_of(await known(ingress, RUN).onfido(body)) == (200, "ignored")


async def test_reasons_and_errors_are_told(ingress: Ingress) -> None:
    known(ingress, RUN)
    await ingress.onfido(onfido_payload("workflow_run.completed", status="declined", resource={"reasons": ["expired", 7, "blurred"]}))
    await ingress.onfido(onfido_payload("workflow_run.completed", status="error", resource={"error": {"message": "no camera"}}))
    reasons = {command.data.reason for command in ingress.commands if isinstance(command.data, RecordKycDecision)}
    assert reasons == {"expired; blurred", "no camera"}


@pytest.mark.parametrize("action", ["check.completed", "check.reopened"])
async def test_a_check_says_that_and_not_how_it_ended(ingress: Ingress, action: str) -> None:
    assert reason_of(await known(ingress, CHECK).onfido(onfido_payload("check.completed", action=action))) == (200, "accepted")
    (command,) = ingress.commands
    assert command.data == RefreshKycDecision(kyc_session_id=SESSION)
    assert ingress.bodies.kept == {}


@pytest.mark.parametrize("name", ["workflow_task.completed.list_output", "workflow_task.completed.object_output"])
@pytest.mark.parametrize("action", ["workflow_task.completed", "workflow_task.started"])
async def test_a_task_is_progress_whatever_its_output(ingress: Ingress, name: str, action: str) -> None:
    assert reason_of(await known(ingress, TASKS_RUN).onfido(onfido_payload(name, action=action))) == (200, "accepted")
    (command,) = ingress.commands
    assert command.data == RecordKycProgress(kyc_session_id=SESSION, veriff_session_id=TASKS_RUN, action=action)
    assert b"Jane" not in ingress.raw


@pytest.mark.parametrize("action", ["check.started", "check.form_completed"])
async def test_a_check_goes_on(ingress: Ingress, action: str) -> None:
    assert reason_of(await known(ingress, CHECK).onfido(onfido_payload("check.completed", action=action))) == (200, "accepted")
    (command,) = ingress.commands
    assert command.data == RecordKycProgress(kyc_session_id=SESSION, veriff_session_id=CHECK, action=action)


@pytest.mark.parametrize(
    "action",
    [
        "check.withdrawn",
        "report.completed",
        "report.withdrawn",
        "watchlist_monitor.matches_updated",
        "audit_log.created",
        "workflow_timeline_file.created",
        "workflow_run_evidence_folder.created",
        "something.new",
    ],
)
async def test_what_is_no_verdict_is_counted_and_let_go(ingress: Ingress, action: str) -> None:
    assert reason_of(await known(ingress, CHECK).onfido(onfido_payload("check.completed", action=action))) == (200, "ignored")
    assert (ingress.commands, ingress.bodies.kept, ingress.quarantine.rows) == ([], {}, {})
    assert ingress.metrics.counts["webhooks", "onfido", "other", "ignored"] == 1


# --- whose it is ---------------------------------------------------------------------------------------------------


async def test_the_tag_comes_first(ingress: Ingress) -> None:
    known(ingress, "another-run")
    assert reason_of(await ingress.onfido(onfido_payload("workflow_run.completed", resource=TAGGED))) == (200, "accepted")
    assert ingress.commands[0].envelope.subject == SESSION


@pytest.mark.parametrize("tags", [None, "kycSessionId:x", ["kycSessionId:not-an-id"], ["kycSessionId"], [7], [f"other:{SESSION}"]])
async def test_without_the_tag_the_runs_id_finds_the_row(ingress: Ingress, tags: object) -> None:
    body = onfido_payload("workflow_run.completed", resource={"tags": tags})
    assert reason_of(await known(ingress, RUN).onfido(body)) == (200, "accepted")


async def test_another_environments_run_is_dropped(ingress: Ingress) -> None:
    body = onfido_payload("workflow_run.completed", resource={"tags": [f"kycSessionId:{SESSION}", "environment:staging"]})
    assert reason_of(await known(ingress, RUN).onfido(body)) == (200, "dropped")
    assert ingress.commands == []


async def test_a_run_of_nobody(ingress: Ingress) -> None:
    young = onfido_payload("workflow_run.completed", completed_at_iso8601=ago(ingress, 3599))
    assert reason_of(await ingress.onfido(young)) == (503, "unknown_key")
    old = onfido_payload("workflow_run.completed", completed_at_iso8601=ago(ingress, 3601))
    assert reason_of(await ingress.onfido(old)) == (200, "quarantined")
    timeless = onfido_payload("workflow_task.completed.list_output", action="workflow_task.started", completed_at_iso8601=None)
    assert reason_of(await ingress.onfido(timeless)) == (503, "unknown_key")


async def test_tasks_of_two_people_are_two_deliveries(ingress: Ingress) -> None:
    """They bear the same id in their own workflow, and one that starts tells no time."""
    other = "44444444-4444-4444-8444-444444444444"
    known(ingress, TASKS_RUN)
    known(ingress, "another-run", other)
    for run in (TASKS_RUN, "another-run"):
        task = {"workflow_run_id": run, "completed_at_iso8601": None}
        body = onfido_payload(
            "workflow_task.completed.list_output", action="workflow_task.started", **task, resource={"workflow_run_id": run}
        )
        assert reason_of(await ingress.onfido(body)) == (200, "accepted")
    assert len({command.envelope.id for command in ingress.commands}) == 2


# --- trouble -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\xff", "not_utf8"),
        (b"{", "not_json"),
        (b"[]", "not_an_event"),
        (b'{"payload": []}', "not_an_event"),
        (b'{"payload": {}}', "event_incomplete"),
        (b'{"payload": {"action": "check.completed"}}', "event_incomplete"),
        (b'{"payload": {"action": "check.completed", "object": {"id": 7}}}', "event_incomplete"),
        (payload("onfido", "check_resource_clear"), "not_an_event"),
    ],
)
async def test_signed_bodies_that_are_no_delivery(ingress: Ingress, body: bytes, reason: str) -> None:
    assert reason_of(await ingress.onfido(body)) == (400, reason)


async def test_a_run_without_any_time_is_put_aside(ingress: Ingress) -> None:
    body = onfido_payload("workflow_run.completed", completed_at_iso8601=None, resource={"updated_at": None})
    assert reason_of(await known(ingress, RUN).onfido(body)) == (200, "quarantined")
    (row,) = ingress.quarantine.rows.values()
    assert (row.provider, row.code, row.body) == ("onfido", "invalid_payload", body)
    assert ingress.bodies.kept == {}


async def test_without_a_place_for_the_body_nothing_is_published(ingress: Ingress) -> None:
    known(ingress, RUN).bodies.away = True
    assert reason_of(await ingress.onfido(COMPLETED)) == (503, "objects_unavailable")
    assert ingress.commands == []
