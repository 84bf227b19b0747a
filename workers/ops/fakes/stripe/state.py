"""Everything the fake knows: the objects by kind, the events, and the counts that tests look at."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar, cast

from workers.ops.fakes.stripe.clock import Clock
from workers.ops.fakes.stripe.ids import Ids
from workers.ops.fakes.stripe.wire import Json, JsonObject, changed, filled

EVENTS_KEPT_SECONDS = 30 * 24 * 3600


class StripeObject(Protocol):
    """A frozen record that can show itself as Stripe would."""

    @property
    def id(self) -> str: ...
    @property
    def created(self) -> int: ...
    @property
    def account(self) -> str | None:
        """The connected account it belongs to; None: the platform's own."""

    def body(self) -> JsonObject: ...


Kind = TypeVar("Kind", bound=StripeObject)


@dataclass(frozen=True, slots=True)
class Cause:
    """The request an event came from; both None if nobody asked (`request` of the event)."""

    request_id: str | None = None
    idempotency_key: str | None = None


NOBODY = Cause()


@dataclass(frozen=True, slots=True)
class Event:
    """`data` is the object as it was then: later changes never show in it."""

    id: str
    created: int
    account: str | None
    type: str
    data: JsonObject
    cause: Cause
    pending_webhooks: int

    def body(self) -> JsonObject:
        fields = filled(
            "event",
            id=self.id,
            created=self.created,
            data=self.data,
            type=self.type,
            pending_webhooks=self.pending_webhooks,
            request={"id": self.cause.request_id, "idempotency_key": self.cause.idempotency_key},
        )
        return fields if self.account is None else fields | {"account": self.account}


@dataclass(frozen=True, slots=True)
class Terms:
    """What the real Stripe's contract and country set decide, fixed per fake."""

    settle_seconds: int = 0  # from a successful charge until its funds can be transferred without source_transaction
    search_lag_seconds: int = 0  # the real search index is up to a minute behind
    automatic_payouts: bool = False
    payout_seconds: int = 2 * 24 * 3600  # from created to paid


@dataclass(slots=True)
class StripeState:
    """The one mutable place. Not for several threads; the event loop's single thread is its lock."""

    ids: Ids
    clock: Clock
    terms: Terms = field(default_factory=Terms)
    created: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    events: list[Event] = field(default_factory=list)
    on_event: Callable[[Event], Event] = lambda event: event
    _tables: dict[type, dict[str, StripeObject]] = field(default_factory=dict)

    def table(self, kind: type[Kind]) -> dict[str, Kind]:
        """The objects of one kind by id, oldest first. Each kind has its own; a new kind needs no change here."""
        return cast(dict[str, Kind], self._tables.setdefault(kind, {}))

    def everything(self) -> Iterator[StripeObject]:
        for table in self._tables.values():
            yield from table.values()

    def find(self, object_id: str) -> StripeObject | None:
        return next((table[object_id] for table in self._tables.values() if object_id in table), None)

    def add(self, record: Kind) -> Kind:
        """Stores a new object and counts it as created."""
        self.created[str(record.body()["object"])] += 1
        return self.put(record)

    def put(self, record: Kind) -> Kind:
        self.table(type(record))[record.id] = record
        return record

    def emit(self, event_type: str, record: StripeObject, cause: Cause = NOBODY, before: StripeObject | None = None) -> Event:
        """An event about the record as it is now; `before` gives it `previous_attributes`."""
        previous = None if before is None else changed(before.body(), record.body())
        return self.emit_body(event_type, record.body(), record.account, cause, previous)

    def emit_body(
        self, event_type: str, body: JsonObject, account: str | None, cause: Cause = NOBODY, previous: Mapping[str, Json] | None = None
    ) -> Event:
        data: JsonObject = {"object": body}
        if previous:
            data["previous_attributes"] = previous
        event = Event(self.ids.draw("evt"), self.clock.now(), account, event_type, data, cause, 0)
        event = self.on_event(event)
        self.events.append(event)
        self.created["event"] += 1
        return event

    def delivered(self, event_id: str) -> None:
        """No endpoint waits for this event any longer."""
        for index in range(len(self.events) - 1, -1, -1):
            if self.events[index].id == event_id:
                self.events[index] = replace(self.events[index], pending_webhooks=0)
                return

    def kept_events(self) -> list[Event]:
        oldest = self.clock.now() - EVENTS_KEPT_SECONDS
        return [event for event in self.events if event.created >= oldest]
