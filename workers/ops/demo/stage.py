"""What the scenes of the story play on."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from workers.ops.demo.cast import Cast
from workers.ops.demo.mailbox import Mailbox
from workers.ops.demo.observer import Observer
from workers.ops.demo.providers import Identity, Providers, Registry, Stripe
from workers.ops.demo.upstream import Upstream

DEPOSIT, RELEASE = 150_000, 120_000
"""Minor units."""
CURRENCY = "USD"


@dataclass(frozen=True, slots=True)
class Stage:
    """``now``: milliseconds since the epoch."""

    cast: Cast
    upstream: Upstream
    providers: Providers
    log: Observer
    mailbox: Mailbox
    now: Callable[[], int]

    @property
    def stripe(self) -> Stripe:
        return self.providers.stripe

    @property
    def identity(self) -> Identity:
        return self.providers.identity

    @property
    def registry(self) -> Registry:
        return self.providers.registry


@dataclass(frozen=True, slots=True)
class Scene:
    """``play`` asks for something and returns when all that must follow has happened. Raises StepFailed."""

    title: str
    play: Callable[[Stage], Awaitable[None]]
