"""What the controls of the fakes have in common: over HTTP, for a demo in another process; JSON in, JSON out, under /_fake."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from workers.ops.fakes.courier import Courier
from workers.ops.fakes.identity_faults import Fault
from workers.ops.fakes.stripe.policy import DeliveryFaults


class Order(BaseModel):
    """The body of a control request; fields that a control does not use are ignored by it, unknown ones refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ingress: str = ""
    fault: Fault | None = None
    times: int = 1
    duplicate: float = 0.0
    reorder: float = 0.0
    delay: float = 0.0
    lose: float = 0.0


class Delivering(Protocol):
    @property
    def courier(self) -> Courier: ...


F = TypeVar("F")
T = TypeVar("T", bound=Order)
Control: TypeAlias = Callable[[F, Request, T], Awaitable[dict[str, Any]]]


class RefusedOrder(Exception):
    """Understood and not done. ``status`` tells the caller which of the two it is: 404 nothing it could be about, 409 not possible now."""

    status = 409


async def set_delivery_faults(fake: Delivering, _request: Request, order: Order) -> dict[str, Any]:
    fake.courier.faults = DeliveryFaults(order.duplicate, order.reorder, order.delay, order.lose)
    return {"duplicate": order.duplicate, "reorder": order.reorder, "delay": order.delay, "lose": order.lose}


async def flush(fake: Delivering, _request: Request, _order: Order) -> dict[str, Any]:
    attempts = await fake.courier.flush()
    return {"attempts": len(attempts), "owed": len(fake.courier.owed)}


def control_routes(controls: Mapping[str, Control[F, T]], fake: F, order: type[T]) -> list[Route]:
    """``controls`` by method and path."""
    named = ((name.split(" "), control) for name, control in controls.items())
    return [Route(path, _served(fake, control, order), methods=[method]) for (method, path), control in named]


def _served(fake: F, control: Control[F, T], model: type[T]) -> Callable[[Request], Awaitable[Response]]:
    """400: the order is not understood."""

    async def serve(request: Request) -> Response:
        try:
            order = model.model_validate_json(await request.body() or b"{}")
            return JSONResponse(await control(fake, request, order))
        except RefusedOrder as refusal:
            return JSONResponse({"error": str(refusal)}, refusal.status)
        except (ValidationError, ValueError) as mistake:
            return JSONResponse({"error": str(mistake)}, 400)

    return serve
