"""Stand-in of user: people have names, so that messages can greet them."""

from contracts.message import Value
from contracts.types import CommandId, Pii, Timestamp, UserId
from contracts.user import ProfileField, ProfileUpdated, UpdateProfile
from workers.engine.aggregate import Aggregate, Handler, Items
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, ItemRef, Refused
from workers.engine.service import Service
from workers.ops.standins.actors import may_act_for

TABLE = "user-profiles"


class Profile(Value):
    user_id: UserId
    first_name: Pii | None = None
    last_name: Pii | None = None
    phone: Pii | None = None
    created_by: CommandId | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None


State = Profile | None


def update_profile(state: State, command: Command[UpdateProfile], _at: Timestamp) -> Decision[State]:
    data = command.data
    if not may_act_for(command.actor, data.user_id):
        return Refused("forbidden")
    before = state or Profile(user_id=data.user_id)
    after = before.model_copy(update=data.model_dump(exclude={"user_id"}, exclude_none=True))
    if after == before:
        return UNCHANGED
    return Accepted(after, (_updated(before, after),))


def _updated(before: Profile, after: Profile) -> ProfileUpdated:
    old, new = before.to_item(), after.to_item()
    return ProfileUpdated(
        user_id=after.user_id,
        first_name=after.first_name,
        last_name=after.last_name,
        phone=after.phone,
        changed=tuple(field for field in ProfileField if old.get(field) != new.get(field)),
    )


def load(key: str, items: Items) -> State:
    row = items.get(ItemRef(TABLE, key))
    return Profile.from_item(row) if row else None


def save(state: State) -> Items:
    return {ItemRef(TABLE, state.user_id): state.to_item()} if state else {}


PROFILES: Aggregate[State] = Aggregate(TABLE, load, save)
SERVICE = Service("user", handlers=(Handler(UpdateProfile, PROFILES, update_profile, idempotency="the last wish holds"),), timers=False)
