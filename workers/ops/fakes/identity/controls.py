"""The controls over HTTP, for a demo in another process: JSON in, JSON out, under /_fake."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from workers.ops.fakes.identity.steps import Step
from workers.ops.fakes.identity_faults import Fault
from workers.ops.fakes.stripe.policy import DeliveryFaults
from workers.ops.fakes.veriff import NotPossible

if TYPE_CHECKING:
    from workers.ops.fakes.identity.application import IdentityFake


class Order(BaseModel):
    """The body of a control request; fields that a control does not use are ignored by it, unknown ones refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ingress: str = ""
    veriff_secrets: tuple[str, ...] = ()
    onfido_secrets: tuple[str, ...] = ()
    provider: str = "veriff"
    fault: Fault | None = None
    times: int = 1
    duplicate: float = 0.0
    reorder: float = 0.0
    delay: float = 0.0
    lose: float = 0.0


Control = Callable[["IdentityFake", Request, Order], Awaitable[dict[str, Any]]]


async def step(fake: "IdentityFake", request: Request, _order: Order) -> dict[str, Any]:
    return {"id": fake.take(request.path_params["name"], Step(request.path_params["step"]))}


async def listen(fake: "IdentityFake", _request: Request, order: Order) -> dict[str, Any]:
    if not (order.ingress and order.veriff_secrets and order.onfido_secrets):
        raise NotPossible("`ingress`, `veriff_secrets` and `onfido_secrets` say where webhooks go and what signs them.")
    fake.listen(order.ingress, order.veriff_secrets, order.onfido_secrets)
    return {"ingress": order.ingress}


async def set_delivery_faults(fake: "IdentityFake", _request: Request, order: Order) -> dict[str, Any]:
    fake.courier.faults = DeliveryFaults(order.duplicate, order.reorder, order.delay, order.lose)
    return {"duplicate": order.duplicate, "reorder": order.reorder, "delay": order.delay, "lose": order.lose}


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


async def flush(fake: "IdentityFake", _request: Request, _order: Order) -> dict[str, Any]:
    attempts = await fake.courier.flush()
    return {"attempts": len(attempts), "owed": len(fake.courier.owed)}


async def show(fake: "IdentityFake", _request: Request, _order: Order) -> dict[str, Any]:
    return {
        "veriff": {"sessions": len(fake.veriff.sessions), "calls": dict(fake.veriff.calls)},
        "onfido": {"runs": len(fake.onfido.runs), "applicants": len(fake.onfido.applicants), "calls": dict(fake.onfido.calls)},
        "owed": len(fake.courier.owed),
        "deliveries": [{"url": attempt.url, "status": attempt.status} for attempt in fake.courier.attempts],
    }


CONTROLS: dict[str, Control] = {
    "GET /_fake/state": show,
    "POST /_fake/sessions/{name}/{step}": step,
    "POST /_fake/webhooks": listen,
    "POST /_fake/deliveries/faults": set_delivery_faults,
    "POST /_fake/deliveries/flush": flush,
    "POST /_fake/faults": plan_fault,
    "DELETE /_fake/faults": clear_faults,
}


def control_routes(fake: "IdentityFake") -> list[Route]:
    named = ((name.split(" "), control) for name, control in CONTROLS.items())
    return [Route(path, _served(fake, control), methods=[method]) for (method, path), control in named]


def _served(fake: "IdentityFake", control: Control) -> Callable[[Request], Awaitable[Response]]:
    """409 says why it can't be done, 400 that the order is not understood."""

    async def serve(request: Request) -> Response:
        try:
            order = Order.model_validate_json(await request.body() or b"{}")
            return JSONResponse(await control(fake, request, order))
        except NotPossible as refusal:
            return JSONResponse({"error": str(refusal)}, 409)
        except (ValidationError, ValueError) as mistake:
            return JSONResponse({"error": str(mistake)}, 400)

    return serve
