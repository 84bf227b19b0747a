"""Veriff's deliveries, as published and as composed, against the whole application."""

import hashlib
import json
from typing import Any

import pytest

from contracts.ids import webhook_command_id
from contracts.kyc import KycProvider, ProviderOutcome, RecordKycDecision, RecordKycProgress
from contracts.types import DecisionTime
from tests.unit.ingress.doubles import USER, VERIFF_KEY, VERIFF_SECRETS, Ingress, hmac_of, reason_of
from tests.unit.ingress.kyc_deliveries import PAYLOADS, SESSION, VERIFF_ID, ago, key_of, known, payload, veriff_payload
from workers.ingress.dependencies import VeriffEndpoints

VECTOR: dict[str, Any] = json.loads(payload("veriff", "signature_vector"))
DECISIONS = sorted(path.stem for path in (PAYLOADS / "veriff").glob("decision*.json"))
EVENTS = sorted(path.stem for path in (PAYLOADS / "veriff").glob("event*.json"))
NO_DELIVERIES = ["create_session_request", "veriff-create-session-success"]
APPROVED = payload("veriff", "decision_9001_approved")
TIME = "2026-11-20T10:02:36.916123Z"
ATTEMPT = "e30122d1-740b-4764-853f-470374000002"


def known_for(ingress: Ingress, body: bytes) -> Ingress:
    """A row for it, found by our id where the file holds one of the form of ours."""
    said = json.loads(body)
    return known(ingress, said.get("verification", said)["id"])


def test_every_file_is_used() -> None:
    used = {*DECISIONS, *EVENTS, *NO_DELIVERIES, "signature_vector"}
    assert {path.stem for path in (PAYLOADS / "veriff").glob("*.json")} == used
    assert (len(DECISIONS), len(EVENTS)) == (8, 4)


# --- signatures ----------------------------------------------------------------------------------------------------


async def test_the_published_vector(ingress: Ingress) -> None:
    body, secret = VECTOR["body"].encode(), VECTOR["shared_secret"]
    endpoint = Ingress(changes={"veriff": VeriffEndpoints((secret,), VERIFF_KEY)})
    right = await endpoint.veriff(body, x_hmac_signature=VECTOR["x-hmac-signature"])
    # A session's creation was signed there, which is genuine and says nothing to us.
    assert (right.status_code, reason_of(right)[1]) == (400, "event_incomplete")
    wrong = await endpoint.veriff(body + b" ", x_hmac_signature=VECTOR["x-hmac-signature"])
    assert reason_of(wrong) == (400, "signature_mismatch")


@pytest.mark.parametrize("name", [*DECISIONS, *EVENTS])
@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("secret", "signature_mismatch"),
        ("body", "signature_mismatch"),
        ("short", "signature_malformed"),
        ("letters", "signature_malformed"),
        ("missing", "signature_missing"),
        ("legacy", "signature_missing"),
        ("client", "client_mismatch"),
        ("no client", "client_mismatch"),
    ],
)
async def test_each_wrong_way_is_refused(ingress: Ingress, name: str, wrong: str, reason: str) -> None:
    body = payload("veriff", name)
    right = hmac_of(body, VERIFF_SECRETS[0])
    headers = {
        "secret": {"x_hmac_signature": hmac_of(body, "another secret")},
        "body": {"x_hmac_signature": hmac_of(body + b" ", VERIFF_SECRETS[0])},
        "short": {"x_hmac_signature": right[:-1]},
        "letters": {"x_hmac_signature": "z" + right[1:]},
        "missing": {"x_hmac_signature": ""},
        "legacy": {"x_hmac_signature": "", "x_signature": hashlib.sha256(body + VERIFF_SECRETS[0].encode()).hexdigest()},
        "client": {"x_auth_client": "another-integration"},
        "no client": {"x_auth_client": ""},
    }[wrong]
    response = await known_for(ingress, body).veriff(body, **headers)
    assert reason_of(response) == (400, reason)
    assert (ingress.commands, ingress.bodies.kept) == ([], {})
    assert ingress.metrics.counts["webhooks", "veriff", "unverified", reason] == 1


