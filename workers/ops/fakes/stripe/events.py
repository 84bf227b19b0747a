"""The events API: https://docs.stripe.com/api/events. Thirty days by the fake's clock."""

from workers.ops.fakes.stripe.accounts import account_of
from workers.ops.fakes.stripe.errors import no_such
from workers.ops.fakes.stripe.listing import page
from workers.ops.fakes.stripe.routing import Call, Route
from workers.ops.fakes.stripe.state import Event, StripeState
from workers.ops.fakes.stripe.wire import JsonObject


def _visible(state: StripeState, call: Call) -> list[Event]:
    """Events of connected accounts show only under their Stripe-Account header, and only while the account is connected."""
    if call.account is not None:
        account_of(state, call.account)
    return [event for event in state.kept_events() if event.account == call.account]


def _type_matches(event: Event, wanted: str) -> bool:
    return event.type == wanted or (wanted.endswith(".*") and event.type.startswith(wanted[:-1])) or wanted == "*"


def list_events(state: StripeState, call: Call) -> JsonObject:
    given = call.parameters
    one, delivered = given.text("type"), given.flag("delivery_success")
    types = given.items("types") or ((one,) if one else ("*",))
    found = [
        event
        for event in _visible(state, call)
        if any(_type_matches(event, wanted) for wanted in types) and delivered in (None, event.pending_webhooks == 0)
    ]
    return page(found, given, "/v1/events")


def retrieve(state: StripeState, call: Call) -> JsonObject:
    event = next((event for event in _visible(state, call) if event.id == call.path["id"]), None)
    if event is None:
        raise no_such("event", call.path["id"], "id")
    return event.body()


ROUTES = (
    Route("GET /v1/events", list_events),
    Route("GET /v1/events/{id}", retrieve),
)
