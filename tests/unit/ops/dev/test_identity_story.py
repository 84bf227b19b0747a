"""An identity check from its start to its verdict: effects, fakes, webhooks, decisions, all in one process."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from contracts.ids import derived
from contracts.kyc import StartKycSession
from contracts.sealed import VALUE
from contracts.types import KycSessionId, Purpose
from tests.support.waiting import eventually
from workers.adapters.sealing import Sealer
from workers.engine.decision import ItemRef
from workers.engine.memory import MemoryStore
from workers.main import MindLinks
from workers.ops.dev.environment import Development, Wish
from workers.ops.dev.opening import development
from workers.ops.fakes.memory import MemoryObjects
from workers.ops.stack import Provider

USER = "22222222-2222-4222-8222-222222222222"


def row_of(standing: Development, session: str) -> dict[str, Any]:
    store = standing.backbone.store
    assert isinstance(store, MemoryStore)
    return dict(store.items.get(ItemRef("kyc-sessions", session), {}))


async def start(standing: Development, http: httpx.AsyncClient, provider: str) -> KycSessionId:
    session = KycSessionId(str(uuid4()))
    name = await Sealer(standing.backbone.keys).seal(Purpose.SUBJECT, USER, VALUE, "Sarah Morgan")
    data = {"contractorId": derived(f"contractor:{USER}"), "userId": USER, "provider": provider, "country": "GB", "name": name}
    event = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": "/tests",
        "type": StartKycSession.kind(),
        "data": {"kycSessionId": session, **data},
    }
    headers = {"Authorization": standing.keys.bearer, "Mindlinks-Actor": "system:kyc", "Content-Type": "application/cloudevents+json"}
    answer = await http.post(f"{standing.http}/v1/commands", json=event, headers=headers)
    assert answer.status_code == 202, answer.text
    return session


@pytest.mark.parametrize(("provider", "step", "end"), [("veriff", "approve", "verified"), ("onfido", "decline", "rejected")])
async def test_from_start_to_verdict(provider: str, step: str, end: str) -> None:
    async with development(Wish(MindLinks(), Provider.EMBEDDED, "unit")) as standing, httpx.AsyncClient(trust_env=False) as http:
        session = await start(standing, http, provider)
        await eventually(lambda: "veriffSessionId" in row_of(standing, session), what=lambda: row_of(standing, session))
        answer = await http.post(f"{standing.identity}/_fake/sessions/{session}/{step}")
        assert answer.status_code == 200, answer.text
        await eventually(lambda: row_of(standing, session).get("status") == end, what=lambda: row_of(standing, session))
        objects = standing.backbone.objects
        assert isinstance(objects, MemoryObjects)
        (raw_key,) = row_of(standing, session)["rawKeys"]
        assert list(objects.kept) == [raw_key]
        assert objects.kept[raw_key].startswith(f"s1.legal.{USER}.1.".encode())
        assert await standing.trouble() == ""
