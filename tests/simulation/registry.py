"""A small service that takes and gives back names: the services built so far never release a claim nor lose one to a refusal.

Its commands are notification's, with decisions of its own: ``SyncRecipient`` registers a person under an address that must be free,
``MarkNotificationsRead`` gives the address back. Every move is told to a tally (``LiftSuppression``) by a reaction, so that a reaction
that was lost or counted twice shows.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from random import Random

from contracts.ids import derived
from contracts.message import CommandData
from contracts.notification.commands import LiftSuppression, MarkNotificationsRead, SyncRecipient
from contracts.notification.events import NotificationsRead
from contracts.types import NotificationId, Timestamp, UserId
from tests.simulation.draws import HASHES, RECIPIENTS, SYSTEM
from workers.engine.aggregate import Aggregate, Handler, Items, Read
from workers.engine.decision import UNCHANGED, Accepted, Claim, Command, Decision, Item, ItemRef, Refused, ReleaseClaim
from workers.engine.service import Event, Reaction, Send, Service

TABLE = "notification-notifications"
TAKEN = "address_taken"
SOME = NotificationId(derived("sim:some"))


@dataclass(frozen=True, slots=True)
class Person:
    """``address`` is claimed while it is set. ``moves`` counts, so that a command applied twice shows."""

    key: str
    known: bool = False
    address: str = ""
    moves: int = 0


def address_ref(address: str) -> ItemRef:
    return ItemRef(TABLE, f"ADDRESS#{address}")


def _claim(person: Person, address: str) -> Claim:
    ref = address_ref(address)
    return Claim(ref, {"id": ref.key, "recipientId": person.key}, TAKEN)


def _release(person: Person) -> tuple[ReleaseClaim, ...]:
    return (ReleaseClaim(address_ref(person.address), "recipientId", person.key),) if person.address else ()


def _told(person: Person) -> NotificationsRead:
    return NotificationsRead(user_id=UserId(person.key), ids=(SOME,) * (person.moves % 5))


def register(state: Person, command: Command[SyncRecipient], _at: Timestamp) -> Decision[Person]:
    wanted = command.data.email_hash or ""
    if wanted == state.address:
        return UNCHANGED
    moved = replace(state, known=True, address=wanted, moves=state.moves + 1)
    return Accepted(moved, (_told(moved),), claims=(*_release(state), _claim(state, wanted)))


def leave(state: Person, _command: Command[MarkNotificationsRead], _at: Timestamp) -> Decision[Person]:
    if not state.known:
        return Refused("not_found")
    if not state.address:
        return UNCHANGED
    moved = replace(state, address="", moves=state.moves + 1)
    return Accepted(moved, (_told(moved),), claims=_release(state))


def _load(key: str, items: Items) -> Person:
    row = items.get(ItemRef(TABLE, f"PERSON#{key}"))
    return Person(key, True, str(row["address"]), int(row["moves"])) if row else Person(key)


def _save(state: Person) -> Items:
    row: Item = {"id": f"PERSON#{state.key}", "address": state.address, "moves": state.moves}
    return {ItemRef(TABLE, f"PERSON#{state.key}"): row} if state.known else {}


PEOPLE = Aggregate(TABLE, _load, _save, lambda key: f"PERSON#{key}")


@dataclass(frozen=True, slots=True)
class Tally:
    """``told``: events that were counted."""

    key: str
    told: tuple[str, ...] = ()


def count(state: Tally, command: Command[LiftSuppression], _at: Timestamp) -> Decision[Tally]:
    event = command.data.reason or ""
    return UNCHANGED if event in state.told else Accepted(replace(state, told=(*state.told, event)))


def _load_tally(key: str, items: Items) -> Tally:
    row = items.get(ItemRef(TABLE, f"TALLY#{key}"))
    return Tally(key, tuple(row["told"])) if row else Tally(key)


def _save_tally(state: Tally) -> Items:
    ref = ItemRef(TABLE, f"TALLY#{state.key}")
    return {ref: {"id": ref.key, "told": list(state.told)}} if state.told else {}


TALLIES = Aggregate(TABLE, _load_tally, _save_tally, lambda key: f"TALLY#{key}")


def tell_tally(event: Event[NotificationsRead], _rows: Sequence[Item]) -> Sequence[Send]:
    return (Send(LiftSuppression(address_hash=hashlib.sha256(event.key.encode()).hexdigest(), reason=event.id)),)


def _no_reads(_state: Person, _command: Command[CommandData]) -> Iterable[Read]:
    return ()


REGISTRY = Service(
    name="notification",
    handlers=(
        Handler(SyncRecipient, PEOPLE, register, _no_reads),
        Handler(MarkNotificationsRead, PEOPLE, leave, _no_reads),
        Handler(LiftSuppression, TALLIES, count, _no_reads),
    ),
    reactions=(Reaction(NotificationsRead, tell_tally),),
)


def draw_registry(random: Random) -> tuple[CommandData, str]:
    person = random.choice(RECIPIENTS)
    if random.random() < 0.3:
        return MarkNotificationsRead(recipient_id=person, ids=(SOME,)), SYSTEM
    hashed = random.choice(HASHES[:2])
    return SyncRecipient(recipient_id=person, email_hash=hashed, source_at=Timestamp("2026-01-01T00:00:00.000Z")), SYSTEM
