"""Commands of user: profiles and preferences written before and after they are made, and erased."""

from random import Random

from contracts import user
from contracts.file import File
from contracts.message import CommandData
from contracts.types import Locale
from tests.simulation.draws import HASHES, SYSTEM
from tests.simulation.draws_auth import USERS, sealed


def draw_user(random: Random) -> tuple[CommandData, str]:
    person = random.choice(USERS)
    match random.choice("pqnnnaaaaawwwdde"):
        case "p":
            return user.CreateProfile(user_id=person), SYSTEM
        case "q":
            return user.CreatePreferences(user_id=person, language=random.choice(list(Locale))), SYSTEM
        case "n":
            named = user.UpdateProfile(user_id=person, first_name=sealed(person, str(random.randrange(3))))
            return named, f"user:{person}"
        case "a":
            number = random.randrange(3)
            picture = File(key=f"avatars/{person}/{number}", sha256=HASHES[number], size=10, mime="image/png")
            return user.SetAvatar(user_id=person, avatar=picture if random.random() < 0.8 else None), f"user:{person}"
        case "w":
            zone = random.choice(("Africa/Cairo", "UTC", "nowhere"))
            return user.UpdatePreferences(user_id=person, timezone=zone, language=random.choice(list(Locale))), f"user:{person}"
        case "d":
            return user.RecordAvatarDeleted(user_id=person, key=f"avatars/{person}/{random.randrange(3)}"), SYSTEM
    return user.EraseUserData(user_id=person) if random.random() < 0.5 else user.CreateProfile(user_id=person), SYSTEM
