"""The end: cancelled, not signed in time, completed; and the notice before it."""

from contracts.contract.commands import CancelContract, CompleteContract, ExpireContractOffer, NoticeContractEnding
from contracts.contract.events import ContractCancelled, ContractCompleted, ContractEndingSoon
from contracts.contract.values import Ender
from contracts.timestamps import end_of
from contracts.types import Timestamp
from workers.engine.decision import UNCHANGED, Accepted, CancelTimer, Command, Decision, Refused
from workers.services.contract.contract import Contract, ContractState, Status, Step, permitted, tell
from workers.services.contract.rights import Role, role_of
from workers.services.contract.timers import notice_due, without_end_timers, without_signing_timers

NOT_SIGNED_IN_TIME = "not_signed_in_time"


def cancel_contract(state: ContractState, command: Command[CancelContract], _at: Timestamp) -> Decision[ContractState]:
    contract = permitted(state, command, Role.CLIENT, Role.CONTRACTOR, Role.ADMIN)
    if isinstance(contract, Refused):
        return contract
    if contract.status is Status.CANCELLED:
        return UNCHANGED
    if contract.after(Step.CANCEL) is None:
        return Refused("invalid_state")
    return _cancelled(state, contract, _ender(command.actor, contract), command.data.reason)


def expire_offer(state: ContractState, command: Command[ExpireContractOffer], at: Timestamp) -> Decision[ContractState]:
    contract = permitted(state, command, Role.SYSTEM, Role.ADMIN)
    if isinstance(contract, Refused):
        return contract
    if contract.after(Step.EXPIRE) is None or contract.sign_by is None or at < contract.sign_by:
        return UNCHANGED
    return _cancelled(state, contract, Ender.SYSTEM, NOT_SIGNED_IN_TIME)


def complete_contract(state: ContractState, command: Command[CompleteContract], at: Timestamp) -> Decision[ContractState]:
    contract = permitted(state, command, Role.CLIENT, Role.ADMIN, Role.SYSTEM)
    if isinstance(contract, Refused):
        return contract
    by, status = _ender(command.actor, contract), contract.after(Step.COMPLETE)
    if contract.status is Status.COMPLETED or (by is Ender.SYSTEM and (status is None or not _is_over(contract, at))):
        return UNCHANGED
    if status is None:
        return Refused("invalid_state")
    completed = contract.having(status=status, ended_by=by)
    timers = () if by is Ender.SYSTEM else without_end_timers(contract.id, contract.end_date)
    return Accepted(state.become(completed), (tell(ContractCompleted, contract, by=by),), timers)


def notice_ending(state: ContractState, command: Command[NoticeContractEnding], at: Timestamp) -> Decision[ContractState]:
    contract = permitted(state, command, Role.SYSTEM, Role.ADMIN)
    if isinstance(contract, Refused):
        return contract
    end = contract.end_date
    if contract.status is not Status.ACTIVE or end is None or contract.end_noticed_at is not None or at < notice_due(end):
        return UNCHANGED
    event = tell(ContractEndingSoon, contract)
    return Accepted(state.become(contract.having(end_noticed_at=at)), (event,))


# --- rules ---------------------------------------------------------------------------------------------------------


def _is_over(contract: Contract, at: Timestamp) -> bool:
    return contract.end_date is not None and at >= end_of(contract.end_date)


def _ender(actor: str, contract: Contract) -> Ender:
    role = role_of(actor, contract.client_id, contract.contractor_id)
    return Ender(role or Role.SYSTEM)


def _cancelled(state: ContractState, contract: Contract, by: Ender, reason: str) -> Accepted[ContractState]:
    cancelled = contract.having(status=Status.CANCELLED, cancel_reason=reason, ended_by=by)
    was_active = contract.status is Status.ACTIVE
    event = tell(ContractCancelled, contract, by=by, reason=reason, was_active=was_active)
    return Accepted(state.become(cancelled), (event,), _timers_no_longer_due(contract, by))


def _timers_no_longer_due(contract: Contract, by: Ender) -> tuple[CancelTimer, ...]:
    if contract.status is Status.ACTIVE:
        return without_end_timers(contract.id, contract.end_date)
    # The deadline that fires has outlived the reminder: nothing is left to cancel.
    offered = contract.sign_by is not None and by is not Ender.SYSTEM
    return without_signing_timers(contract.id) if offered else ()
