"""What becomes of messages, and the troubles of their providers, over HTTP."""

from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request

from workers.ops.fakes import controls
from workers.ops.fakes.controls import RefusedOrder, flush, set_delivery_faults
from workers.ops.fakes.identity_faults import Fault
from workers.ops.fakes.messaging.feedback import Happening

if TYPE_CHECKING:
    from workers.ops.fakes.messaging.application import MessagingFake


class NeverSent(RefusedOrder):
    status = 404

    def __init__(self) -> None:
        super().__init__("No message went to this address yet.")


class Order(controls.Order):
    automatic: bool = False
    identity: bool = False
    early: bool = False


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


async def plan_fault(fake: "MessagingFake", _request: Request, order: Order) -> dict[str, Any]:
    if order.fault is None:
        raise ValueError(f"`fault` is one of {', '.join(Fault)}")
    fake.faults.plan(order.fault, order.times)
    return {"fault": order.fault.value, "times": order.times}


async def clear_faults(fake: "MessagingFake", _request: Request, _order: Order) -> dict[str, Any]:
    fake.faults.clear()
    return {}


async def show(fake: "MessagingFake", _request: Request, _order: Order) -> dict[str, Any]:
    sns = fake.messages.sns
    return {
        "mails": [{"messageId": mail.message_id, "to": mail.to, "subject": mail.subject} for mail in fake.messages.mails],
        "sms": [{"messageId": text.message_id, "to": text.to} for text in fake.messages.texts],
        "topics": {topic: subscription.confirmed for topic, subscription in sns.subscriptions.items()},
        "owed": len(sns.courier.owed),
        "deliveries": [{"url": attempt.url, "status": attempt.status} for attempt in sns.courier.attempts],
    }


CONTROLS: Final[dict[str, controls.Control["MessagingFake", Order]]] = {
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
