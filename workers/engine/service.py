"""A service as data: which function judges which command, what its events set in motion. No logic lives here.

Reactions, effects and projections read events of any service; they are declared where they act.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Generic, TypeAlias, TypeVar

from contracts.message import CommandData, EventData
from contracts.types import EffectId, EventId, Timestamp
from workers.engine.aggregate import Handler
from workers.engine.decision import Item, ItemRef

E = TypeVar("E", bound=EventData)
E_co = TypeVar("E_co", bound=EventData, covariant=True)


@dataclass(frozen=True, slots=True)
class Event(Generic[E_co]):
    """What reactions, effects and projections see of an event. ``key`` is the Kafka key, ``at`` its command's time."""

    id: EventId
    service: str
    key: str
    at: Timestamp
    actor: str
    data: E_co


# --- reactions -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Query:
    """Rows of the service's own index that a reaction fans out over; the engine runs it first, all pages. May lag."""

    table: str
    index: str
    value: str


@dataclass(frozen=True, slots=True)
class Send:
    """A command to publish. ``target`` names the row it is about, where one event sends several to one key (domain.md 0.2)."""

    command: CommandData
    target: str | None = None


@dataclass(frozen=True, slots=True)
class Reaction(Generic[E]):
    """Pure over (event, rows). ``name`` keeps two reactions to one event apart in metrics."""

    event: type[E]
    react: Callable[[Event[E], Sequence[Item]], Sequence[Send]]
    query: Callable[[Event[E]], Query] | None = None


# --- effects -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Done:
    """The provider answered; the commands carry what it said (a permanent refusal is an answer too)."""

    commands: tuple[CommandData, ...] = ()
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Retryable:
    """The provider certainly did nothing, or repeating under the same key is safe. ``after``: its own wish, in seconds. ``ours``: the
    reason lies with us (keys are away), so it says nothing of the provider and its breaker does not count it."""

    reason: str
    after: float | None = None
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """A defect or a thing for people: alarmed, kept as failed in the ledger, re-driven by ops. No command goes out."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The call may have happened. The engine never calls again by itself unless the effect says a repeat is harmless."""

    reason: str


Result: TypeAlias = Done | Retryable | Failed | Unknown


@dataclass(frozen=True, slots=True)
class Call(Generic[E_co]):
    """One effect to carry out. ``id`` is the provider's idempotency key. ``tries`` counts calls begun before this one;
    ``stale`` says that the first of them is older than the key's lifetime, so a look-up must come before any call."""

    id: EffectId
    event: Event[E_co]
    environment: str
    tries: int = 0
    stale: bool = False


@dataclass(frozen=True, slots=True)
class Effect(Generic[E]):
    """An event that calls the outside, at most once by provider evidence.

    ``run`` is async, gets (call, rows, port) and touches the world only through ``port``; ``provider`` names the port, its rate limit
    and breaker. ``reads`` are rows of the own service, read consistently before the call; it is asked again with what it found
    until it names nothing new.
    ``repeatable``: after an unknown outcome the engine may call again under the same id (Stripe's keys, renders, reads). Otherwise
    ``unknown`` names the commands that report it, and nobody calls again.
    ``name``: effects of one name share their rows in the ledger, so they differ in the event alone.
    ``attempt`` is the event's domain attempt, part of the result commands' ids.
    ``opens`` and ``seals``: for whom sealed texts may be opened and values sealed (``contracts.sealed.audience``); the port does nothing
    else, and deployment makes rights of it. Both come before any call that can't be repeated: a key that is away is a Retryable.
    """

    name: str
    event: type[E]
    provider: str
    run: Callable[[Call[E], Mapping[ItemRef, Item], Any], Awaitable[Result]]
    reads: Callable[[Event[E], Mapping[ItemRef, Item]], Sequence[ItemRef]] = lambda _event, _rows: ()
    repeatable: bool = True
    unknown: Callable[[Call[E]], tuple[CommandData, ...]] = lambda _: ()
    when: Callable[[Event[E]], bool] = lambda _: True
    attempt: Callable[[Event[E]], int] = lambda _: 1
    key_lifetime: timedelta = timedelta(hours=24)
    timeout: float = 60.0
    opens: frozenset[str] = frozenset()
    seals: frozenset[str] = frozenset()


# --- projections ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """What one event does to one row. ``key`` names what is counted; the engine adds the source partition as a shard, so each row
    has one writer. ``fold(item or None, shard)`` returns the new item."""

    key: Callable[[str], str]
    fold: Callable[[Item | None, str], Item]


@dataclass(frozen=True, slots=True)
class Projection(Generic[E]):
    """Pure: event -> changes of rows in ``table``. Nothing is refused."""

    event: type[E]
    table: str
    project: Callable[[Event[E]], Sequence[Change]]


# --- the service ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Service:
    """One service's declaration; ``main.py`` lists them all. ``timers``: whether any decision schedules one; without, the service is spared
    the role that keeps and fires them."""

    name: str
    handlers: tuple[Handler[Any, Any], ...] = ()
    reactions: tuple[Reaction[Any], ...] = ()
    effects: tuple[Effect[Any], ...] = ()
    projections: tuple[Projection[Any], ...] = ()
    timers: bool = True
    handler_of: Mapping[str, Handler[Any, Any]] = field(init=False)

    def __post_init__(self) -> None:
        by_kind = {handler.command.kind(): handler for handler in self.handlers}
        if len(by_kind) != len(self.handlers):
            raise ValueError(f"{self.name}: a command kind is declared twice")
        object.__setattr__(self, "handler_of", by_kind)
