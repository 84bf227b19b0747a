"""Holds: an admin keeps money of an escrow from leaving until it is settled whose it is."""

from contracts.payment.commands import LiftHold, PlaceHold
from contracts.payment.events import EscrowHeld, EscrowHoldLifted
from contracts.types import Timestamp
from workers.engine.decision import UNCHANGED, Command, Decision, Refused
from workers.services.payment.books import cross
from workers.services.payment.escrow import Escrow, EscrowState, EscrowStatus, Hold, is_admin

MOST_HOLDS = 20
EVERYTHING = "all"


def place_hold(state: EscrowState, command: Command[PlaceHold], at: Timestamp) -> Decision[EscrowState]:
    escrow, data = state.escrow, command.data
    if escrow is None:
        return Refused("not_found")
    if not is_admin(command.actor):
        return Refused("forbidden")
    if found := escrow.holds.get(data.hold_id):
        return UNCHANGED if _is_same(found, data) else Refused("id_conflict")
    amount = escrow.available if isinstance(data.amount, str) else data.amount
    if escrow.status is EscrowStatus.CLOSED or amount <= 0:
        return Refused("invalid_state")  # there is nothing to hold
    if len(escrow.holds) >= MOST_HOLDS:
        return Refused("too_many_holds")
    hold = Hold(amount=amount, reason=data.reason)
    booked = cross(state.with_held(holds={**escrow.holds, data.hold_id: hold}), escrow, data.hold_id, at)
    return booked.accepted(EscrowHeld(**booked.said, hold_id=data.hold_id, amount=amount, reason=data.reason))


def _is_same(hold: Hold, data: PlaceHold) -> bool:
    return hold.reason == data.reason and data.amount in (hold.amount, EVERYTHING)


def lift_hold(state: EscrowState, command: Command[LiftHold], at: Timestamp) -> Decision[EscrowState]:
    escrow, data = state.escrow, command.data
    if escrow is None:
        return Refused("not_found")
    if not is_admin(command.actor):
        return Refused("forbidden")
    hold = escrow.holds.get(data.hold_id)
    if hold is None:
        return UNCHANGED
    booked = cross(state.with_held(holds=_without(escrow, data.hold_id)), escrow, data.hold_id, at)
    return booked.accepted(EscrowHoldLifted(**booked.said, hold_id=data.hold_id, amount=hold.amount, reason=hold.reason))


def _without(escrow: Escrow, lifted: str) -> dict[str, Hold]:
    return {name: hold for name, hold in escrow.holds.items() if name != lifted}
