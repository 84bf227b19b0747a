"""A service small enough to see through, over kinds and a table that exist: what the engine's own tests run.

Its states depend on the order of commands (a chain of digests), so a lost, doubled or reordered one shows in the final rows.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol
from uuid import uuid4

from contracts.envelope import Envelope, ReceiptTicket
from contracts.message import CommandData, EventData
from contracts.notification.commands import (
    MarkNotificationsRead,
    RecordNotificationDelayed,
    RecordNotificationDelivered,
    RecordNotificationSent,
    RecordNotificationSuppressed,
    RecordNotificationUnknown,
)
from contracts.notification.events import NotificationDelivered, NotificationSent, NotificationsRead, NotificationSuppressed
from contracts.position import Position
from contracts.timestamps import plus
from contracts.types import Channel, NotificationId, RecipientId, Timestamp, UserId
from workers.engine.aggregate import Aggregate, Handler, Items, Read
from workers.engine.decision import (
    UNCHANGED,
    Accepted,
    Claim,
    Command,
    Decision,
    Item,
    ItemRef,
    Refused,
    ReleaseClaim,
    ScheduleTimer,
)
from workers.engine.record import Outgoing
from workers.engine.service import Call, Change, Effect, Event, Projection, Reaction, Result, Send, Service

TABLE = "notification-notifications"
BUG, LARGE, TIMER, SILENT = "a bug", "a large row", "a timer", "no event"


@dataclass(frozen=True, slots=True)
class Toy:
    """``chain`` remembers the order of everything applied; ``counts`` are side rows; ``claims`` provider ids held."""

    key: str
    total: int = 0
    chain: str = ""
    claims: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    padding: Mapping[str, int] = field(default_factory=dict)
    exists: bool = False

    def applied(self, word: str) -> "Toy":
        return replace(self, chain=hashlib.sha256((self.chain + word).encode()).hexdigest()[:16], total=self.total + 1, exists=True)


def root_ref(key: str) -> ItemRef:
    return ItemRef(TABLE, f"TOY#{key}")


def row_ref(notification: str) -> ItemRef:
    return ItemRef(TABLE, f"ROW#{notification}")


def claim_ref(provider_id: str) -> ItemRef:
    return ItemRef(TABLE, f"CLAIM#{provider_id}")


def load(key: str, items: Items) -> Toy:
    root = items.get(root_ref(key), {})
    rows = {ref.key[4:]: item for ref, item in items.items() if ref.key.startswith("ROW#")}
    return Toy(
        key=key,
        total=root.get("total", 0),
        chain=root.get("chain", ""),
        claims=tuple(root.get("claims", ())),
        counts={name: item["count"] for name, item in rows.items()},
        padding={name: len(item["padding"]) for name, item in rows.items()},
        exists=bool(root),
    )


def save(state: Toy) -> Items:
    root = root_ref(state.key)
    rows: dict[ItemRef, Item] = {
        root: {"id": root.key, "total": state.total, "chain": state.chain, "claims": list(state.claims)},
    }
    for name, count in state.counts.items():
        rows[row_ref(name)] = {"id": row_ref(name).key, "count": count, "padding": "x" * state.padding.get(name, 0)}
    return rows


TOYS = Aggregate(TABLE, load, save, lambda key: root_ref(key).key)

# --- decisions -----------------------------------------------------------------------------------------------------


def tally(state: Toy, command: Command[MarkNotificationsRead], at: Timestamp) -> Decision[Toy]:
    """Depends on the state: every fifth is refused, an id ending in f changes nothing."""
    word = command.data.ids[0]
    if (state.total + int(word[0], 16)) % 5 == 4:
        return Refused("toy_fifth")
    if word.endswith("f") and state.exists:
        return UNCHANGED
    after = state.applied(word)
    events = tuple(NotificationsRead(user_id=UserId(state.key), ids=(each,)) for each in command.data.ids)
    return Accepted(after, events)


def side_row(state: Toy, command: Command[RecordNotificationSuppressed], at: Timestamp) -> Decision[Toy]:
    reason, name = command.data.reason, command.data.notification_id
    if reason == BUG:
        raise ValueError("the toy's bug")
    padding = 390_000 if reason == LARGE else state.padding.get(name, 0)
    counts = {**state.counts, name: state.counts.get(name, 0) + 1}
    after = replace(state.applied(name), counts=counts, padding={**state.padding, name: padding})
    event = NotificationSuppressed(notification_id=name, channel=Channel.EMAIL, reason=reason)
    due = RecordNotificationDelayed(recipient_id=RecipientId(state.key), notification_id=name)
    timers = (ScheduleTimer("toy.timer", name, plus(at, days=1), due),) if reason == TIMER else ()
    return Accepted(after, () if reason == SILENT else (event,), timers)


def claiming(state: Toy, command: Command[RecordNotificationSent], at: Timestamp) -> Decision[Toy]:
    wanted, data = command.data.provider_message_id, command.data
    if wanted in state.claims:
        return UNCHANGED
    claim = Claim(claim_ref(wanted), {"id": claim_ref(wanted).key, "ownerId": state.key}, "toy_taken")
    after = replace(state.applied(wanted), claims=(*state.claims, wanted))
    event = NotificationSent(
        notification_id=data.notification_id,
        channel=Channel.EMAIL,
        recipient_id=data.recipient_id,
        template="toy",
        provider_message_id=wanted,
        attempt=data.attempt,
    )
    return Accepted(after, (event,), claims=(claim,))


def releasing(state: Toy, command: Command[RecordNotificationDelivered], at: Timestamp) -> Decision[Toy]:
    if not state.claims:
        return Refused("toy_no_claim")
    gone, *kept = state.claims
    release = ReleaseClaim(claim_ref(gone), "ownerId", state.key)
    event = NotificationDelivered(notification_id=command.data.notification_id, channel=Channel.EMAIL)
    return Accepted(replace(state.applied(gone), claims=tuple(kept)), (event,), claims=(release,))


def nothing_to_do(state: Toy, command: Command[RecordNotificationDelayed], at: Timestamp) -> Decision[Toy]:
    """On an absent root a refusal that reads nothing: it leaves no trace."""
    return UNCHANGED if state.exists else Refused("toy_absent")


def reads_row(_state: Toy, command: Command[Any]) -> Iterable[Read]:
    return (Read(row_ref(command.data.notification_id)),)


def reads_claim(_state: Toy, command: Command[RecordNotificationSent]) -> Iterable[Read]:
    return (Read(claim_ref(command.data.provider_message_id), shared=True),)


# --- consequences --------------------------------------------------------------------------------------------------


class ToyPort(Protocol):
    async def call(self, call: Call[Any], rows: Mapping[ItemRef, Item]) -> Result: ...


async def run_effect(call: Call[Any], rows: Mapping[ItemRef, Item], port: ToyPort) -> Result:
    return await port.call(call, rows)


def reported(call: Call[NotificationSent]) -> tuple[CommandData, ...]:
    data = call.event.data
    return (RecordNotificationUnknown(recipient_id=data.recipient_id, notification_id=data.notification_id, attempt=data.attempt),)


def follow_up(event: Event[NotificationsRead], _rows: Sequence[Item]) -> Sequence[Send]:
    key = RecipientId(event.data.user_id)
    return [Send(RecordNotificationDelayed(recipient_id=key, notification_id=each), target=each) for each in event.data.ids]


def sums(event: Event[NotificationsRead]) -> Sequence[Change]:
    def fold(item: Item | None, shard: str) -> Item:
        row: Mapping[str, Any] = item or {"sum": 0}
        return {**row, "sum": row["sum"] + len(event.data.ids), "shard": shard}

    return [Change(lambda shard: f"SUM#{event.data.user_id}#{shard}", fold), Change(lambda shard: f"SUM#all#{shard}", fold)]


HANDLERS = (
    Handler(MarkNotificationsRead, TOYS, tally),
    Handler(RecordNotificationSuppressed, TOYS, side_row, reads_row),
    Handler(RecordNotificationSent, TOYS, claiming),
    Handler(RecordNotificationDelivered, TOYS, releasing),
    Handler(RecordNotificationDelayed, TOYS, nothing_to_do),
)
ONCE = Effect("toy.once", NotificationSent, "toy", run_effect, repeatable=False, unknown=reported, timeout=5.0)
REPEATED = Effect("toy.repeated", NotificationDelivered, "toy", run_effect, timeout=5.0)
SERVICE = Service(
    name="notification",
    handlers=HANDLERS,
    reactions=(Reaction(NotificationsRead, follow_up),),
    effects=(ONCE, REPEATED),
    projections=(Projection(NotificationsRead, TABLE, sums),),
)

# --- commands ------------------------------------------------------------------------------------------------------


def command_record(data: CommandData, *, command_id: str | None = None, receipt: ReceiptTicket | None = None) -> Outgoing:
    name = command_id or str(uuid4())
    envelope = Envelope(
        id=name,
        kind=data.kind("notification"),
        source="/mindlinks/test/commands",
        subject=data.key,
        time=Timestamp("2026-01-31T09:30:00.000Z"),
        correlation_id=name,
        causation_id=name,
        actor="system:test",
        receipt=receipt,
    )
    return Outgoing(data.key.encode(), data.to_json(), envelope.headers())


def tally_of(key: str, *ids: str) -> MarkNotificationsRead:
    wanted = tuple(NotificationId(each) for each in ids or (str(uuid4()),))
    return MarkNotificationsRead(recipient_id=RecipientId(key), ids=wanted)


def side_row_of(key: str, notification: str | None = None, reason: str = "plain") -> RecordNotificationSuppressed:
    return RecordNotificationSuppressed(
        recipient_id=RecipientId(key), notification_id=NotificationId(notification or str(uuid4())), reason=reason
    )


def claiming_of(key: str, provider_id: str | None = None) -> RecordNotificationSent:
    return RecordNotificationSent(
        recipient_id=RecipientId(key),
        notification_id=NotificationId(str(uuid4())),
        attempt=1,
        provider_message_id=provider_id or uuid4().hex,
    )


def releasing_of(key: str) -> RecordNotificationDelivered:
    return RecordNotificationDelivered(recipient_id=RecipientId(key), notification_id=NotificationId(str(uuid4())))


def nothing_of(key: str) -> RecordNotificationDelayed:
    return RecordNotificationDelayed(recipient_id=RecipientId(key), notification_id=NotificationId(str(uuid4())))


def event_record(
    data: EventData,
    key: str,
    place: Position,
    *,
    event: str | None = None,
    settled: int = 0,
    late: bool = False,
    receipt: ReceiptTicket | None = None,
) -> Outgoing:
    """As a commands role publishes it. ``place``: its command's."""
    envelope = Envelope(
        id=event or str(uuid4()),
        kind=data.kind("notification"),
        source="/mindlinks/notification/commands",
        subject=key,
        time=Timestamp("2026-01-31T09:30:00.000Z"),
        correlation_id="correlation",
        causation_id=str(place),
        actor="system:test",
        receipt=receipt,
        position=place,
        settled=settled,
        late=late,
    )
    return Outgoing(key.encode(), data.to_json(), envelope.headers())


def sent_event(key: str, notification: str | None = None) -> NotificationSent:
    return NotificationSent(
        notification_id=NotificationId(notification or str(uuid4())),
        channel=Channel.EMAIL,
        recipient_id=RecipientId(key),
        template="toy",
        provider_message_id="p",
        attempt=1,
    )


def delivered_event() -> NotificationDelivered:
    return NotificationDelivered(notification_id=NotificationId(str(uuid4())), channel=Channel.EMAIL)


def read_event(key: str, ids: int = 1) -> NotificationsRead:
    return NotificationsRead(user_id=UserId(key), ids=tuple(NotificationId(str(uuid4())) for _ in range(ids)))
