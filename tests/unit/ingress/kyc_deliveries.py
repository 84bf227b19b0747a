"""Deliveries of Veriff and Onfido as their payload files have them, and the session that they are about."""

import json
from pathlib import Path
from typing import Any

from contracts.kyc import raw_body_key
from contracts.timestamps import from_milliseconds
from contracts.types import KycSessionId
from tests.unit.ingress.doubles import USER, Ingress
from workers.ingress.kyc_delivery import delivery_id

PAYLOADS = Path(__file__).parents[2] / "payloads"
SESSION = KycSessionId("33333333-3333-4333-8333-333333333333")
VERIFF_ID = "f04bdb47-d3be-4b28-b028-a652feb060b5"
RUN = "bc77c6e5-753a-4580-96a6-aaed3e5a8d19"
TASKS_RUN = "b48fdff9-66a1-405d-9912-54780799bd68"
CHECK = "f2302f45-227d-413d-ad61-09ec077a086a"


def payload(provider: str, name: str) -> bytes:
    return (PAYLOADS / provider / f"{name}.json").read_bytes()


def veriff_payload(name: str, **changes: Any) -> bytes:
    """``changes``: of the event, or of the decision's ``verification``."""
    body = json.loads(payload("veriff", name))
    body.get("verification", body).update(changes)
    return json.dumps(body).encode()


def onfido_payload(name: str, *, resource: dict[str, Any] | None = None, action: str | None = None, **changes: Any) -> bytes:
    """``changes``: of the object."""
    body = json.loads(payload("onfido", name))
    body["payload"]["object"].update(changes)
    body["payload"].setdefault("resource", {}).update(resource or {})
    if action:
        body["payload"]["action"] = action
    return json.dumps(body).encode()


def known(ingress: Ingress, reference: str = VERIFF_ID, session: str = SESSION) -> Ingress:
    """There is a session for it, as kyc keeps one."""
    row = {"id": session, "userId": USER, "veriffSessionId": reference, "status": "pending", "provider": "veriff"}
    ingress.put("kyc-sessions", session, row)
    return ingress


def ago(ingress: Ingress, seconds: int) -> str:
    return from_milliseconds(ingress.clock.at - seconds * 1000)


def key_of(*parts: object) -> str:
    return raw_body_key(SESSION, delivery_id(*parts))
