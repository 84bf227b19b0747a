"""`expand`: an id in the answer is replaced by the object itself, https://docs.stripe.com/api/expanding_objects."""

from collections.abc import Iterable
from typing import cast

from workers.ops.fakes.stripe.errors import NotExecuted
from workers.ops.fakes.stripe.state import StripeState
from workers.ops.fakes.stripe.wire import JsonObject


def expanded(state: StripeState, body: JsonObject, paths: Iterable[str]) -> JsonObject:
    """`latest_charge` on an object, `data.latest_charge` on a list; deeper paths follow the dots."""
    for path in paths:
        _expand(state, body, path.split("."), path)
    return body


def _expand(state: StripeState, body: JsonObject, steps: list[str], path: str) -> None:
    head, rest = steps[0], steps[1:]
    if head not in body:
        raise NotExecuted(f"This property cannot be expanded ({path}).", param="expand")
    value = body[head]
    if isinstance(value, str) and (found := state.find(value)) is not None:
        value = body[head] = found.body()
    if rest:
        for below in value if isinstance(value, list) else [value]:
            if isinstance(below, dict):
                _expand(state, cast(JsonObject, below), rest, path)
