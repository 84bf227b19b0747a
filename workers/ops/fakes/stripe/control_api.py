"""The controls over HTTP, for tests and demos in another process: JSON in, JSON out, under /_fake."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from workers.ops.fakes.stripe.clock import ManualClock, MovableClock
from workers.ops.fakes.stripe.deliveries import Attempt
from workers.ops.fakes.stripe.errors import StripeError
from workers.ops.fakes.stripe.faults import Fault
from workers.ops.fakes.stripe.payer import NotPossible
from workers.ops.fakes.stripe.policy import DeliveryFaults
from workers.ops.fakes.stripe.wire import Json, JsonObject, encoded

if TYPE_CHECKING:
    from workers.ops.fakes.stripe.server import StripeFake


class Order(BaseModel):
    """The body of a control request. Fields a control does not use are ignored by it; unknown ones are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    outcome: str = "succeeded"
    amount: int | None = None
    amount_received: int | None = None
    currency: str | None = None
    decline_code: str = "insufficient_funds"
    failure_code: str = "account_closed"
    failure_reason: str = "expired_or_canceled_card"
    inquiry: bool = False
    until: str = "paid"
    route: str = "*"
    fault: Fault | None = None
    times: int = 1
    skip: int = 0
    seconds: float | None = None
    advance: int = 0
    duplicate: float = 0.0
    reorder: float = 0.0
    delay: float = 0.0
    lose: float = 0.0
    webhook_url: str | None = None
    connect_url: str | None = None
    secrets: tuple[str, ...] | None = None
    connect_secrets: tuple[str, ...] | None = None


Control: TypeAlias = Callable[["StripeFake", str, Order], Awaitable[JsonObject]]


async def confirm(fake: "StripeFake", intent_id: str, order: Order) -> JsonObject:
    """outcome: succeeded (default), processing or failed."""
    if order.outcome == "succeeded":
        return fake.controls.confirm(intent_id, order.amount_received).body()
    if order.outcome == "processing":
        return fake.controls.start_processing(intent_id).body()
    if order.outcome == "failed":
        return fake.controls.decline(intent_id, order.decline_code).body()
    raise NotPossible(f"`outcome` is succeeded, processing or failed, not {order.outcome!r}.")


async def refund(fake: "StripeFake", intent_id: str, order: Order) -> JsonObject:
    return fake.controls.refund(intent_id, order.amount).body()


async def settle_refund(fake: "StripeFake", refund_id: str, _order: Order) -> JsonObject:
    return fake.controls.settle_refund(refund_id).body()


async def fail_refund(fake: "StripeFake", refund_id: str, order: Order) -> JsonObject:
    return fake.controls.fail_refund(refund_id, order.failure_reason).body()


async def dispute(fake: "StripeFake", intent_id: str, order: Order) -> JsonObject:
    return fake.controls.dispute(intent_id, order.amount, inquiry=order.inquiry).body()


async def escalate_dispute(fake: "StripeFake", dispute_id: str, _order: Order) -> JsonObject:
    return fake.controls.escalate_dispute(dispute_id).body()


async def close_dispute(fake: "StripeFake", dispute_id: str, order: Order) -> JsonObject:
    """outcome: won, lost, or warning_closed for an inquiry."""
    return fake.controls.close_dispute(dispute_id, order.outcome).body()


async def reverse(fake: "StripeFake", transfer_id: str, order: Order) -> JsonObject:
    return fake.controls.reverse(transfer_id, order.amount).body()


async def enable(fake: "StripeFake", account_id: str, _order: Order) -> JsonObject:
    return fake.controls.enable_account(account_id).body()


async def restrict(fake: "StripeFake", account_id: str, _order: Order) -> JsonObject:
    return fake.controls.restrict_account(account_id).body()


async def deauthorize(fake: "StripeFake", account_id: str, _order: Order) -> JsonObject:
    return fake.controls.deauthorize_account(account_id).body()


async def pay_out(fake: "StripeFake", account_id: str, order: Order) -> JsonObject:
    """until: created, in_transit, paid (default) or failed (after paid)."""
    if order.until not in ("created", "in_transit", "paid", "failed"):
        raise NotPossible(f"`until` is created, in_transit, paid or failed, not {order.until!r}.")
    payout = fake.controls.start_payout(account_id, order.currency, order.amount)
    if order.until != "created":
        payout = fake.controls.send_payout(payout.id)
    if order.until in ("paid", "failed"):
        payout = fake.controls.settle_payout(payout.id)
    return (fake.controls.fail_payout(payout.id, order.failure_code) if order.until == "failed" else payout).body()


async def send_payout(fake: "StripeFake", payout_id: str, _order: Order) -> JsonObject:
    return fake.controls.send_payout(payout_id).body()


async def settle_payout(fake: "StripeFake", payout_id: str, _order: Order) -> JsonObject:
    return fake.controls.settle_payout(payout_id).body()


async def fail_payout(fake: "StripeFake", payout_id: str, order: Order) -> JsonObject:
    return fake.controls.fail_payout(payout_id, order.failure_code).body()


async def plan_fault(fake: "StripeFake", _id: str, order: Order) -> JsonObject:
    if order.fault is None:
        raise NotPossible(f"`fault` is missing: one of {', '.join(Fault)}.")
    fake.faults.plan(order.route, order.fault, times=order.times, skip=order.skip, seconds=order.seconds)
    return {"route": order.route, "fault": order.fault.value, "times": order.times}


