"""A service run the simplest way there is: one command after the other over a dictionary, no log, no store, no faults.

What the engine does under faults must end in the same rows and the same verdicts.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from contracts.ids import within
from contracts.message import CommandData, EventData
from contracts.types import CommandId, Timestamp
from workers.engine.decision import Accepted, Claim, Command, Decision, Item, ItemRef, Refused, ReleaseClaim, ScheduleTimer
from workers.engine.service import Service

START = Timestamp("2026-01-31T09:30:00.000Z")


@dataclass
class Oracle:
    """``items`` are all rows; ``timers`` those scheduled and not cancelled, by (name, owner)."""

    service: Service
    items: dict[ItemRef, Item] = field(default_factory=dict)
    timers: dict[tuple[str, str], ScheduleTimer] = field(default_factory=dict)
    events: list[EventData] = field(default_factory=list)
    sent: int = 0

    def send(self, data: CommandData, *, actor: str = "system:test", at: Timestamp = START, id: CommandId | None = None) -> Decision[Any]:  # noqa: A002
        """Judge one command and keep what it did."""
        self.sent += 1
        command = Command(id or CommandId(within("00000000-0000-4000-8000-000000000000", f"command-{self.sent}")), data.key, actor, data)
        handler = self.service.handler_of[data.kind()]
        root = handler.aggregate.root(data.key)
        found = {root: self.items[root]} if root in self.items else {}
        state = handler.aggregate.load(data.key, found)
        asked = {root}
        while wanted := [read.ref for read in handler.reads(state, command) if read.ref not in asked]:
            asked.update(wanted)
            found |= {ref: self.items[ref] for ref in wanted if ref in self.items}
            state = handler.aggregate.load(data.key, found)
        decision = handler.decide(state, command, at)
        if isinstance(decision, Accepted):
            return self._apply(decision, handler.aggregate.save(decision.state), command, at)
        return decision

    def emitted(self, *kinds: type[EventData]) -> list[EventData]:
        """Events so far, of ``kinds`` only when some are given."""
        return [event for event in self.events if not kinds or isinstance(event, kinds)]

    def _apply(self, decision: Accepted[Any], rows: Any, command: Command[Any], at: Timestamp) -> Decision[Any]:
        for claim in decision.claims:
            if isinstance(claim, Claim) and claim.ref in self.items:
                return Refused(claim.refusal or "claim_lost")
        for ref, row in rows.items():
            before = self.items.get(ref, {})
            stamps = {name: before[name] for name in ("createdBy", "createdAt", "updatedAt") if name in before}
            plain = {k: v for k, v in row.items() if k not in ("createdBy", "createdAt", "updatedAt")}
            if {**stamps, **plain} != before:
                self.items[ref] = {"createdBy": command.id, "createdAt": at, **stamps, **plain, "updatedAt": at}
        self._claims(decision.claims, command, at)
        for timer in decision.timers:
            if isinstance(timer, ScheduleTimer):
                self.timers[timer.timer, timer.owner] = timer
            else:
                self.timers.pop((timer.timer, timer.owner), None)
        self.events += decision.events
        return decision

    def _claims(self, claims: Iterable[Claim | ReleaseClaim], command: Command[Any], at: Timestamp) -> None:
        for claim in claims:
            if isinstance(claim, Claim):
                self.items[claim.ref] = {"createdBy": command.id, "createdAt": at, **claim.item, "updatedAt": at}
            else:
                self.items.pop(claim.ref, None)
