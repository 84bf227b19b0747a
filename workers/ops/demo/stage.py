"""What the scenes of the story play on."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from workers.ops.demo.cast import Cast
from workers.ops.demo.observer import Observer
from workers.ops.demo.upstream import Stripe, Upstream
from workers.ops.dev.keys import Keys

DEPOSIT, RELEASE = 150_000, 120_000
"""Minor units."""
CURRENCY = "USD"


@dataclass(frozen=True, slots=True)
class Stage:
    """``now``: milliseconds since the epoch."""

    cast: Cast
    upstream: Upstream
    stripe: Stripe
    log: Observer
    keys: Keys
    now: Callable[[], int]


@dataclass(frozen=True, slots=True)
class Scene:
    """``play`` asks for something and returns when all that must follow has happened. Raises StepFailed."""

    title: str
    play: Callable[[Stage], Awaitable[None]]