async def clear_faults(fake: "StripeFake", _id: str, _order: Order) -> JsonObject:
    """No planned fault is left, held calls go on."""
    fake.faults.clear()
    return {}


async def set_delivery_faults(fake: "StripeFake", _id: str, order: Order) -> JsonObject:
    fake.deliveries.faults = DeliveryFaults(order.duplicate, order.reorder, order.delay, order.lose)
    return {"duplicate": order.duplicate, "reorder": order.reorder, "delay": order.delay, "lose": order.lose}


async def listen(fake: "StripeFake", _id: str, order: Order) -> JsonObject:
    """Where webhooks go and what signs them; secrets that are not given stay what the fake was started with."""
    secrets = order.secrets or fake.settings.secrets
    fake.listen(order.webhook_url, order.connect_url, secrets, order.connect_secrets or fake.settings.connect_secrets)
    return {"endpoints": [endpoint.url for endpoint in fake.deliveries.endpoints.values()]}


async def deliver(fake: "StripeFake", _id: str, _order: Order) -> JsonObject:
    return _counted(fake, await fake.deliver_all())


async def flush(fake: "StripeFake", _id: str, _order: Order) -> JsonObject:
    return _counted(fake, await fake.flush())


def _counted(fake: "StripeFake", attempts: list[Attempt]) -> JsonObject:
    accepted = sum(attempt.accepted for attempt in attempts)
    return {"attempts": len(attempts), "accepted": accepted, "owed": len(fake.deliveries.owed)}


async def resend(fake: "StripeFake", event_id: str, _order: Order) -> JsonObject:
    event = next((event for event in fake.state.events if event.id == event_id), None)
    if event is None:
        raise NotPossible(f"There is no event {event_id}: ask GET /v1/events for those there are.")
    fake.resend(event)
    return event.body()


async def advance(fake: "StripeFake", _id: str, order: Order) -> JsonObject:
    """Moves the fake's clock on by seconds; signatures keep real time where the fake was started as a process."""
    if not isinstance(fake.clock, ManualClock | MovableClock):
        raise NotPossible("This fake runs on the system clock, which cannot be advanced: start it with a MovableClock.")
    fake.clock.advance(order.advance)
    return {"now": fake.clock.now()}


async def show(fake: "StripeFake", _id: str, _order: Order) -> JsonObject:
    objects: list[Json] = [record.body() for record in fake.state.everything()]
    return {
        "now": fake.clock.now(),
        "created": dict(fake.created),
        "calls": dict(fake.calls),
        "owed": [delivery.event.id for delivery in fake.deliveries.owed],
        "attempts": len(fake.deliveries.attempts),
        "deliveries": [{"event": each.event_id, "type": each.type, "status": each.status} for each in fake.deliveries.attempts],
        "events": [event.id for event in fake.state.events],
        "given_up": fake.deliveries.given_up,
        "objects": objects,
    }


CONTROLS: dict[str, Control] = {
    "GET /_fake/state": show,
    "POST /_fake/payment_intents/{id}/confirm": confirm,
    "POST /_fake/payment_intents/{id}/refund": refund,
    "POST /_fake/payment_intents/{id}/dispute": dispute,
    "POST /_fake/refunds/{id}/settle": settle_refund,
    "POST /_fake/refunds/{id}/fail": fail_refund,
    "POST /_fake/disputes/{id}/escalate": escalate_dispute,
    "POST /_fake/disputes/{id}/close": close_dispute,
    "POST /_fake/transfers/{id}/reverse": reverse,
    "POST /_fake/accounts/{id}/enable": enable,
    "POST /_fake/accounts/{id}/restrict": restrict,
    "POST /_fake/accounts/{id}/deauthorize": deauthorize,
    "POST /_fake/accounts/{id}/pay_out": pay_out,
    "POST /_fake/payouts/{id}/send": send_payout,
    "POST /_fake/payouts/{id}/settle": settle_payout,
    "POST /_fake/payouts/{id}/fail": fail_payout,
    "POST /_fake/events/{id}/resend": resend,
    "POST /_fake/deliveries/deliver": deliver,
    "POST /_fake/deliveries/flush": flush,
    "POST /_fake/deliveries/faults": set_delivery_faults,
    "POST /_fake/webhooks": listen,
    "POST /_fake/faults": plan_fault,
    "DELETE /_fake/faults": clear_faults,
    "POST /_fake/clock": advance,
}


def control_routes(fake: "StripeFake") -> list[web.RouteDef]:
    named = ((name.split(" "), control) for name, control in CONTROLS.items())
    return [web.route(method, path, _served(fake, control)) for (method, path), control in named]


def _served(fake: "StripeFake", control: Control) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A control as a handler. 409 says why it cannot be done, 400 that the order is not understood."""

    async def serve(request: web.Request) -> web.Response:
        try:
            order = Order.model_validate_json(await request.text() or "{}")
            return _answer(200, await control(fake, request.match_info.get("id", ""), order))
        except (NotPossible, StripeError) as refusal:
            return _answer(409, {"error": str(refusal)})
        except (ValidationError, ValueError) as mistake:
            return _answer(400, {"error": str(mistake)})

    return serve


def _answer(status: int, body: JsonObject) -> web.Response:
    return web.Response(status=status, body=encoded(body), content_type="application/json")
