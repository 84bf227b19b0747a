"""Deadlines of minutes become seconds: what a run replaces in the engine."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

from contracts.timestamps import from_milliseconds, to_milliseconds
from contracts.types import Timestamp
from tests.simulation.deploy import WatchedFuse
from workers.engine import (
    backlog,
    bookmarks,
    calling,
    commands,
    draining,
    effects,
    leased_row,
    ledger,
    parking,
    runtime,
    timer_rows,
    timers,
)
from workers.engine import role as roles
from workers.engine.retry import Backoff
from workers.services.analytics import erasure as analytics_erasure
from workers.services.analytics import ports as visitors
from workers.services.auth import session as auth_sessions
from workers.services.auth import timers as auth_timers
from workers.services.client import invitation as client_invitations
from workers.services.contract import timers as contract_timers
from workers.services.kyc import timers as kyc_timers
from workers.services.lead import demo as lead_demo
from workers.services.lead import subscription as lead_subscription
from workers.services.notification import delivery
from workers.services.notification import erasure as notification_erasure
from workers.services.payment import timers as payment_timers

HOUR = 500
"""Milliseconds of what timers are filed by."""
TRAIL = 3000
"""Milliseconds; above what the index lags, a write is late, a worker freezes unnoticed and clocks differ, together."""


def soon(at: Timestamp, *, days: int = 0, hours: int = 0) -> Timestamp:
    """A day of a service's timers is a fifth of a second."""
    return from_milliseconds(to_milliseconds(at) + 200 * days + 20 * hours)


def sooner(at: Timestamp, *, days: int = 0, hours: int = 0, seconds: int = 0) -> Timestamp:
    """As ``soon``, with years that are hardly longer than a fortnight, and seconds that are a hundredth."""
    short = min(days, 12 + days // 300)
    return from_milliseconds(to_milliseconds(soon(at, days=short, hours=hours)) + 10 * seconds)


def _hour_text(hour: int) -> str:
    return from_milliseconds(hour * HOUR)


def _hour_of_text(text: str) -> int:
    return to_milliseconds(Timestamp(text)) // HOUR


@contextmanager
def scaled() -> Iterator[None]:
    """Deadlines of minutes become seconds, and a role's last words are not printed."""
    changes: list[tuple[Any, str, Any]] = [
        (effects, "LEASE", 3000),
        (calling, "LEASE", 3000),
        (ledger, "LEASE", 3000),
        (leased_row, "LEASE", 3000),
        (backlog, "LEASE", 3000),
        (calling, "AGAIN_AFTER", 1000),
        (calling, "PROVIDER", Backoff(0.02, 0.3)),
        (bookmarks, "KEEP_EVERY", 200),
        (parking, "RETRY", Backoff(0.05, 0.2)),
        (parking, "SAFETY", 4500),
        (draining, "SAFETY", 4500),
        (timer_rows, "HOUR", HOUR),
        (timer_rows, "hour_text", _hour_text),
        (timer_rows, "hour_of_text", _hour_of_text),
        (timers, "TRAIL", TRAIL),
        (timers, "AGAIN", 100),
        (payment_timers, "plus", soon),
        (contract_timers, "plus", soon),
        (delivery, "plus", soon),
        (notification_erasure, "plus", soon),
        (lead_demo, "plus", soon),
        (lead_subscription, "plus", soon),
        (analytics_erasure, "MOST_VISITS", 2),
        (visitors, "MOST_VISITS", 2),
        (auth_timers, "plus", sooner),
        (auth_sessions, "plus", sooner),
        (client_invitations, "plus", sooner),
        (kyc_timers, "plus", sooner),
        (commands, "Fuse", WatchedFuse),
        (runtime, "LOOK_FOR_WORD", 0.1),
        (roles, "log", mock.Mock()),
    ]
    with ExitStack() as stack:
        for module, name, value in changes:
            stack.enter_context(mock.patch.object(module, name, value))
        yield
