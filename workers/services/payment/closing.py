"""The end of an escrow: no more deposits once its contract has ended, closed once nothing is left in it."""

from contracts.payment.commands import BeginEscrowClosing, RemindEscrowClosing
from contracts.payment.events import EscrowClosing, EscrowClosingReminderDue
from contracts.types import Timestamp
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Refused
from workers.services.payment.books import cross
from workers.services.payment.escrow import EscrowState, EscrowStatus
from workers.services.payment.timers import closing_reminder


def begin_escrow_closing(state: EscrowState, command: Command[BeginEscrowClosing], at: Timestamp) -> Decision[EscrowState]:
    escrow = state.escrow
    if escrow is None or escrow.status is not EscrowStatus.OPEN:
        return UNCHANGED
    state = state.with_escrow(status=EscrowStatus.CLOSING, closing_since=at)
    if escrow.settled:
        return cross(state, escrow, command.data.reason, at).accepted()
    event = EscrowClosing(**escrow.said(), reason=command.data.reason)
    return Accepted(state, (event,), (closing_reminder(escrow.contract_id, at),))


def remind_escrow_closing(state: EscrowState, _command: Command[RemindEscrowClosing], at: Timestamp) -> Decision[EscrowState]:
    """Repeats until the escrow is closed; a reminder of a closed one finds nothing to do, and none follows."""
    escrow = state.escrow
    if escrow is None:
        return Refused("not_found")
    if escrow.status is not EscrowStatus.CLOSING:
        return UNCHANGED
    return Accepted(state, (EscrowClosingReminderDue(**escrow.said()),), (closing_reminder(escrow.contract_id, at),))
