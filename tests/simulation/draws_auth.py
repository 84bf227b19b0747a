"""Commands of auth: accounts race for addresses, sign in on few devices, and are erased part by part."""

import hashlib
from collections.abc import Sequence
from random import Random

from contracts import auth
from contracts.ids import derived
from contracts.links import Link
from contracts.message import CommandData
from contracts.types import Locale, UserId
from tests.simulation.draws import ADMIN, HASHES, SYSTEM

USERS = [UserId(derived(f"sim:user-{n}")) for n in range(3)]
LEAVING = USERS[2]
LINKS = [Link(hash=hashlib.sha256(f"sim:link-{n}".encode()).hexdigest(), nonce=f"{n}" * 43, kid="k1") for n in range(2)]
PUBLIC = "public"


def sealed(user: str, text: str, purpose: str = "subject") -> str:
    return f"s1.{purpose}.{user}.1.{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def draw_auth(random: Random) -> tuple[CommandData, str]:
    user = random.choice((*USERS, USERS[0], USERS[0]))
    match random.choice("rrrrcccffffvempoooottttkzxlwsid"):
        case "r":
            return registering(user, random.choice(HASHES)), PUBLIC
        case "c":
            hashed = random.choice(HASHES)
            changed = auth.ChangeEmail(
                user_id=user, new_email=sealed(user, hashed), new_email_hash=hashed, verification=random.choice(LINKS)
            )
            return changed, _own(user)
        case "f":
            return auth.ConfirmEmailChange(user_id=user, token_hash=random.choice(LINKS).hash), PUBLIC
        case "v":
            return auth.VerifyEmail(user_id=user, token_hash=random.choice(LINKS).hash), PUBLIC
        case "e":
            return auth.RequestEmailVerification(user_id=user, verification=random.choice(LINKS)), _own(user)
    return _password_or_session(user, random)


def _password_or_session(user: UserId, random: Random) -> tuple[CommandData, str]:
    match random.choice("mpoooottttkzxlwsid"):
        case "m":
            return auth.RequestPasswordReset(user_id=user, reset=random.choice(LINKS)), PUBLIC
        case "p":
            hashed = sealed("sign-in", str(random.randrange(3)), "reader")
            return auth.SetPassword(user_id=user, password_hash=hashed, token_hash=random.choice(LINKS).hash), PUBLIC
        case "w":
            hashed = sealed("sign-in", str(random.randrange(3)), "reader")
            return auth.SetPassword(user_id=user, password_hash=hashed, verified_epoch=random.choice((1, 1, 2))), _own(user)
        case "l":
            return auth.RecordLoginFailure(user_id=user, ip_hash=HASHES[0]), PUBLIC
        case "s":
            return auth.SuspendUser(user_id=user, reason="looked into"), ADMIN
        case "i":
            return auth.ReinstateUser(user_id=user), ADMIN
        case "d":
            return auth.DeactivateUser(user_id=user) if random.random() < 0.2 else auth.ReinstateUser(user_id=user), ADMIN
    return _session(user, random)


def _session(user: UserId, random: Random) -> tuple[CommandData, str]:
    number = random.randrange(2)
    session = _session_id(user, number)
    match random.choice("oootttttkzx"):
        case "o":
            return _opening(user, number, random.choice((1, 1, 2))), PUBLIC
        case "t":
            presented, new = random.choice(HASHES), random.choice(HASHES)
            return auth.RotateSession(user_id=user, session_id=session, presented_hash=presented, new_hash=new), _own(user)
        case "k":
            return auth.RevokeSession(user_id=user, session_id=session), _own(user)
        case "z":
            return auth.RevokeAllSessions(user_id=user), _own(user)
    return auth.ExpireSession(user_id=user, session_id=session), SYSTEM


def _session_id(user: UserId, number: int) -> auth.SessionId:
    return auth.SessionId(derived(f"sim:session-{user}-{number}"))


def _opening(user: UserId, number: int, epoch: int) -> auth.OpenSession:
    return auth.OpenSession(
        user_id=user,
        session_id=_session_id(user, number),
        refresh_token_hash=HASHES[0],
        ip_hash=HASHES[1],
        user_agent=sealed(user, "browser"),
        verified_epoch=epoch,
        new_device=False,
    )


def draw_erasure(random: Random) -> tuple[CommandData, str]:
    """One account goes, while another waits for its address."""
    match random.choice("rqqppppppppppddcf"):
        case "r":
            return registering(random.choice(USERS[:2]), HASHES[2]), PUBLIC
        case "q":
            return auth.RequestErasure(user_id=LEAVING, verified_epoch=random.choice((None, 1))), ADMIN
        case "d":
            return auth.DestroyLegalKey(user_id=LEAVING), SYSTEM
        case "c":
            pending = auth.ChangeEmail(
                user_id=USERS[0], new_email=sealed(USERS[0], HASHES[2]), new_email_hash=HASHES[2], verification=LINKS[0]
            )
            return pending, _own(USERS[0])
        case "f":
            return auth.ConfirmEmailChange(user_id=USERS[0], token_hash=LINKS[0].hash), PUBLIC
    return auth.RecordErasurePart(user_id=LEAVING, part=random.choice(list(auth.ErasurePart))), SYSTEM


def before_auth() -> Sequence[CommandData]:
    """Two of the three are there, one of them signed in."""
    return [registering(LEAVING, HASHES[2]), registering(USERS[0], HASHES[0]), _opening(USERS[0], 0, 1)]


def before_erasure() -> Sequence[CommandData]:
    """All parts but two are erased; another account has another address."""
    parts = [auth.RecordErasurePart(user_id=LEAVING, part=part) for part in list(auth.ErasurePart)[2:]]
    return [*before_auth(), auth.RequestErasure(user_id=LEAVING), *parts]


def registering(user: UserId, hashed: str) -> auth.RegisterUser:
    return auth.RegisterUser(
        user_id=user,
        email=sealed(user, hashed),
        email_hash=hashed,
        password_hash=sealed("sign-in", "first", "reader"),
        role=auth.Role.COMPANY,
        locale=Locale.EN,
        verification=LINKS[0],
    )


def _own(user: UserId) -> str:
    return f"user:{user}"
