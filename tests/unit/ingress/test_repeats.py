"""The same id again: receipts, other bodies, other clients, other processes."""

from typing import Any

import pytest

from tests.unit.ingress.doubles import AUTHORIZED, CONTRACT, ID, NOW, OTHER, Ingress, cancel, reason_of


def receipt(ingress: Ingress, **changes: Any) -> None:
    """The row of the command that was sent last, as the projection will write it."""
    ticket = ingress.commands[-1].envelope.receipt
    assert ticket is not None
    row = {"commandId": ID, "client": ticket.client, "bodyHash": ticket.body_hash, "kind": "mindlinks.contract.CancelContract.v1"}
    known = {"key": CONTRACT, "state": "applied", "at": "2026-11-21T22:27:16.000Z", "eventIds": [OTHER], "position": "topic/3/17"}
    ingress.put("platform-receipts", ID, row | known | {"expiresAt": NOW // 1000 + 90 * 86400} | changes)


def forgotten(ingress: Ingress) -> Ingress:
    """Another process on the same log and store."""
    return Ingress(clock=ingress.clock, store=ingress.store)


async def test_a_repeat_is_answered_from_its_receipt(ingress: Ingress) -> None:
    await ingress.send(cancel())
    receipt(ingress, state="refused", reason="invalid_state")
    other = forgotten(ingress)
    response = await other.send(cancel(time="2026-01-01T00:00:00Z", correlationid="another"))
    assert response.status_code == 202
    assert response.json() == {"status": 202, "id": ID, "state": "refused", "reason": "invalid_state"}
    assert other.commands == []


@pytest.mark.parametrize("settled", [True, False])
async def test_an_id_is_not_used_for_another_command(ingress: Ingress, settled: bool) -> None:
    await ingress.send(cancel())
    if settled:
        receipt(ingress)
    for changed in (cancel(reason="another"), cancel(actor=f"contractor:{OTHER}"), cancel(subject=CONTRACT)):
        assert reason_of(await ingress.send(changed)) == (422, "idempotency_key_reused")
    assert len(ingress.commands) == 1


async def test_an_id_of_another_client_is_not_told_about(ingress: Ingress) -> None:
    await ingress.send(cancel())
    receipt(ingress, client="somebody")
    assert reason_of(await ingress.send(cancel())) == (422, "idempotency_key_reused")
    assert reason_of(await ingress.http.get(f"/v1/commands/{ID}", headers=AUTHORIZED)) == (404, "receipt_not_found")


async def test_a_repeat_before_the_receipt_is_not_published_again(ingress: Ingress) -> None:
    for _ in range(3):
        assert reason_of(await ingress.send(cancel())) == (202, "accepted")
    assert len(ingress.commands) == 1


async def test_a_receipt_past_its_time_is_absent(ingress: Ingress) -> None:
    await ingress.send(cancel())
    receipt(ingress, expiresAt=NOW // 1000)
    assert reason_of(await ingress.http.get(f"/v1/commands/{ID}", headers=AUTHORIZED)) == (404, "receipt_not_found")
    other = forgotten(ingress)
    assert reason_of(await other.send(cancel(reason="another"))) == (202, "accepted")


async def test_a_receipt_is_shown_to_its_client(ingress: Ingress) -> None:
    assert reason_of(await ingress.http.get(f"/v1/commands/{ID}", headers=AUTHORIZED)) == (404, "receipt_not_found")
    await ingress.send(cancel())
    receipt(ingress)
    response = await ingress.http.get(f"/v1/commands/{ID}", headers=AUTHORIZED)
    assert response.json() == {
        "id": ID,
        "kind": "mindlinks.contract.CancelContract.v1",
        "key": CONTRACT,
        "state": "applied",
        "eventIds": [OTHER],
        "position": "topic/3/17",
        "at": "2026-11-21T22:27:16.000Z",
    }
    assert reason_of(await ingress.http.get("/v1/commands/no-id", headers=AUTHORIZED)) == (404, "receipt_not_found")
