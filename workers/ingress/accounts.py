"""The declared reads of signing in: whose address it is, and a session with its user. All by primary key, all consistent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from contracts.auth import PasswordEpoch, Role, SessionId
from contracts.ids import derived
from contracts.timestamps import plus, to_seconds
from contracts.types import Hash, Timestamp, UserId
from workers.engine.decision import Item, ItemRef
from workers.engine.ports import Store
from workers.ingress.reading import store_answers

USERS: Final = "auth-users"
SESSIONS: Final = "auth-sessions"
CREATED: Final = "createdAt"
"""A row without it holds the engine's books alone: there is no such account."""
LOST_ANSWER_SECONDS: Final = 30
"""How long whoever presents the token before the current one may only have lost the answer (domain.md 1)."""


@dataclass(frozen=True, slots=True)
class Account:
    """A user as the sign-in sees him. ``password_hash``: sealed."""

    user_id: UserId
    role: Role
    status: str
    email_hash: Hash | None
    email_verified: bool
    password_hash: str | None
    password_epoch: PasswordEpoch
    locked_until: Timestamp | None
    sessions_valid_from: Timestamp | None

    @classmethod
    def of(cls, row: Item) -> Self:
        return cls(
            user_id=UserId(row["id"]),
            role=Role(row["role"]),
            status=row["status"],
            email_hash=row.get("emailHash"),
            email_verified=row.get("emailVerified", False),
            password_hash=row.get("passwordHash"),
            password_epoch=row["passwordEpoch"],
            locked_until=row.get("lockedUntil"),
            sessions_valid_from=row.get("sessionsValidFrom"),
        )

    @property
    def actor(self) -> str:
        return f"{self.role}:{self.user_id}"

    @property
    def is_active(self) -> bool:
        return self.status == "active"

    def is_locked(self, at: Timestamp) -> bool:
        return self.locked_until is not None and at < self.locked_until


@dataclass(frozen=True, slots=True)
class Session:
    """One row, with the account it belongs to. ``current`` and ``replaced``: hashes of the secrets of its last two tokens."""

    id: SessionId
    account: Account
    current: Hash
    replaced: Hash | None
    rotated_at: Timestamp | None
    generation: int
    expires_at: int
    state: str
    created_at: Timestamp

    @classmethod
    def of(cls, row: Item, account: Account) -> Self:
        return cls(
            id=SessionId(row["id"]),
            account=account,
            current=row["refreshToken"],
            replaced=row.get("prevRefreshToken"),
            rotated_at=row.get("rotatedAt"),
            generation=row["generation"],
            expires_at=row["expiresAt"],
            state=row["state"],
            created_at=row["createdAt"],
        )

    @property
    def is_revoked(self) -> bool:
        return self.state != "open"

    def closed(self, at: Timestamp) -> str | None:
        """Why nobody goes on with it, as a problem's reason: a session is closed by what became of its user, too."""
        if not self.account.is_active:
            return "user_not_active"
        valid_from = self.account.sessions_valid_from
        if self.is_revoked or (valid_from is not None and self.created_at < valid_from):
            return "session_revoked"
        return "session_expired" if to_seconds(at) >= self.expires_at else None

    def may_have_lost(self, presented: Hash, at: Timestamp) -> bool:
        """Whether this is the token before the current one, and so lately replaced that its holder may never have got the next."""
        lately = self.rotated_at is not None and at <= plus(self.rotated_at, seconds=LOST_ANSWER_SECONDS)
        return presented == self.replaced and lately


def session_ref(session_id: SessionId) -> ItemRef:
    return ItemRef(SESSIONS, session_id)


def user_ref(user_id: str) -> ItemRef:
    return ItemRef(USERS, user_id)


async def account_of(store: Store, email_hash: Hash) -> Account | None:
    """None for an address without account. Two reads either way, lest their number or time tell which addresses have one."""
    claim = ItemRef(USERS, f"EMAIL#{email_hash}")
    async with store_answers():
        owned = (await store.get([claim])).get(claim)
        ref = user_ref(owned["ownerId"] if owned else derived(f"nobody:{email_hash}"))
        row = (await store.get([ref])).get(ref)
    account = Account.of(row) if row and CREATED in row else None
    # The address may have changed hands between the two reads.
    return account if account is not None and account.email_hash == email_hash else None


async def session_of(store: Store, session_id: SessionId) -> Session | None:
    """None once its row is gone, as the TTL has it."""
    ref = session_ref(session_id)
    async with store_answers():
        row = (await store.get([ref])).get(ref)
        rows = {ref: row, **await store.get([user_ref(row["userId"])])} if row else {}
    return session_in(rows, session_id)


def session_in(rows: Mapping[ItemRef, Item], session_id: SessionId) -> Session | None:
    row = rows.get(session_ref(session_id))
    user = rows.get(user_ref(row["userId"])) if row else None
    return Session.of(row, Account.of(user)) if row and user else None