@pytest.mark.parametrize("secret", VERIFF_SECRETS)
async def test_either_secret_of_a_roll_is_taken_however_its_digest_is_written(ingress: Ingress, secret: str) -> None:
    response = await known(ingress).veriff(APPROVED, x_hmac_signature=hmac_of(APPROVED, secret).upper())
    assert reason_of(response) == (200, "accepted")


async def test_the_newer_names_of_the_headers_are_taken(ingress: Ingress) -> None:
    newer = {"vrf_hmac_signature": hmac_of(APPROVED, VERIFF_SECRETS[0]), "vrf_auth_client": VERIFF_KEY}
    response = await known(ingress).veriff(APPROVED, x_hmac_signature="", x_auth_client="", **newer)
    assert reason_of(response) == (200, "accepted")


@pytest.mark.parametrize("secrets", [(), ("",)])
async def test_without_a_secret_everything_is_refused(secrets: tuple[str, ...]) -> None:
    bare = Ingress(changes={"veriff": VeriffEndpoints(secrets, VERIFF_KEY)})
    assert reason_of(await bare.veriff(APPROVED, x_hmac_signature=hmac_of(APPROVED, ""))) == (503, "not_configured")


# --- rows of section 12 --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DECISIONS)
async def test_every_decision_becomes_one_command(ingress: Ingress, name: str) -> None:
    body = payload("veriff", name)
    response = await known_for(ingress, body).veriff(body)
    assert reason_of(response) == (200, "accepted")
    (command,) = ingress.commands
    said = json.loads(body)["verification"]
    assert isinstance(command.data, RecordKycDecision)
    assert (command.data.veriff_session_id, command.data.code) == (said["id"], str(said["code"]))
    assert ingress.metrics.counts["webhooks", "veriff", str(said["code"]), "accepted"] == 1
    ((kept_key, (subject, kept)),) = ingress.bodies.kept.items()
    assert (kept_key, subject, kept) == (command.data.raw_key, USER, body)


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("decision_9001_approved", ProviderOutcome.APPROVED),
        ("decision_9102_declined", ProviderOutcome.DECLINED),
        ("decision_9103_resubmission", ProviderOutcome.RESUBMISSION),
        ("decision_9104_expired", ProviderOutcome.EXPIRED),
        ("decision_9104_abandoned", ProviderOutcome.ABANDONED),
        ("decision_9121_review", ProviderOutcome.REVIEW),
    ],
)
async def test_the_status_says_the_outcome(ingress: Ingress, name: str, outcome: ProviderOutcome) -> None:
    await known(ingress).veriff(payload("veriff", name))
    (command,) = ingress.commands
    assert isinstance(command.data, RecordKycDecision)
    assert command.data.outcome is outcome


async def test_an_approval_whole(ingress: Ingress) -> None:
    await known(ingress).veriff(APPROVED)
    (command,) = ingress.commands
    assert command.data == RecordKycDecision(
        kyc_session_id=SESSION,
        provider=KycProvider.VERIFF,
        veriff_session_id=VERIFF_ID,
        attempt_id=ATTEMPT,
        outcome=ProviderOutcome.APPROVED,
        code="9001",
        decision_time=DecisionTime(TIME),
        document_type="DRIVERS_LICENSE",
        document_country="GB",
        raw_key=key_of(VERIFF_ID, ATTEMPT, 9001, TIME),
    )
    said = hashlib.sha256(f"{VERIFF_ID}\n{ATTEMPT}\n9001\n{TIME}".encode()).hexdigest()
    assert command.envelope.id == webhook_command_id("veriff", said, "RecordKycDecision")
    assert (command.envelope.actor, command.envelope.subject) == ("system:veriff", SESSION)


async def test_labels_and_milliseconds_of_the_published_sample(ingress: Ingress) -> None:
    body = payload("veriff", "decision")
    await known_for(ingress, body).veriff(body)
    (command,) = ingress.commands
    assert isinstance(command.data, RecordKycDecision)
    assert command.data.decision_time == "2019-11-06T07:18:36.916000Z"
    assert command.data.risk_labels == (
        "document_integration_level_crosslinked_with_fraud",
        "document_integration_level_crosslinked_with_multiple_declines",
    )


async def test_nothing_of_the_person_is_on_the_log(ingress: Ingress) -> None:
    await known(ingress).veriff(APPROVED)
    assert not any(word in ingress.raw for word in (b"MORGAN", b"SARAH", b"1967", b"MORGA753116SM9IJ", b"Snowy", b"186.153"))


