"""An account with the sessions and address claims that a command names: what one decision sees."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from contracts.auth import ConfirmEmailChange, RegisterUser, SessionId
from contracts.message import CommandData
from contracts.types import Hash, UserId
from workers.engine.aggregate import Aggregate, Items, Read
from workers.engine.decision import Claim, Command, Item, ItemRef, Refused, ReleaseClaim
from workers.services.auth.session import Session
from workers.services.auth.user import User

TABLE = "auth-users"
SESSIONS = "auth-sessions"
CLAIM = "EMAIL#"
EMAIL_TAKEN = "email_taken"

Right = Callable[[str, str], bool]


@dataclass(frozen=True, slots=True)
class Account:
    """``owners``: whose address it is, for the address hashes the command leads to. A session may be somebody else's."""

    user_id: UserId
    user: User | None = None
    sessions: Mapping[SessionId, Session] = field(default_factory=dict)
    owners: Mapping[Hash, UserId] = field(default_factory=dict)

    def become(self, user: User, *sessions: Session) -> Self:
        changed = {session.id: session for session in sessions}
        return replace(self, user=user, sessions={**self.sessions, **changed})

    def session(self, session_id: SessionId) -> Session | None:
        """None for a session of another account too."""
        session = self.sessions.get(session_id)
        return session if session is not None and session.user_id == self.user_id else None

    def is_taken(self, email_hash: Hash) -> bool:
        return self.owners.get(email_hash, self.user_id) != self.user_id


def found(state: Account, command: Command[CommandData], right: Right) -> User | Refused:
    """The user, if there is one and the actor has the right to do this to it."""
    if state.user is None:
        return Refused("not_found")
    return state.user if right(command.actor, state.user.id) else Refused("forbidden")


def living(state: Account, command: Command[CommandData], right: Right) -> User | Refused:
    """As ``found``, and the person is not erased."""
    user = found(state, command, right)
    return Refused("erased") if isinstance(user, User) and user.is_erased else user


# --- state and items -----------------------------------------------------------------------------------------------


def claim_ref(email_hash: Hash) -> ItemRef:
    return ItemRef(TABLE, f"{CLAIM}{email_hash}")


def session_ref(session_id: SessionId) -> ItemRef:
    return ItemRef(SESSIONS, session_id)


def address_claim(email_hash: Hash, user_id: UserId) -> Claim:
    ref = claim_ref(email_hash)
    item: Item = {"id": ref.key, "ownerId": user_id}
    return Claim(ref, item, refusal=EMAIL_TAKEN)


def address_release(email_hash: Hash, user_id: UserId) -> ReleaseClaim:
    return ReleaseClaim(claim_ref(email_hash), "ownerId", user_id)


def _load(key: str, items: Items) -> Account:
    user, sessions, owners = None, {}, {}
    for ref, item in items.items():
        if ref.table == SESSIONS:
            sessions[SessionId(ref.key)] = Session.from_item(item)
        elif ref.key.startswith(CLAIM):
            owners[ref.key.removeprefix(CLAIM)] = UserId(item["ownerId"])
        elif ref.key == key:
            user = User.from_item(item)
    return Account(UserId(key), user, sessions, owners)


def _save(state: Account) -> Items:
    own = {session_ref(row.id): row.to_item() for row in state.sessions.values() if row.user_id == state.user_id}
    return {ACCOUNTS.root(state.user.id): state.user.to_item(), **own} if state.user else {}


ACCOUNTS: Aggregate[Account] = Aggregate(TABLE, _load, _save)


def wanted_address(_state: Account, command: Command[RegisterUser]) -> Iterable[Read]:
    return (Read(claim_ref(command.data.email_hash), shared=True),)


def pending_address(state: Account, _command: Command[ConfirmEmailChange]) -> Iterable[Read]:
    pending = state.user.pending_email_hash if state.user else None
    return (Read(claim_ref(pending), shared=True),) if pending else ()


def named_session(_state: Account, command: Command[CommandData]) -> Iterable[Read]:
    """Of every command with a ``sessionId``; that of a new one too, so that a repeat is seen."""
    session_id: SessionId = getattr(command.data, "session_id")  # noqa: B009  # the field they all share
    return (Read(session_ref(session_id)),)
