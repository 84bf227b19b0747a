"""Lists and their pages: https://docs.stripe.com/api/pagination. Newest first."""

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from workers.ops.fakes.stripe.errors import NotExecuted, no_such
from workers.ops.fakes.stripe.parameters import Parameters
from workers.ops.fakes.stripe.wire import JsonObject

DEFAULT_LIMIT = 10
LARGEST_LIMIT = 100


class Listed(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def created(self) -> int: ...
    def body(self) -> JsonObject: ...


Item = TypeVar("Item", bound=Listed)


def page(oldest_first: Iterable[Listed], parameters: Parameters, url: str) -> JsonObject:
    """One page by limit, starting_after or ending_before, and `created`."""
    listed = within_time(list(oldest_first)[::-1], parameters, "created")
    rest, size = _after_cursor(listed, parameters), limit(parameters)
    backwards = parameters.text("ending_before") is not None
    shown = rest[-size:] if backwards else rest[:size]
    return {"object": "list", "data": [item.body() for item in shown], "has_more": len(rest) > size, "url": url}


def limit(parameters: Parameters) -> int:
    size = parameters.integer("limit")
    if size is None:
        return DEFAULT_LIMIT
    if not 1 <= size <= LARGEST_LIMIT:
        raise NotExecuted(f"Invalid limit: must be between 1 and {LARGEST_LIMIT}.", code="parameter_invalid_integer", param="limit")
    return size


def within_time(items: Sequence[Item], parameters: Parameters, name: str) -> list[Item]:
    """The filter `created`: an exact second, or any of gt, gte, lt, lte."""
    if name not in parameters.given():
        return list(items)
    try:
        exact = parameters.integer(name)
    except NotExecuted:
        return _within_range(items, parameters.within(name))
    return [item for item in items if item.created == exact]


def _within_range(items: Sequence[Item], bounds: Parameters) -> list[Item]:
    above = max((bounds.integer("gte") or 0), (bounds.integer("gt") or -1) + 1)
    ends = [end for end in (bounds.integer("lte"), _less_one(bounds.integer("lt"))) if end is not None]
    return [item for item in items if item.created >= above and all(item.created <= end for end in ends)]


def _less_one(end: int | None) -> int | None:
    return None if end is None else end - 1


def _after_cursor(items: list[Item], parameters: Parameters) -> list[Item]:
    after, before = parameters.text("starting_after"), parameters.text("ending_before")
    if after is None and before is None:
        return items
    cursor = after or before or ""
    index = next((index for index, item in enumerate(items) if item.id == cursor), None)
    if index is None:
        raise no_such("object", cursor, "starting_after" if after else "ending_before", status=400)
    return items[index + 1 :] if after else items[:index]
