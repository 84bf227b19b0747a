"""Trouble on purpose: which calls fail, how, and how often."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from workers.ops.fakes.holding import Holding

ANY_ROUTE = "*"


class Fault(StrEnum):
    """RATE_LIMITED: 429, nothing executed or stored. SERVER_ERROR: a stored 500 without effect; SERVER_ERROR_AFTER: one with it.

    TIMEOUT_AFTER: executed and stored, then the connection drops without an answer. REFUSED: the connection drops before
    anything happened. SLOW: the key is held for `seconds`, or until `release()`, before executing.
    """

    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    SERVER_ERROR_AFTER = "server_error_after"
    TIMEOUT_AFTER = "timeout_after"
    REFUSED = "refused"
    SLOW = "slow"


@dataclass(frozen=True, slots=True)
class PlannedFault:
    """Strikes `times` calls of `route`, after letting `skip` of them pass."""

    route: str
    fault: Fault
    times: int = 1
    skip: int = 0
    seconds: float | None = None


class FaultPlan(Holding):
    """Plans are tried in the order they were made; a call is struck by at most one."""

    def __init__(self, routes: Iterable[str]) -> None:
        super().__init__()
        self._routes = frozenset(routes) | {ANY_ROUTE}
        self._plans: list[PlannedFault] = []

    def plan(self, route: str, fault: Fault, *, times: int = 1, skip: int = 0, seconds: float | None = None) -> None:
        """`route` as in `routes`: "POST /v1/transfers", or "*". An unknown one is a ValueError, so no plan silently misses."""
        if route not in self._routes:
            raise ValueError(f"The Stripe fake has no route {route!r}, so this fault would never strike. Routes: {sorted(self._routes)}")
        if fault is Fault.SLOW and seconds is None:
            self.hold_back()
        self._plans.append(PlannedFault(route, fault, times, skip, seconds))

    def clear(self) -> None:
        self._plans.clear()
        self.release()

    def take(self, route: str) -> PlannedFault | None:
        """The fault for this call, counted as used."""
        for index, plan in enumerate(self._plans):
            if plan.route not in (route, ANY_ROUTE) or plan.times == 0:
                continue
            if plan.skip:
                self._plans[index] = replace(plan, skip=plan.skip - 1)
                continue
            self._plans[index] = replace(plan, times=plan.times - 1)
            return plan
        return None
