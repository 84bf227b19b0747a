"""Receipts: for 90 days, what became of a command that asked for one. A projection of a service's own events."""

from collections.abc import Mapping
from typing import Any

from contracts.envelope import Envelope
from contracts.message import EventData
from contracts.platform import CommandRefused, CommandSettled
from contracts.timestamps import plus, to_seconds
from workers.engine.decision import Item
from workers.engine.service import Change, Event

RECEIPTS = "platform-receipts"
KEPT_DAYS = 90


def receipt_change(envelope: Envelope, event: Event[EventData]) -> Change:
    """One row per command; each of its events adds its id. Whoever asked and for what body travels with the outcome."""
    command = envelope.causation_id

    def fold(item: Item | None, _shard: str) -> Item:
        row: Mapping[str, Any] = item or {}
        ticket = envelope.receipt
        state, reason = _state(event.data)
        events = list(dict.fromkeys([*row.get("eventIds", ()), event.id]))
        return {
            **row,
            "commandId": command,
            "client": ticket.client if ticket else "",
            "bodyHash": ticket.body_hash if ticket else "",
            "kind": ticket.kind if ticket else "",
            "key": event.key,
            "state": state,
            **({"reason": reason} if reason else {}),
            "eventIds": events,
            "position": str(envelope.position) if envelope.position else "",
            "at": event.at,
            "expiresAt": to_seconds(plus(event.at, days=KEPT_DAYS)),
        }

    return Change(key=lambda _shard: command, fold=fold)


def _state(data: EventData) -> tuple[str, str | None]:
    if isinstance(data, CommandRefused):
        return "refused", data.reason
    if isinstance(data, CommandSettled):
        return data.outcome.value, None
    return "applied", None
