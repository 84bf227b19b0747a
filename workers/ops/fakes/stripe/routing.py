"""Routes of API v1 and what a handler is given."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from workers.ops.fakes.stripe.errors import unknown_route
from workers.ops.fakes.stripe.parameters import Parameters
from workers.ops.fakes.stripe.state import Cause, StripeState
from workers.ops.fakes.stripe.wire import JsonObject, accepted_parameters


@dataclass(frozen=True, slots=True)
class Call:
    """One request, after its key was claimed. `account` is the Stripe-Account header."""

    parameters: Parameters
    path: dict[str, str]
    account: str | None
    cause: Cause


Handler: TypeAlias = Callable[[StripeState, Call], JsonObject]


@dataclass(frozen=True, slots=True)
class Route:
    """A handler is synchronous: a request is executed whole or not at all."""

    name: str
    handler: Handler

    @property
    def method(self) -> str:
        return self.name.partition(" ")[0]

    def match(self, method: str, path: str) -> dict[str, str] | None:
        own_method, _, template = self.name.partition(" ")
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template)
        found = re.fullmatch(pattern, path) if method == own_method else None
        return found.groupdict() if found else None

    def execute(self, state: StripeState, call: Call) -> JsonObject:
        call.parameters.refuse_unknown(accepted_parameters(self.name))
        return self.handler(state, call)


@dataclass(frozen=True, slots=True)
class Matched:
    route: Route
    path: dict[str, str]


class Router:
    """The first match wins: `/search` stands before `/{id}`."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = tuple(routes)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(route.name for route in self._routes)

    def match(self, method: str, path: str) -> Matched:
        for route in self._routes:
            if (found := route.match(method, path)) is not None:
                return Matched(route, found)
        raise unknown_route(method, path)
