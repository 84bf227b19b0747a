"""What workers run under chaos: the toy, with something set in motion by everything it does.

tally ──event──> reaction ─────────────> RecordNotificationDelayed
side row ──word──> timer, seconds later ─> RetryNotification
claiming ──event──> effect, once ────────> RecordNotificationFailed, or RecordNotificationUnknown
releasing ──event──> effect, repeatable ─> ResolveUnknownNotification

Each of the four comes back to the key it began with and leaves a row of its own there, so one applied twice, lost or out of order shows.
"""

import sys
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from contracts.ids import within
from contracts.message import CommandData
from contracts.notification.commands import (
    RecordNotificationDelayed,
    RecordNotificationFailed,
    RecordNotificationSuppressed,
    RecordNotificationUnknown,
    ResolveUnknownNotification,
    RetryNotification,
)
from contracts.timestamps import plus
from contracts.types import NotificationId, RecipientId, Timestamp
from tests.chaos.port import ProviderPort
from tests.support import toy
from workers.engine.aggregate import Handler, Read
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, ScheduleTimer
from workers.engine.effects import EffectPace
from workers.engine.runtime import World
from workers.engine.service import Service
from workers.engine.timers import TimersPace
from workers.services.payment.service import SERVICE as PAYMENT

DUE = 6
"""Seconds from a decision to its timer."""
CALL = 2.0
"""Seconds a call may take; a provider that hangs costs no more."""
LEASE = 18_000
"""Milliseconds: what a killed worker had claimed is taken up again within one run. Longer than a call and than any worker is frozen."""
CONSEQUENCES = (
    RecordNotificationDelayed,
    RetryNotification,
    RecordNotificationFailed,
    RecordNotificationUnknown,
    ResolveUnknownNotification,
)


def mark(data: CommandData) -> str:
    """Names the row that a consequence leaves."""
    return within(str(data.notification_id), type(data).__name__)  # type: ignore[attr-defined]  # every kind of CONSEQUENCES has one


def noted(state: toy.Toy, command: Command[Any], at: Timestamp) -> Decision[toy.Toy]:
    """Known again at any distance: a consequence may be sent a second time long after the first."""
    name = mark(command.data)
    if name in state.counts:
        return UNCHANGED
    return Accepted(replace(state.applied(name), counts={**state.counts, name: 1}))


def reads_mark(_state: toy.Toy, command: Command[Any]) -> Iterable[Read]:
    return (Read(toy.row_ref(mark(command.data))),)


def soon(state: toy.Toy, command: Command[RecordNotificationSuppressed], at: Timestamp) -> Decision[toy.Toy]:
    """A timer of its own for each schedule, so that every one of them must fire."""
    decision = toy.side_row(state, command, at)
    if not isinstance(decision, Accepted) or not decision.timers:
        return decision
    owner = NotificationId(within(command.data.notification_id, f"{state.key}/{state.total}"))
    again = RetryNotification(recipient_id=RecipientId(state.key), notification_id=owner)
    return replace(decision, timers=(ScheduleTimer("toy.timer", owner, plus(at, seconds=DUE), again),))


def _handlers() -> tuple[Handler[Any, Any], ...]:
    known = [each for each in toy.HANDLERS if each.command not in CONSEQUENCES]
    changed = [replace(each, decide=soon) if each.command is RecordNotificationSuppressed else each for each in known]
    return (*changed, *(Handler(kind, toy.TOYS, noted, reads_mark) for kind in CONSEQUENCES))


ONCE, REPEATED = (replace(each, timeout=CALL) for each in (toy.ONCE, toy.REPEATED))
SERVICE: Service = replace(toy.SERVICE, handlers=_handlers(), effects=(ONCE, REPEATED))
BESIDE = (PAYMENT,)
"""Its commands write several rows in one transaction, and its books say whether all of them were written."""


def dressed(world: World, provider: str) -> World:
    """The worker process's world with the provider at this address, and less patience with what a crash left behind."""
    for name, module in list(sys.modules.items()):
        # It is no setting: two minutes suit every service there is.
        if name.startswith("workers.engine.") and "LEASE" in vars(module):
            vars(module)["LEASE"] = LEASE
    return replace(world, ports={"toy": ProviderPort(provider)}, timers=TimersPace(look=5.0), effects=EffectPace(sweep=1.0))
