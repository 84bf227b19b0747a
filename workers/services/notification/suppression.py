"""Addresses that get no more mail: after a hard bounce, a complaint, or by hand. The row outlives its lifting, emptied."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from contracts.message import Value
from contracts.notification.commands import LiftSuppression, SuppressAddress
from contracts.notification.events import AddressSuppressed, AddressSuppressionLifted
from contracts.notification.values import SuppressionReason
from contracts.types import CommandId, Hash, RecipientId, Timestamp
from workers.engine.aggregate import Aggregate, Items
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, ItemRef, Refused
from workers.services.notification.mailbox import TABLE

ROOT = "SUPPRESS#"
REMEMBERED = 100

STRENGTH: Mapping[SuppressionReason | None, int] = MappingProxyType(
    {None: 0, SuppressionReason.MANUAL: 1, SuppressionReason.HARD_BOUNCE: 2, SuppressionReason.COMPLAINT: 3}
)


class Suppression(Value):
    """Without ``reason`` it is lifted. ``decided_by``: the commands that changed it, lest an old one published again undoes a newer."""

    reason: SuppressionReason | None = None
    recipient_id: RecipientId | None = None
    since: Timestamp | None = None
    decided_by: tuple[CommandId, ...] = ()
    created_by: CommandId | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None

    def to_item(self) -> dict[str, Any]:
        return {name: value for name, value in super().to_item().items() if value != []}


@dataclass(frozen=True, slots=True)
class Address:
    hash: Hash
    suppression: Suppression | None = None

    def decided(self, command: CommandId, **changes: object) -> "Address":
        before = self.suppression or Suppression()
        decided_by = (*before.decided_by, command)[-REMEMBERED:]
        return replace(self, suppression=before.model_copy(update={**changes, "decided_by": decided_by}))


def suppress_address(state: Address, command: Command[SuppressAddress], at: Timestamp) -> Decision[Address]:
    data, known = command.data, state.suppression or Suppression()
    if data.reason is SuppressionReason.MANUAL and not command.actor.startswith("admin:"):
        return Refused("forbidden")
    if command.id in known.decided_by or STRENGTH[data.reason] <= STRENGTH[known.reason]:
        return UNCHANGED
    recipient_id = data.recipient_id or known.recipient_id
    suppressed = state.decided(command.id, reason=data.reason, recipient_id=recipient_id, since=known.since or at)
    event = AddressSuppressed(address_hash=state.hash, recipient_id=recipient_id, reason=data.reason)
    return Accepted(suppressed, (event,))


def lift_suppression(state: Address, command: Command[LiftSuppression], at: Timestamp) -> Decision[Address]:
    known = state.suppression
    if known is None:
        return Refused("not_found")
    if not command.actor.startswith("admin:"):
        return Refused("forbidden")
    if command.id in known.decided_by or known.reason is None:
        return UNCHANGED
    if known.reason is SuppressionReason.COMPLAINT and command.data.reason is None:
        return Refused("reason_required")
    lifted = state.decided(command.id, reason=None, recipient_id=None, since=None)
    return Accepted(lifted, (AddressSuppressionLifted(address_hash=state.hash),))


def suppression_ref(address_hash: str) -> ItemRef:
    return ItemRef(TABLE, ROOT + address_hash)


def load(key: str, items: Items) -> Address:
    item = items.get(suppression_ref(key))
    return Address(key, Suppression.from_item(item) if item is not None else None)


def save(state: Address) -> Items:
    if state.suppression is None:
        return {}
    ref = suppression_ref(state.hash)
    return {ref: {"id": ref.key, **state.suppression.to_item()}}


ADDRESSES = Aggregate(TABLE, load, save, lambda key: ROOT + key)
