"""A small service whose every decision is about a timer: appointments are made, moved, called off, and kept when their time has come.

Its commands are notification's, with decisions of its own: ``ResolveUnknownNotification`` makes or moves an appointment,
``RetryNotification`` calls it off, ``RecordNotificationDelayed`` is what the timer sends. One that is kept makes the next one at times, so
that a timer is scheduled again behind its own tombstone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from random import Random

from contracts.ids import derived
from contracts.message import CommandData
from contracts.notification.commands import RecordNotificationDelayed, ResolveUnknownNotification, RetryNotification
from contracts.notification.events import NotificationsRead
from contracts.timestamps import from_milliseconds, to_milliseconds
from contracts.types import NotificationId, RecipientId, Timestamp, UserId
from tests.simulation.draws import SYSTEM
from workers.engine.aggregate import Aggregate, Handler, Items
from workers.engine.decision import UNCHANGED, Accepted, CancelTimer, Command, Decision, Item, ItemRef, Refused, ScheduleTimer
from workers.engine.service import Service

TABLE = "notification-notifications"
TIMER = "diary-appointment"
EARLIEST = -500
"""Milliseconds from now; appointments in the past are made too."""
DELAYS = (100, 450, 550, 700, 1100, 1600, 2500, 4000)
AGAIN = 300
PEOPLE = [RecipientId(derived(f"sim:diary-{n}")) for n in range(2)]
MOST_KEPT = 3


@dataclass(frozen=True, slots=True)
class Page:
    """``due``: appointments to come; ``kept``: how many were kept, of each; ``turns``: how often anything changed."""

    key: str
    due: Mapping[str, Timestamp] = field(default_factory=dict)
    kept: Mapping[str, int] = field(default_factory=dict)
    turns: int = 0


def _later(at: Timestamp, milliseconds: int) -> Timestamp:
    return from_milliseconds(to_milliseconds(at) + milliseconds)


def _turned(page: Page, appointment: str, due: Timestamp | None, kept: int = 0) -> Decision[Page]:
    """With the one appointment set or taken out, and its timer with it. ``kept``: so many times by now; its timer is gone then."""
    others = {name: when for name, when in page.due.items() if name != appointment}
    name = NotificationId(appointment)
    wake = RecordNotificationDelayed(recipient_id=RecipientId(page.key), notification_id=name)
    timer = ScheduleTimer(TIMER, appointment, due, wake) if due else CancelTimer(TIMER, appointment)
    counts = {**page.kept, appointment: kept} if kept else page.kept
    after = replace(page, due={**others, appointment: due} if due else others, kept=counts, turns=page.turns + 1)
    return Accepted(after, (NotificationsRead(user_id=UserId(page.key), ids=(name,)),), () if kept and due is None else (timer,))


def make(page: Page, command: Command[ResolveUnknownNotification], at: Timestamp) -> Decision[Page]:
    due = _later(at, command.data.attempt + EARLIEST)
    return UNCHANGED if page.due.get(command.data.notification_id) == due else _turned(page, command.data.notification_id, due)


def call_off(page: Page, command: Command[RetryNotification], _at: Timestamp) -> Decision[Page]:
    if not page.turns:
        return Refused("not_found")
    return _turned(page, command.data.notification_id, None) if command.data.notification_id in page.due else UNCHANGED


def keep(page: Page, command: Command[RecordNotificationDelayed], at: Timestamp) -> Decision[Page]:
    """Nothing to do for one that was moved, called off or kept before."""
    appointment = command.data.notification_id
    due = page.due.get(appointment)
    if due is None or at < due:
        return UNCHANGED
    times = page.kept.get(appointment, 0) + 1
    following = _later(at, AGAIN) if times < MOST_KEPT and times % 2 else None
    return _turned(page, appointment, following, times)


def _load(key: str, items: Items) -> Page:
    row = items.get(ItemRef(TABLE, f"DIARY#{key}"))
    return Page(key, row["due"], row["kept"], row["turns"]) if row else Page(key)


def _save(page: Page) -> Items:
    ref = ItemRef(TABLE, f"DIARY#{page.key}")
    row: Item = {"id": ref.key, "due": dict(page.due), "kept": dict(page.kept), "turns": page.turns}
    return {ref: row} if page.turns else {}


DIARIES = Aggregate(TABLE, _load, _save, lambda key: f"DIARY#{key}")
DIARY = Service(
    name="notification",
    handlers=(
        Handler(ResolveUnknownNotification, DIARIES, make),
        Handler(RetryNotification, DIARIES, call_off),
        Handler(RecordNotificationDelayed, DIARIES, keep),
    ),
)


def draw_diary(random: Random) -> tuple[CommandData, str]:
    person = random.choice(PEOPLE)
    appointment = NotificationId(derived(f"{person}:{random.randrange(2)}"))
    if random.random() < 0.25:
        return RetryNotification(recipient_id=person, notification_id=appointment), SYSTEM
    delay = random.choice(DELAYS) + random.randrange(100)
    return ResolveUnknownNotification(recipient_id=person, notification_id=appointment, attempt=delay), SYSTEM
