"""What people and troubles do at the providers of identity checks, over HTTP."""

from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request

from workers.ops.fakes import controls
from workers.ops.fakes.controls import flush, set_delivery_faults
from workers.ops.fakes.identity.steps import Step
from workers.ops.fakes.identity_faults import Fault
from workers.ops.fakes.veriff import NotPossible

if TYPE_CHECKING:
    from workers.ops.fakes.identity.application import IdentityFake


class Order(controls.Order):
    veriff_secrets: tuple[str, ...] = ()
    onfido_secrets: tuple[str, ...] = ()
    provider: str = "veriff"


async def step(fake: "IdentityFake", request: Request, _order: Order) -> dict[str, Any]:
    return {"id": fake.take(request.path_params["name"], Step(request.path_params["step"]))}


async def listen(fake: "IdentityFake", _request: Request, order: Order) -> dict[str, Any]:
    if not (order.ingress and order.veriff_secrets and order.onfido_secrets):
        raise NotPossible("`ingress`, `veriff_secrets` and `onfido_secrets` say where webhooks go and what signs them.")
    fake.listen(order.ingress, order.veriff_secrets, order.onfido_secrets)
    return {"ingress": order.ingress}


async def plan_fault(fake: "IdentityFake", _request: Request, order: Order) -> dict[str, Any]:
    faults = {"veriff": fake.veriff.faults, "onfido": fake.onfido.faults}.get(order.provider)
    if faults is None or order.fault is None:
        raise NotPossible(f"`provider` is veriff or onfido, `fault` one of {', '.join(Fault)}.")
    faults.plan(order.fault, order.times)
    return {"provider": order.provider, "fault": order.fault.value, "times": order.times}


async def clear_faults(fake: "IdentityFake", _request: Request, _order: Order) -> dict[str, Any]:
    fake.veriff.faults.clear()
    fake.onfido.faults.clear()
    return {}


async def show(fake: "IdentityFake", _request: Request, _order: Order) -> dict[str, Any]:
    return {
        "veriff": {"sessions": len(fake.veriff.sessions), "calls": dict(fake.veriff.calls)},
        "onfido": {"runs": len(fake.onfido.runs), "applicants": len(fake.onfido.applicants), "calls": dict(fake.onfido.calls)},
        "owed": len(fake.courier.owed),
        "deliveries": [{"url": attempt.url, "status": attempt.status} for attempt in fake.courier.attempts],
    }


CONTROLS: Final[dict[str, controls.Control["IdentityFake", Order]]] = {
    "GET /_fake/state": show,
    "POST /_fake/sessions/{name}/{step}": step,
    "POST /_fake/webhooks": listen,
    "POST /_fake/deliveries/faults": set_delivery_faults,
    "POST /_fake/deliveries/flush": flush,
    "POST /_fake/faults": plan_fault,
    "DELETE /_fake/faults": clear_faults,
}
