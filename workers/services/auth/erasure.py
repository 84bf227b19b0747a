"""The erasure of a person: asked for once, answered by six services, ended by the destruction of a key (domain.md 15)."""

from contracts.auth import (
    DestroyLegalKey,
    ErasurePart,
    ErasureRequested,
    KeyScope,
    LegalKeyDestructionRequested,
    RecordErasurePart,
    RecordSubjectKeyDestroyed,
    RequestErasure,
    SubjectKeyDestructionRequested,
    UserErased,
)
from contracts.ids import derived
from contracts.types import ClientId, ContractorId, Timestamp
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Refused
from workers.services.auth.account import Account, address_release, found
from workers.services.auth.rights import admin, ours, owner
from workers.services.auth.timers import legal_destruction_due, legal_key_destroy
from workers.services.auth.user import NO_PERSON, Erasure, ErasureState, Status, User


def request_erasure(state: Account, command: Command[RequestErasure], at: Timestamp) -> Decision[Account]:
    """A person gives the password once more; an admin acts on a letter."""
    user, epoch = found(state, command, owner), command.data.verified_epoch
    if isinstance(user, Refused):
        return user
    if user.erasure is not None:
        return UNCHANGED
    if epoch != user.password_epoch and not (epoch is None and admin(command.actor, user.id)):
        return Refused("stale_password")
    erasure = Erasure(state=ErasureState.REQUESTED, requested_at=at)
    leaving = user.having(status=Status.INACTIVE, sessions_valid_from=at, erasure=erasure)
    return Accepted(state.become(leaving), (_requested(user),))


def record_erasure_part(state: Account, command: Command[RecordErasurePart], at: Timestamp) -> Decision[Account]:
    user, part = found(state, command, ours), command.data.part
    if isinstance(user, Refused):
        return user
    erasure = user.erasure
    if erasure is None or erasure.state is not ErasureState.REQUESTED or part in erasure.parts:
        return UNCHANGED
    parts = {**erasure.parts, part: at}
    if set(parts) == set(ErasurePart):
        return _all_erased(state, user, erasure.model_copy(update={"parts": parts}))
    return Accepted(state.become(user.having(erasure=erasure.model_copy(update={"parts": parts}))))


def record_subject_key_destroyed(state: Account, command: Command[RecordSubjectKeyDestroyed], at: Timestamp) -> Decision[Account]:
    user = found(state, command, ours)
    if isinstance(user, Refused):
        return user
    match user.erasure and user.erasure.state, command.data.scope:
        case ErasureState.DESTROYING, KeyScope.SUBJECT:
            erased = _in_state(user, ErasureState.ERASED, erased_at=at)
            return Accepted(state.become(erased), (UserErased(user_id=user.id),), (legal_key_destroy(user.id, at),))
        case ErasureState.DESTROYING_LEGAL, KeyScope.LEGAL:
            return Accepted(state.become(_in_state(user, ErasureState.COMPLETE)))
        case _:
            return UNCHANGED


def destroy_legal_key(state: Account, command: Command[DestroyLegalKey], at: Timestamp) -> Decision[Account]:
    """Nobody shortens the legal retention, an admin neither."""
    user = found(state, command, ours)
    if isinstance(user, Refused):
        return user
    erasure = user.erasure
    if erasure is None or erasure.state in (ErasureState.REQUESTED, ErasureState.DESTROYING):
        return Refused("invalid_state")
    early = erasure.erased_at is None or at < legal_destruction_due(erasure.erased_at)
    if early or erasure.state is not ErasureState.ERASED:
        return UNCHANGED
    event = LegalKeyDestructionRequested(user_id=user.id)
    return Accepted(state.become(_in_state(user, ErasureState.DESTROYING_LEGAL)), (event,))


# --- rules ---------------------------------------------------------------------------------------------------------


def _requested(user: User) -> ErasureRequested:
    return ErasureRequested(
        user_id=user.id,
        company_id=ClientId(derived(f"company:{user.id}")),
        contractor_id=ContractorId(derived(f"contractor:{user.id}")),
        email_hash=user.mailbox.email_hash,
    )


def _all_erased(state: Account, user: User, erasure: Erasure) -> Accepted[Account]:
    """The address is free for somebody else from here on."""
    gone = user.having(**NO_PERSON, failed_logins=(), erasure=erasure.model_copy(update={"state": ErasureState.DESTROYING}))
    event = SubjectKeyDestructionRequested(user_id=user.id)
    return Accepted(state.become(gone), (event,), claims=(address_release(user.mailbox.email_hash, user.id),))


def _in_state(user: User, state: ErasureState, **changes: object) -> User:
    return user.having(erasure=user.erasure and user.erasure.model_copy(update={"state": state, **changes}))
