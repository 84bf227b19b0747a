"""Stripe's real-looking deliveries against the whole application: right and wrong signatures, keys, environments, faults."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from contracts.ids import webhook_command_id
from tests.unit.ingress.doubles import ACCOUNT, CONTRACT, CONTRACTOR, PAYLOADS, SECRETS, Ingress, reason_of, signature
from workers.ingress.dependencies import StripeEndpoints

EVENTS = sorted((PAYLOADS / "events_modern").glob("*.json"))
OBJECTS = sorted(path for path in (PAYLOADS / "openapi_fixtures").glob("*.json") if path.name != "event.json")
VECTORS: dict[str, Any] = json.loads((PAYLOADS / "signature_vectors.json").read_text())
SUCCEEDED = (PAYLOADS.parent / VECTORS["body_file"]).read_bytes()
DEPOSIT, PAYMENT = "7b0f6a52-1111-4a6e-9d55-000000000001", "7b0f6a52-1111-4a6e-9d55-000000000002"


def changed(body: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    event = json.loads(body)
    change(event)
    return json.dumps(event).encode()


def known_payee(ingress: Ingress) -> None:
    ingress.put("payment-escrow", f"ACCT#{ACCOUNT}", {"contractId": f"ACCT#{ACCOUNT}", "contractorId": CONTRACTOR})


def known_deposit(ingress: Ingress) -> None:
    row = {"id": DEPOSIT, "contractId": CONTRACT, "stripePaymentId": "pi_3MLescrow0000000001", "type": "deposit"}
    ingress.put("payment-transactions", DEPOSIT, row)


def test_the_story_has_twelve_events() -> None:
    assert len(EVENTS) == 12
    assert len(OBJECTS) == 12


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
async def test_every_event_is_accepted_with_a_right_signature(ingress: Ingress, path: Any) -> None:
    known_payee(ingress)
    known_deposit(ingress)
    body = path.read_bytes()
    event = json.loads(body)
    response = await ingress.stripe(body, connect="account" in event)
    assert reason_of(response) == (200, "accepted")
    assert len(ingress.commands) == 1
    assert ingress.metrics.counts["webhooks", "stripe", event["type"], "accepted"] == 1


@pytest.mark.parametrize("path", [*EVENTS, PAYLOADS / "openapi_fixtures" / "event.json"], ids=lambda path: path.stem)
@pytest.mark.parametrize("wrong", ["secret", "body", "old", "future", "scheme", "missing"])
async def test_every_event_is_refused_with_each_wrong_signature(ingress: Ingress, path: Any, wrong: str) -> None:
    body, at = path.read_bytes(), ingress.clock.at // 1000
    header, reason = {
        "secret": (signature(body, "whsec_other", at), "signature_mismatch"),
        "body": (signature(body + b" ", SECRETS[0], at), "signature_mismatch"),
        "old": (signature(body, SECRETS[0], at - 301), "signature_too_old"),
        "future": (signature(body, SECRETS[0], at + 301), "signature_in_future"),
        "scheme": (signature(body, SECRETS[0], at).replace("v1=", "v0="), "signature_malformed"),
        "missing": ("", "signature_missing"),
    }[wrong]
    response = await ingress.stripe(body, header)
    assert reason_of(response) == (400, reason)
    assert ingress.commands == []
    assert ingress.metrics.counts["webhooks", "stripe", "unverified", reason] == 1


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: vector["name"])
async def test_signature_vectors(vector: dict[str, Any]) -> None:
    ingress = Ingress(changes={"stripe": StripeEndpoints((vector["secret"],), ())})
    ingress.clock.at = vector["now"] * 1000
    response = await ingress.stripe(SUCCEEDED, vector["header"])
    assert (response.status_code == 200) is vector["valid"]
    assert len(ingress.commands) == vector["valid"]


@pytest.mark.parametrize("seconds", [-300, 300])
async def test_the_edges_of_the_time_window_are_inside(ingress: Ingress, seconds: int) -> None:
    response = await ingress.stripe(SUCCEEDED, signature(SUCCEEDED, SECRETS[0], ingress.clock.at // 1000 + seconds))
    assert response.status_code == 200


async def test_either_secret_of_a_roll_is_accepted(ingress: Ingress) -> None:
    response = await ingress.stripe(SUCCEEDED, signature(SUCCEEDED, SECRETS[1], ingress.clock.at // 1000))
    assert response.status_code == 200


@pytest.mark.parametrize("path", OBJECTS, ids=lambda path: path.stem)
async def test_other_objects_are_no_events(ingress: Ingress, path: Any) -> None:
    assert reason_of(await ingress.stripe(path.read_bytes())) == (400, "not_an_event")


async def test_an_event_of_another_kind_is_ignored(ingress: Ingress) -> None:
    response = await ingress.stripe((PAYLOADS / "openapi_fixtures" / "event.json").read_bytes())
    assert reason_of(response) == (200, "ignored")
    assert ingress.metrics.counts["webhooks", "stripe", "other", "ignored"] == 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\xff\xfe", "not_utf8"),
        (b"{", "not_json"),
        (b"[]", "not_an_event"),
        (b"{}", "not_an_event"),
        (b'{"object": "event"}', "event_incomplete"),
        (changed(SUCCEEDED, lambda event: event.pop("id")), "event_incomplete"),
        (changed(SUCCEEDED, lambda event: event.update(type="")), "event_incomplete"),
        (changed(SUCCEEDED, lambda event: event.update(created=10**30)), "event_incomplete"),
        (changed(SUCCEEDED, lambda event: event.update(created=True)), "event_incomplete"),
        (changed(SUCCEEDED, lambda event: event.update(data=[])), "event_incomplete"),
        (changed(SUCCEEDED, lambda event: event["data"].update(object=None)), "event_incomplete"),
    ],
)
async def test_signed_bodies_that_are_no_event(ingress: Ingress, body: bytes, reason: str) -> None:
    assert reason_of(await ingress.stripe(body)) == (400, reason)


async def test_a_deposit_becomes_a_command(ingress: Ingress) -> None:
    await ingress.http.post(
        "/webhooks/stripe",
        content=SUCCEEDED,
        headers={"stripe-signature": VECTORS["vectors"][0]["header"], "traceparent": f"00-{'a' * 32}-{'b' * 16}-01"},
    )
    (decoded,) = ingress.commands
    envelope = decoded.envelope
    assert envelope.id == webhook_command_id("stripe", "evt_3MLescrow000000000002", "RecordDepositSucceeded")
    assert (envelope.actor, envelope.source, envelope.subject) == ("system:stripe", "/mindlinks/ingress/stripe", CONTRACT)
    assert (envelope.traceparent, envelope.receipt) == (f"00-{'a' * 32}-{'b' * 16}-01", None)
    assert decoded.data.to_item() == {
        "contractId": CONTRACT,
        "transactionId": DEPOSIT,
        "paymentIntentId": "pi_3MLescrow0000000001",
        "chargeId": "ch_3MLescrow0000000001",
        "amount": 150000,
        "amountReceived": 150000,
        "currency": "USD",
        "eventCreated": "2026-11-21T22:27:10.000Z",
    }


async def test_doubled_deliveries_have_one_id(ingress: Ingress) -> None:
    for _ in range(3):
        await ingress.stripe(SUCCEEDED)
    assert len({decoded.envelope.id for decoded in ingress.commands}) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda event: event.update(livemode=True),
        lambda event: event["data"]["object"]["metadata"].update(environment="production"),
    ],
)
async def test_events_of_other_environments_are_dropped(ingress: Ingress, change: Callable[[dict[str, Any]], None]) -> None:
    response = await ingress.stripe(changed(SUCCEEDED, change))
    assert reason_of(response) == (200, "dropped")
    assert ingress.commands == []
    assert ingress.metrics.counts["webhooks", "stripe", "payment_intent.succeeded", "dropped"] == 1


async def test_a_payment_without_metadata_is_found_by_its_ledger_row(ingress: Ingress) -> None:
    known_deposit(ingress)
    response = await ingress.stripe(changed(SUCCEEDED, lambda event: event["data"]["object"].update(metadata=None)))
    assert reason_of(response) == (200, "accepted")
    assert ingress.commands[0].data.to_item()["transactionId"] == DEPOSIT


async def test_a_dispute_is_found_by_the_deposits_ledger_row(ingress: Ingress) -> None:
    dispute = EVENTS[6].read_bytes()
    recent = changed(dispute, lambda event: event.update(created=ingress.clock.at // 1000))
    assert reason_of(await ingress.stripe(recent)) == (503, "unknown_key")
    known_deposit(ingress)
    assert reason_of(await ingress.stripe(recent)) == (200, "accepted")
    told = ingress.commands[0].data.to_item()
    assert (told["contractId"], told["depositId"], told["moved"]) == (CONTRACT, DEPOSIT, -150_000)


def young_payout(created: int) -> bytes:
    return changed(EVENTS[9].read_bytes(), lambda event: event.update(created=created))


async def test_an_unknown_key_is_delivered_again_for_an_hour(ingress: Ingress) -> None:
    body = young_payout(ingress.clock.at // 1000 - 3599)
    response = await ingress.stripe(body, connect=True)
    assert reason_of(response) == (503, "unknown_key")
    assert response.headers["retry-after"] == "60"
    known_payee(ingress)
    assert reason_of(await ingress.stripe(body, connect=True)) == (200, "accepted")
    assert ingress.quarantine.rows == {}


async def test_an_unknown_key_is_quarantined_after_an_hour(ingress: Ingress) -> None:
    body = young_payout(ingress.clock.at // 1000 - 3600)
    for _ in range(2):
        assert reason_of(await ingress.stripe(body, connect=True)) == (200, "quarantined")
    (row,) = ingress.quarantine.rows.values()
    assert (row.provider, row.delivery, row.code, row.body) == ("stripe", "evt_3MLescrow000000000010", "unknown_key", body)
    assert ingress.metrics.counts["quarantined", "ingress", "unknown_key"] == 2


async def test_what_the_command_does_not_take_is_quarantined(ingress: Ingress) -> None:
    response = await ingress.stripe(changed(SUCCEEDED, lambda event: event["data"]["object"].update(latest_charge=None)))
    assert reason_of(response) == (200, "quarantined")
    assert [row.code for row in ingress.quarantine.rows.values()] == ["invalid_payload"]


async def test_nothing_is_answered_before_it_is_durable(ingress: Ingress) -> None:
    ingress.log.away = True
    response = await ingress.stripe(SUCCEEDED)
    assert reason_of(response) == (503, "log_unavailable")
    assert response.headers["retry-after"] == "5"
    ingress.quarantine.away = True
    response = await ingress.stripe(young_payout(1), connect=True)
    assert reason_of(response) == (503, "store_unavailable")
    ingress.store.away = True
    assert reason_of(await ingress.stripe(young_payout(1), connect=True)) == (503, "store_unavailable")


async def test_an_endpoint_without_secrets_takes_nothing() -> None:
    ingress = Ingress(changes={"stripe": StripeEndpoints((), ("",))})
    assert reason_of(await ingress.stripe(SUCCEEDED)) == (503, "not_configured")
    empty = signature(SUCCEEDED, "", ingress.clock.at // 1000)
    assert reason_of(await ingress.stripe(SUCCEEDED, empty, connect=True)) == (400, "signature_mismatch")


async def test_a_huge_body_is_not_read(ingress: Ingress) -> None:
    assert reason_of(await ingress.stripe(b" " * (1024 * 1024 + 1))) == (413, "body_too_large")
