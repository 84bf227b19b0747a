"""The controls over HTTP, for a demo in another process: JSON in, JSON out, under /_fake."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from workers.ops.fakes.identity_faults import Fault
from workers.ops.fakes.messaging.feedback import Happening
from workers.ops.fakes.stripe.policy import DeliveryFaults

if TYPE_CHECKING:
    from workers.ops.fakes.messaging.application import MessagingFake


class NeverSent(Exception):
    """No message went to this address yet."""


class Order(BaseModel):
    """The body of a control request; fields that a control does not use are ignored by it, unknown ones refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ingress: str = ""
    automatic: bool = False
    identity: bool = False
    early: bool = False
    fault: Fault | None = None
    times: int = 1
    duplicate: float = 0.0
    reorder: float = 0.0
    delay: float = 0.0
    lose: float = 0.0


Control = Callable[["MessagingFake", Request, Order], Awaitable[dict[str, Any]]]


async def listen(fake: "MessagingFake", _request: Request, order: Order) -> dict[str, Any]:
    if not order.ingress:
        raise ValueError("`ingress` says where feedback goes")
    fake.messages.listen(order.ingress)
    return {"ingress": order.ingress}


async def set_feedback(fake: "MessagingFake", _request: Request, order: Order) -> dict[str, Any]:
    fake.messages.automatic, fake.messages.identity, fake.early = order.automatic, order.identity, order.early
    return {"automatic": order.automatic, "identity": order.identity, "early": order.early}


async def happen(fake: "MessagingFake", request: Request, _order: Order) -> dict[str, Any]:
    happening, mail = Happening(request.path_params["happening"]), fake.messages.mail_to(request.path_params["address"])
    if mail is None:
        raise NeverSent
    fake.messages.happen(mail, happening)
    return {"messageId": mail.message_id, "happening": happening.value}


async def report(fake: "MessagingFake", request: Request, _order: Order) -> dict[str, Any]:
    text = fake.messages.text_to(request.path_params["number"])
    if text is None:
        raise NeverSent
    fake.messages.report(text, delivered=request.path_params["fate"] == "delivered")
    return {"messageId": text.message_id}


async def unsubscribe(fake: "MessagingFake", request: Request, _order: Order) -> dict[str, Any]:
    topic = request.path_params["topic"]
    if topic not in fake.messages.sns.subscriptions:
        raise NeverSent
    fake.messages.sns.unsubscribe(topic)
    return {"topic": topic}


async def set_delivery_faults(fake: "MessagingFake", _request: Request, order: Order) -> dict[str, Any]:
    fake.messages.sns.courier.faults = DeliveryFaults(order.duplicate, order.reorder, order.delay, order.lose)
    return {"duplicate": order.duplicate, "reorder": order.reorder, "delay": order.delay, "lose": order.lose}


async def plan_fault(fake: "MessagingFake", _request: Request, order: Order) -> dict[str, Any]:
    if order.fault is None:
        raise ValueError(f"`fault` is one of {', '.join(Fault)}")
    fake.faults.plan(order.fault, order.times)
    return {"fault": order.fault.value, "times": order.times}


async def clear_faults(fake: "MessagingFake", _request: Request, _order: Order) -> dict[str, Any]:
    fake.faults.clear()
    return {}


async def flush(fake: "MessagingFake", _request: Request, _order: Order) -> dict[str, Any]:
    attempts = await fake.messages.sns.courier.flush()
    return {"attempts": len(attempts), "owed": len(fake.messages.sns.courier.owed)}


async def show(fake: "MessagingFake", _request: Request, _order: Order) -> dict[str, Any]:
    sns = fake.messages.sns
    return {
        "mails": [{"messageId": mail.message_id, "to": mail.to, "subject": mail.subject} for mail in fake.messages.mails],
        "sms": [{"messageId": text.message_id, "to": text.to} for text in fake.messages.texts],
        "topics": {topic: subscription.confirmed for topic, subscription in sns.subscriptions.items()},
        "owed": len(sns.courier.owed),
        "deliveries": [{"url": attempt.url, "status": attempt.status} for attempt in sns.courier.attempts],
    }


CONTROLS: dict[str, Control] = {
    "GET /_fake/state": show,
    "POST /_fake/webhooks": listen,
    "POST /_fake/feedback": set_feedback,
    "POST /_fake/mails/{address}/{happening}": happen,
    "POST /_fake/sms/{number}/{fate}": report,
    "DELETE /_fake/topics/{topic}": unsubscribe,
    "POST /_fake/deliveries/faults": set_delivery_faults,
    "POST /_fake/deliveries/flush": flush,
    "POST /_fake/faults": plan_fault,
    "DELETE /_fake/faults": clear_faults,
}


def control_routes(fake: "MessagingFake") -> list[Route]:
    named = ((name.split(" "), control) for name, control in CONTROLS.items())
    return [Route(path, _served(fake, control), methods=[method]) for (method, path), control in named]


def _served(fake: "MessagingFake", control: Control) -> Callable[[Request], Awaitable[Response]]:
    """404: there is nothing it could be about; 400: the order is not understood."""

    async def serve(request: Request) -> Response:
        try:
            order = Order.model_validate_json(await request.body() or b"{}")
            return JSONResponse(await control(fake, request, order))
        except NeverSent as absent:
            return JSONResponse({"error": absent.__doc__}, 404)
        except (ValidationError, ValueError) as mistake:
            return JSONResponse({"error": str(mistake)}, 400)

    return serve