async def test_too_many_attempts_are_a_rejection(ingress: Ingress) -> None:
    await known(ingress).veriff(veriff_payload("decision_9103_resubmission", reasonCode=539))
    (command,) = ingress.commands
    assert isinstance(command.data, RecordKycDecision)
    assert (command.data.outcome, command.data.reason_code) == (ProviderOutcome.DECLINED, "539")


@pytest.mark.parametrize("path", ["event", "decision"])
@pytest.mark.parametrize(("name", "code"), [("event_7001_started", "7001"), ("event-attempt", "7002"), ("event", "7002")])
async def test_progress_comes_at_either_address(ingress: Ingress, path: str, name: str, code: str) -> None:
    response = await known(ingress).veriff(payload("veriff", name), path)
    assert reason_of(response) == (200, "accepted")
    (command,) = ingress.commands
    attempt = json.loads(payload("veriff", name)).get("attemptId")
    assert command.data == RecordKycProgress(kyc_session_id=SESSION, veriff_session_id=VERIFF_ID, attempt_id=attempt, code=code)
    assert ingress.bodies.kept == {}


@pytest.mark.parametrize(
    "body",
    [
        payload("veriff", "event-address"),
        veriff_payload("event", code=7003),
        veriff_payload("event", code="7002 or so"),
        veriff_payload("decision_9001_approved", code=9151, status="submitted"),
        veriff_payload("decision_9001_approved", code=9161, status=None),
        b'{"checkType": "updated_result", "matchStatus": "possible_match", "vendorData": "x"}',
        b"{}",
    ],
)
async def test_what_says_nothing_to_us_is_counted_and_let_go(ingress: Ingress, body: bytes) -> None:
    response = await known(ingress).veriff(body)
    assert reason_of(response) == (200, "ignored")
    assert (ingress.commands, ingress.bodies.kept, ingress.quarantine.rows) == ([], {}, {})
    assert sum(count for tags, count in ingress.metrics.counts.items() if tags[0] == "webhooks" and tags[3] == "ignored") == 1


async def test_unknown_codes_get_no_series_of_their_own(ingress: Ingress) -> None:
    for code in range(7003, 7013):
        await ingress.veriff(veriff_payload("event", code=code))
    assert ingress.metrics.counts["webhooks", "veriff", "other", "ignored"] == 10


# --- whose it is ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor_data", [None, "", "12345678", SESSION.upper(), 7])
async def test_without_our_id_the_providers_finds_the_row(ingress: Ingress, vendor_data: object) -> None:
    response = await known(ingress).veriff(veriff_payload("decision_9001_approved", vendorData=vendor_data))
    assert reason_of(response) == (200, "accepted")
    assert ingress.commands[0].envelope.subject == SESSION


async def test_our_id_comes_first_and_whether_the_reference_fits_is_kycs_to_say(ingress: Ingress) -> None:
    known(ingress, "another-session-at-the-provider")
    await ingress.veriff(APPROVED)
    (command,) = ingress.commands
    assert isinstance(command.data, RecordKycDecision)
    assert (command.data.kyc_session_id, command.data.veriff_session_id) == (SESSION, VERIFF_ID)


async def test_a_young_decision_of_nobody_is_asked_for_again(ingress: Ingress) -> None:
    young = await ingress.veriff(veriff_payload("decision_9001_approved", decisionTime=ago(ingress, 3599)))
    assert reason_of(young) == (503, "unknown_key")
    assert young.headers["retry-after"] == "60"
    assert ingress.quarantine.rows == {}
    old = await ingress.veriff(veriff_payload("decision_9001_approved", decisionTime=ago(ingress, 3601)))
    assert reason_of(old) == (200, "quarantined")
    assert len(ingress.quarantine.rows) == 1
    assert (ingress.commands, ingress.bodies.kept) == ([], {})


async def test_an_event_of_nobody_tells_no_time_and_is_asked_for_again(ingress: Ingress) -> None:
    ingress.clock.at += 10**9
    assert reason_of(await ingress.veriff(payload("veriff", "event_7001_started"))) == (503, "unknown_key")


