"""Whether somebody may act at all: suspended and reinstated by an admin, inactive for good."""

from contracts.auth import DeactivateUser, ReinstateUser, SuspendUser, UserDeactivated, UserReinstated, UserSuspended
from contracts.types import Timestamp
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Refused
from workers.services.auth.account import Account, living
from workers.services.auth.rights import admin, owner
from workers.services.auth.user import Status


def suspend_user(state: Account, command: Command[SuspendUser], at: Timestamp) -> Decision[Account]:
    user = living(state, command, admin)
    if isinstance(user, Refused):
        return user
    if user.status is Status.SUSPENDED or command.id in user.decided_by:
        return UNCHANGED
    if not user.is_active:
        return Refused("invalid_state")
    suspended = user.decided(command.id, status=Status.SUSPENDED, sessions_valid_from=at)
    return Accepted(state.become(suspended), (UserSuspended(user_id=user.id, reason=command.data.reason),))


def reinstate_user(state: Account, command: Command[ReinstateUser], _at: Timestamp) -> Decision[Account]:
    user = living(state, command, admin)
    if isinstance(user, Refused):
        return user
    if user.is_active or command.id in user.decided_by:
        return UNCHANGED
    if user.status is not Status.SUSPENDED:
        return Refused("invalid_state")
    reinstated = user.decided(command.id, status=Status.ACTIVE)
    return Accepted(state.become(reinstated), (UserReinstated(user_id=user.id),))


def deactivate_user(state: Account, command: Command[DeactivateUser], at: Timestamp) -> Decision[Account]:
    user = living(state, command, owner)
    if isinstance(user, Refused):
        return user
    if user.status is Status.INACTIVE:
        return UNCHANGED
    inactive = user.having(status=Status.INACTIVE, sessions_valid_from=at)
    return Accepted(state.become(inactive), (UserDeactivated(user_id=user.id),))
