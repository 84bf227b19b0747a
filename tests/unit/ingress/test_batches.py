"""Batches: a result per member, order, and how each counts against the client's rate."""

import pytest

from tests.unit.ingress.doubles import (
    AUTHORIZED,
    CLIENT_SECRET,
    DEPOSIT,
    ID,
    NOW,
    OTHER,
    THIRD,
    Ingress,
    cancel,
    client_key,
    command,
    reason_of,
)
from workers.ingress.problems import Problem
from workers.ingress.rate_limit import RateLimit


async def test_a_batch_of_good_commands(ingress: Ingress) -> None:
    response = await ingress.send([cancel(), command("mindlinks.payment.RequestDeposit.v1", DEPOSIT, id=OTHER)])
    assert response.status_code == 202
    assert [(one["status"], one["id"], one["state"]) for one in response.json()["results"]] == [
        (202, ID, "accepted"),
        (202, OTHER, "accepted"),
    ]
    assert len(ingress.commands) == 2


async def test_a_mixed_batch_has_a_result_per_member(ingress: Ingress) -> None:
    members = [cancel(), 7, cancel(id=OTHER, subject=OTHER), cancel(id=THIRD, type="mindlinks.x.Y.v1"), cancel(id=OTHER)]
    response = await ingress.send(members)
    assert response.status_code == 207
    results = [(one["status"], one.get("reason", one.get("state"))) for one in response.json()["results"]]
    assert results[:4] == [(202, "accepted"), (400, "invalid_payload"), (400, "invalid_payload"), (400, "unknown_type")]
    assert results[4] == (422, "idempotency_key_reused")  # two members, one id, different subjects
    assert [decoded.envelope.id for decoded in ingress.commands] == [ID]


async def test_a_batch_of_which_nothing_is_taken_still_has_its_results(ingress: Ingress) -> None:
    response = await ingress.send([7, cancel(subject=OTHER)])
    assert response.status_code == 207
    assert [one["status"] for one in response.json()["results"]] == [400, 400]


async def test_one_id_twice_in_a_batch(ingress: Ingress) -> None:
    response = await ingress.send([cancel(), cancel(), cancel(reason="another")])
    assert [one["status"] for one in response.json()["results"]] == [202, 202, 422]
    assert len(ingress.commands) == 1


async def test_part_of_a_batch_may_not_be_acknowledged(ingress: Ingress) -> None:
    ingress.log.lost_topic = "mindlinks.payment.commands"
    batch = [cancel(), command("mindlinks.payment.RequestDeposit.v1", DEPOSIT, id=OTHER)]
    response = await ingress.send(batch)
    assert (response.status_code, response.headers["retry-after"]) == (207, "5")
    assert [(one["status"], one.get("retryAfter")) for one in response.json()["results"]] == [(202, None), (503, 5)]
    ingress.log.lost_topic = ""
    assert (await ingress.send(batch)).status_code == 202
    assert [decoded.envelope.id for decoded in ingress.commands].count(ID) == 1


async def test_a_whole_batch_that_is_not_acknowledged(ingress: Ingress) -> None:
    ingress.log.away = True
    response = await ingress.send([cancel(), cancel(id=OTHER)])
    assert reason_of(response) == (503, "log_unavailable")


async def test_batches_that_are_none(ingress: Ingress) -> None:
    headers = {**AUTHORIZED, "content-type": "application/cloudevents-batch+json"}
    assert reason_of(await ingress.http.post("/v1/commands", content=b"{}", headers=headers)) == (400, "invalid_payload")
    assert reason_of(await ingress.send([cancel()], idempotency_key="k")) == (400, "invalid_idempotency_key")
    assert (await ingress.send([])).json() == {"results": []}


async def test_order_within_a_batch_is_kept(ingress: Ingress) -> None:
    ids = [f"00000000-0000-4000-8000-{number:012}" for number in range(20)]
    await ingress.send([cancel(id=one) for one in ids])
    assert [decoded.envelope.id for decoded in ingress.commands] == ids


# --- rates ---------------------------------------------------------------------------------------------------------


async def test_a_client_is_slowed_down() -> None:
    ingress = Ingress(clients=[client_key(per_minute=6), client_key("patient")])
    ids = [f"00000000-0000-4000-8000-{number:012}" for number in range(9)]
    for one in ids[:6]:
        assert (await ingress.send(cancel(id=one))).status_code == 202
    response = await ingress.send(cancel(id=ids[6]))
    assert reason_of(response) == (429, "rate_limited")
    assert response.headers["retry-after"] == "10"
    other = {"authorization": f"Bearer patient.{CLIENT_SECRET}"}
    assert (await ingress.send(cancel(id=ids[7]), **other)).status_code == 202
    ingress.clock.at += 9_999
    assert (await ingress.send(cancel(id=ids[6]))).status_code == 429
    ingress.clock.at += 1
    assert (await ingress.send(cancel(id=ids[6]))).status_code == 202
    ingress.clock.at -= 60_000
    assert (await ingress.send(cancel(id=ids[8]))).status_code == 429


async def test_members_of_a_batch_count_each() -> None:
    ingress = Ingress(clients=[client_key(per_minute=3)])
    ids = [f"00000000-0000-4000-8000-{number:012}" for number in range(4)]
    assert reason_of(await ingress.send([cancel(id=one) for one in ids])) == (413, "batch_too_large")
    ingress.clock.at += 60_000
    assert (await ingress.send([cancel(id=one) for one in ids[:3]])).status_code == 202
    assert reason_of(await ingress.send(cancel(id=ids[3]))) == (429, "rate_limited")


def test_a_clock_that_is_set_back_takes_nothing_away() -> None:
    limit = RateLimit()
    limit.take("web", 6, 1, NOW)
    limit.take("web", 6, 5, NOW - 60_000)
    with pytest.raises(Problem) as refused:
        limit.take("web", 6, 1, NOW - 60_000)
    assert (refused.value.reason, refused.value.retry_after) == ("rate_limited", 10)