# --- trouble -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\xff\xfe", "not_utf8"),
        (b"{", "not_json"),
        (b"[]", "not_an_event"),
        (b'"text"', "not_an_event"),
        (veriff_payload("decision_9001_approved", id=None), "event_incomplete"),
        (veriff_payload("event", id=""), "event_incomplete"),
    ],
)
async def test_signed_bodies_that_are_no_delivery(ingress: Ingress, body: bytes, reason: str) -> None:
    assert reason_of(await ingress.veriff(body)) == (400, reason)


@pytest.mark.parametrize(
    "time", [None, "yesterday", "2026-11-20T10:02:36", 1795300036, "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00"]
)
async def test_a_decision_without_its_time_is_put_aside_and_nothing_kept(ingress: Ingress, time: object) -> None:
    body = veriff_payload("decision_9001_approved", decisionTime=time)
    response = await known(ingress).veriff(body)
    assert reason_of(response) == (200, "quarantined")
    (row,) = ingress.quarantine.rows.values()
    assert (row.provider, row.code, row.body) == ("veriff", "invalid_payload", body)
    assert (ingress.commands, ingress.bodies.kept) == ([], {})
    await ingress.veriff(body)
    assert len(ingress.quarantine.rows) == 1


async def test_odd_words_are_cut_to_size_and_lose_no_decision(ingress: Ingress) -> None:
    odd = {
        "reason": "Blurred\r\n" + "x" * 600,
        "document": {"type": ["PASSPORT"], "country": "GBR"},
        "riskLabels": [{"label": "one"}, {"label": None}, "two", {"label": "y" * 300}] + [{"label": "more"}] * 40,
        "attemptId": 7,
    }
    response = await known(ingress).veriff(veriff_payload("decision_9102_declined", **odd))
    assert reason_of(response) == (200, "accepted")
    (command,) = ingress.commands
    assert isinstance(command.data, RecordKycDecision)
    assert command.data.reason == ("Blurred  " + "x" * 600)[:500]
    assert (command.data.document_type, command.data.document_country) == (None, None)
    assert command.data.risk_labels[:2] == ("one", "y" * 200)
    assert len(command.data.risk_labels) == 20


@pytest.mark.parametrize("trouble", ["away", "refused"])
async def test_without_a_place_for_the_body_nothing_is_published(ingress: Ingress, trouble: str) -> None:
    setattr(known(ingress).bodies, trouble, True)
    response = await ingress.veriff(APPROVED)
    assert reason_of(response) == (503, "objects_unavailable")
    assert response.headers["retry-after"] == "5"
    assert ingress.commands == []
    setattr(ingress.bodies, trouble, False)
    assert reason_of(await ingress.veriff(APPROVED)) == (200, "accepted")


async def test_of_an_erased_person_nothing_is_kept_and_the_provider_may_stop(ingress: Ingress) -> None:
    known(ingress).bodies.erased = True
    assert reason_of(await ingress.veriff(APPROVED)) == (200, "erased")
    assert (ingress.commands, ingress.quarantine.rows) == ([], {})


async def test_a_body_is_kept_before_its_command_goes_out(ingress: Ingress) -> None:
    known(ingress).log.away = True
    assert reason_of(await ingress.veriff(APPROVED)) == (503, "log_unavailable")
    assert list(ingress.bodies.kept) == [key_of(VERIFF_ID, ATTEMPT, 9001, TIME)]
    ingress.log.away = False
    assert reason_of(await ingress.veriff(APPROVED)) == (200, "accepted")
    assert len(ingress.bodies.kept) == 1


async def test_a_repeat_has_the_same_id_and_replaces_its_body_however_it_is_written(ingress: Ingress) -> None:
    known(ingress)
    await ingress.veriff(APPROVED)
    again = json.dumps(json.loads(APPROVED)).encode()
    assert again != APPROVED
    await ingress.veriff(again)
    first, second = ingress.commands
    assert (first.envelope.id, first.data) == (second.envelope.id, second.data)
    assert list(ingress.bodies.kept.values()) == [(USER, again)]


async def test_the_store_away_is_asked_again(ingress: Ingress) -> None:
    known(ingress).store.away = True
    assert reason_of(await ingress.veriff(APPROVED)) == (503, "store_unavailable")
