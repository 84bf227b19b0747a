"""An account's way, command by command, as the tests of its parts need it."""

from typing import Any

from contracts.auth import (
    ChangeEmail,
    ConfirmEmailChange,
    DeactivateUser,
    ErasurePart,
    KeyScope,
    OpenSession,
    RecordErasurePart,
    RecordLoginFailure,
    RecordSubjectKeyDestroyed,
    RegisterUser,
    RequestEmailVerification,
    RequestErasure,
    RequestPasswordReset,
    RevokeSession,
    Role,
    RotateSession,
    SessionId,
    SetPassword,
    SuspendUser,
    VerifyEmail,
)
from contracts.types import Locale, UserId
from tests.support.service_story import USER, ServiceStory, digest, link, sealed
from workers.services.auth.account import ACCOUNTS, session_ref
from workers.services.auth.service import SERVICE
from workers.services.auth.session import Session
from workers.services.auth.user import User

OTHER = UserId("22222222-2222-4222-8222-222222222222")
SESSION = SessionId("55555555-5555-4555-8555-555555555555")
OTHER_SESSION = SessionId("66666666-6666-4666-8666-666666666666")

OWNER = f"company:{USER}"
STRANGER = f"company:{OTHER}"
PUBLIC, SYSTEM, SEED, TIMERS = "public", "system:auth", "system:seed", "system:timers"


def password(text: str) -> str:
    return f"s1.reader.sign-in.1.{text.encode().hex()}"


AGENT = sealed("Firefox on Linux")
IP_HASH = digest("203.0.113.7")


def registering(user: UserId = USER, address: str = "amina@example.com", **other: Any) -> RegisterUser:
    values: dict[str, Any] = {
        "user_id": user,
        "email": sealed(address, subject=user),
        "email_hash": digest(address),
        "password_hash": password("first"),
        "role": Role.COMPANY,
        "locale": Locale.AR,
        "verification": link("verify"),
    }
    return RegisterUser.model_validate(values | other)


def opening(session: SessionId = SESSION, epoch: int = 1, user: UserId = USER, secret: str = "token 1") -> OpenSession:
    return OpenSession(
        user_id=user,
        session_id=session,
        refresh_token_hash=digest(secret),
        ip_hash=IP_HASH,
        user_agent=AGENT,
        verified_epoch=epoch,
        new_device=True,
    )


def rotating(presented: str, new: str, session: SessionId = SESSION) -> RotateSession:
    return RotateSession(user_id=USER, session_id=session, presented_hash=digest(presented), new_hash=digest(new))


def changing(address: str = "amina@example.org", token: str = "change") -> ChangeEmail:
    return ChangeEmail(user_id=USER, new_email=sealed(address), new_email_hash=digest(address), verification=link(token))


def erased(part: ErasurePart) -> RecordErasurePart:
    return RecordErasurePart(user_id=USER, part=part)


VERIFYING = VerifyEmail(user_id=USER, token_hash=digest("verify"))
ASKING_AGAIN = RequestEmailVerification(user_id=USER, verification=link("again"))
REMINDING = RequestEmailVerification(user_id=USER)
CONFIRMING = ConfirmEmailChange(user_id=USER, token_hash=digest("change"))
RESETTING = RequestPasswordReset(user_id=USER, reset=link("reset"))
SETTING = SetPassword(user_id=USER, password_hash=password("second"), token_hash=digest("reset"))
REPLACING = SetPassword(user_id=USER, password_hash=password("second"), verified_epoch=1)
FAILING = RecordLoginFailure(user_id=USER, ip_hash=IP_HASH)
REVOKING = RevokeSession(user_id=USER, session_id=SESSION)
SUSPENDING = SuspendUser(user_id=USER, reason="Under investigation")
DEACTIVATING = DeactivateUser(user_id=USER)
ERASING = RequestErasure(user_id=USER, verified_epoch=1)
KEY_DESTROYED = RecordSubjectKeyDestroyed(user_id=USER, scope=KeyScope.SUBJECT)
LEGAL_KEY_DESTROYED = RecordSubjectKeyDestroyed(user_id=USER, scope=KeyScope.LEGAL)


class Story(ServiceStory):
    """Brings an account to where a test begins."""

    service, actor = SERVICE, OWNER

    @property
    def user(self) -> User:
        return User.from_item(self.oracle.items[ACCOUNTS.root(USER)])

    def session(self, session: SessionId = SESSION) -> Session:
        return Session.from_item(self.oracle.items[session_ref(session)])

    def registered(self, **other: Any) -> "Story":
        self.send(registering(**other), PUBLIC)
        return self

    def verified(self) -> "Story":
        self.registered().send(VERIFYING, PUBLIC)
        return self

    def signed_in(self) -> "Story":
        self.verified().send(opening(), PUBLIC)
        return self

    def leaving(self) -> "Story":
        """Erasure asked for, no answer yet."""
        self.signed_in().send(ERASING)
        return self

    def emptied(self) -> "Story":
        """Every part answered."""
        self.leaving()
        for part in ErasurePart:
            self.send(erased(part), SYSTEM)
        return self

    def gone(self) -> "Story":
        self.emptied().send(KEY_DESTROYED, SYSTEM)
        return self
