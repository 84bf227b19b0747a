"""One line each of a story: a message, an effect, a timer, a message to a person, and what of them waits. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from contracts.notification.events import NotificationPlanned
from contracts.platform import TimerScheduled
from contracts.timestamps import from_milliseconds, to_milliseconds
from contracts.types import Timestamp
from workers.engine.decision import Item
from workers.engine.ledger import EffectState, LedgerRow
from workers.engine.runtime import RoleName
from workers.engine.timer_rows import TimerRow, TimerState
from workers.ops.story.heard import Heard
from workers.ops.story.traces import Traces


class What(StrEnum):
    WEBHOOK = "webhook"
    COMMAND = "command"
    EVENT = "event"
    EFFECT = "effect"
    TIMER = "timer"
    NOTIFICATION = "notification"
    PARKED = "parked"
    QUARANTINED = "quarantined"
    WAITS = "waits"


@dataclass(slots=True)
class Node:
    """``at``: milliseconds; 0 where no time is known. ``via``: who sent a command. ``notes``: whatever is out of the ordinary."""

    what: What
    name: str
    at: int = 0
    key: str = ""
    id: str = ""
    via: str = ""
    place: str = ""
    outcome: str = ""
    notes: list[str] = field(default_factory=list)
    fields: Sequence[str] = ()
    asked: bool = False
    trouble: bool = False
    children: list["Node"] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        """As JSON; what is empty is left out."""
        plain: dict[str, Any] = {
            "what": self.what.value,
            "name": self.name,
            "id": self.id,
            "key": self.key,
            "at": from_milliseconds(self.at) if self.at else "",
            "via": self.via,
            "place": self.place,
            "outcome": self.outcome,
            "notes": self.notes,
            "fields": list(self.fields),
            "asked": self.asked,
            "children": [child.told() for child in self.children],
        }
        return {name: value for name, value in plain.items() if value not in ("", [], False)}


def message(heard: Heard, traces: Traces, asked: str) -> Node:
    envelope = heard.envelope
    notes: list[str] = []
    if len(heard.places) > 1:
        notes.append(f"seen {len(heard.places)} times")
    if envelope.late:
        notes.append("late: its command had been parked")
    if envelope.replay and not envelope.replay.is_copy:
        notes.append(f"by replay {envelope.replay.id}")
    notes += [f"handed over once more by replay {replay}" for replay in dict.fromkeys(heard.copies)]
    if heard.unreadable:
        notes.append(f"nobody can read it: {heard.unreadable}")
    if heard.id in traces.receipts:
        notes.append(f"receipt says {traces.receipts[heard.id]['state']}")
    return Node(
        What.COMMAND if heard.is_command else What.EVENT,
        f"{heard.service}.{heard.name}",
        at=heard.at,
        # Whatever stands as key of a record that nobody can read may be anything.
        key="" if heard.unreadable and heard.key != asked else heard.key,
        id=heard.id,
        via=_via(heard),
        place=str(heard.place),
        notes=notes,
        fields=heard.fields,
        asked=asked in (heard.id, heard.key),
        trouble=bool(heard.unreadable),
    )


def _via(heard: Heard) -> str:
    service, role = heard.sender
    if not heard.is_command:
        return ""
    names = {RoleName.REACTIONS: "reaction of", RoleName.EFFECTS: "effect of", RoleName.TIMERS: "timer of"}
    return f"{names[RoleName(role)]} {service}" if role in list(names) else "" if service == "ingress" else role


def effect(row: LedgerRow, asked: str) -> Node:
    said = {EffectState.UNKNOWN: "unknown whether it happened", EffectState.PLANNED: "planned, waits for its turn"}
    tries = "1 try" if row.tries == 1 else f"{row.tries} tries"
    outcome = f"{said.get(row.state, row.state.value)}, {tries}{f', reference {row.reference}' if row.reference else ''}"
    notes = [f"due {from_milliseconds(row.due_at)}"] if row.open and row.due_at else []
    # What an exception says may hold anything; its fingerprint does not.
    notes += [each for each in (row.fingerprint,) if each]
    trouble = row.state in (EffectState.UNKNOWN, EffectState.FAILED)
    return Node(
        What.EFFECT,
        f"{row.name} at {row.provider}",
        at=row.first_try_at,
        key=row.key,
        id=row.effect,
        outcome=outcome,
        notes=notes,
        asked=asked == row.effect,
        trouble=trouble,
    )


def effects_to_come(heard: Heard, traces: Traces) -> Iterator[Node]:
    """Declared ones whose role has not come to the event yet."""
    known = {row.name for row in traces.effects.get(heard.id, ())}
    for service, declared in traces.declared_effects(heard.envelope.kind):
        group = f"{service}-{RoleName.EFFECTS}"
        waits = declared.name not in known and not traces.passed(group, heard.place) and (group, heard.place) not in traces.parked
        if waits:
            yield Node(What.WAITS, f"effect {declared.name}", key=heard.key, outcome=f"waits for {group}, if its condition holds")


def timer(heard: Heard, data: TimerScheduled, traces: Traces, asked: str) -> Node:
    row, kind = traces.timers.get(data.timer_id), data.command_type.split(".")[2]
    node = Node(What.TIMER, data.timer, key=heard.key, id=data.timer_id, asked=asked == data.timer_id)
    node.outcome = f"{_standing(row, heard, data)}; sends {kind} to {data.key if data.key != heard.key else 'the same key'}"
    return node


def _standing(row: TimerRow | None, heard: Heard, data: TimerScheduled) -> str:
    if row is None:
        return f"due {data.due_at}, not kept yet or long over"
    if row.sequence != (heard.envelope.sequence or ""):
        return f"was due {data.due_at}; since then {'moved' if row.state is TimerState.WAITING else row.state.value}"
    return f"waits until {data.due_at}" if row.state is TimerState.WAITING else f"was due {data.due_at}; {row.state.value}"


def notification(row: Item, planned: NotificationPlanned) -> Node:
    """How far the message has come by now; no word of it, and no address."""
    notes = [f"code {row['failureCode']}"] if "failureCode" in row else []
    at = to_milliseconds(Timestamp(row["updatedAt"])) if "updatedAt" in row else 0
    outcome = f"{row['status']}, attempt {row['attempt']}"
    reference = f", provider's id {row['providerMessageId']}" if "providerMessageId" in row else ""
    name = f"{planned.channel.value} {planned.template}"
    return Node(
        What.NOTIFICATION, name, at=at, key=planned.recipient_id, id=planned.notification_id, outcome=outcome + reference, notes=notes
    )


def waiting(heard: Heard, traces: Traces) -> Iterator[Node]:
    """Where the record itself waits, in any role that reads it."""
    for group in traces.readers.get(heard.place.partition.topic, ()):
        row, aside = traces.parked.get((group, heard.place)), traces.aside.get((group, heard.place))
        if row is not None and not row.quarantined:
            cause = row.failure.fingerprint if row.failure else "waits behind an earlier one of its key"
            tries = f"{row.attempts} tries, next {from_milliseconds(row.next_attempt_at)}: " if row.failure else ""
            yield Node(What.PARKED, f"in {group}", at=row.first_at, outcome=f"{tries}{cause}", trouble=True)
        if aside is not None:
            outcome = f"{aside['state']}, {aside['attempts']} tries: {aside['fingerprint']}"
            at = to_milliseconds(Timestamp(aside["firstAt"]))
            yield Node(What.QUARANTINED, f"by {group}", at=at, id=aside["id"], outcome=outcome, trouble=True)
