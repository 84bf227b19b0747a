"""Stand-in of auth: accounts exist and have an address."""

from enum import StrEnum

from contracts.auth import Link, RegisterUser, Role, UserRegistered
from contracts.message import Value
from contracts.timestamps import plus
from contracts.types import CommandId, Hash, Locale, Pii, Sealed, Timestamp, UserId
from workers.engine.aggregate import Aggregate, Handler, Items
from workers.engine.decision import UNCHANGED, Accepted, Claim, Command, Decision, Item, ItemRef, Refused
from workers.engine.service import Service
from workers.ops.standins.actors import is_admin

TABLE = "auth-users"
VERIFICATION_DAYS = 7


class UserStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    INACTIVE = "inactive"


class Verification(Value):
    """The link in the first mail; ``sent`` limits how often it goes out."""

    link: Link
    expires_on: Timestamp
    sent: tuple[Timestamp, ...]


class User(Value):
    id: UserId
    email: Pii
    email_hash: Hash
    password_hash: Sealed
    role: Role
    locale: Locale
    status: UserStatus = UserStatus.ACTIVE
    email_verified: bool = False
    email_verification: Verification | None = None
    password_epoch: int = 1
    created_by: CommandId | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None


State = User | None


def register_user(state: State, command: Command[RegisterUser], at: Timestamp) -> Decision[State]:
    data = command.data
    if state:
        return UNCHANGED if state.created_by == command.id else Refused("id_conflict")
    if data.role is Role.ADMIN and not is_admin(command.actor):
        return Refused("role_not_allowed")
    verification = Verification(link=data.verification, expires_on=plus(at, days=VERIFICATION_DAYS), sent=(at,))
    user = User(id=data.user_id, email_verification=verification, **data.model_dump(exclude={"user_id", "verification"}))
    return Accepted(user, (_registered(user, verification),), claims=(_address_claim(user),))


def _registered(user: User, verification: Verification) -> UserRegistered:
    return UserRegistered(
        user_id=user.id,
        email=user.email,
        email_hash=user.email_hash,
        role=user.role,
        locale=user.locale,
        nonce=verification.link.nonce,
        kid=verification.link.kid,
        expires_on=verification.expires_on,
    )


def _address_claim(user: User) -> Claim:
    key = f"EMAIL#{user.email_hash}"
    item: Item = {"id": key, "ownerId": user.id}
    return Claim(ItemRef(TABLE, key), item, refusal="email_taken")


def load(key: str, items: Items) -> State:
    row = items.get(ItemRef(TABLE, key))
    return User.from_item(row) if row else None


def save(state: State) -> Items:
    return {ItemRef(TABLE, state.id): state.to_item()} if state else {}


USERS: Aggregate[State] = Aggregate(TABLE, load, save)
SERVICE = Service("auth", handlers=(Handler(RegisterUser, USERS, register_user),), timers=False)
