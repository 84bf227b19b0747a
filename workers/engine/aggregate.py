"""How a service's state and its rows belong together."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic

from workers.engine.decision import Command, D, Decision, Item, ItemRef, S

Items = Mapping[ItemRef, Item]


@dataclass(frozen=True, slots=True)
class Read:
    """A row a decision needs beside its root.

    ``shared`` rows belong to another key (templates, claims): they are read consistently for every decision, never cached, never
    written through the state.
    """

    ref: ItemRef
    shared: bool = False


def nothing(_state: Any, _command: Any) -> Iterable[Read]:
    return ()


def identity(key: str) -> str:
    return key


@dataclass(frozen=True, slots=True)
class Aggregate(Generic[S]):
    """One root item per Kafka key, plus rows of the same key.

    ``load(key, items)`` builds the state from the rows found (an absent row is missing in ``items``; a row without ``createdAt``
    never gets here). ``save(state)`` gives the rows back, the root's among them as soon as it exists; the engine writes those that
    differ from what was loaded, stamps ``createdBy``, ``createdAt``, ``updatedAt``, and never deletes a row.
    """

    table: str
    load: Callable[[str, Items], S]
    save: Callable[[S], Items]
    root_key: Callable[[str], str] = identity

    def root(self, key: str) -> ItemRef:
        return ItemRef(self.table, self.root_key(key))


@dataclass(frozen=True, slots=True)
class Handler(Generic[S, D]):
    """One command kind of one aggregate.

    ``reads(state, command)`` is asked again with what it found until it names nothing new, so a row may lead to the next one.
    ``ordered=False`` (docs/architecture.md) lets later commands of the key pass one that keeps failing.
    ``idempotency`` says why the same command published again beyond the last 16 of its root does no harm.
    """

    command: type[D]
    aggregate: Aggregate[S]
    decide: Callable[[S, Command[D], Any], Decision[S]]
    reads: Callable[[S, Command[D]], Iterable[Read]] = nothing
    ordered: bool = True
    idempotency: str = "state"
