"""auth: which function judges which command, and what its events set in motion."""

from contracts.analytics import VisitorErased
from contracts.auth import (
    ChangeEmail,
    ConfirmEmailChange,
    DeactivateUser,
    DestroyLegalKey,
    ExpireSession,
    LegalKeyDestructionRequested,
    OpenSession,
    RecordErasurePart,
    RecordLoginFailure,
    RecordSubjectKeyDestroyed,
    RegisterUser,
    ReinstateUser,
    RequestEmailVerification,
    RequestErasure,
    RequestPasswordReset,
    RevokeAllSessions,
    RevokeSession,
    RotateSession,
    SetPassword,
    SubjectKeyDestructionRequested,
    SuspendUser,
    VerifyEmail,
)
from contracts.client import CompanyErased
from contracts.contractor import ContractorErased
from contracts.lead import LeadErased
from contracts.notification.events import RecipientErased
from contracts.user import UserDataErased
from workers.engine.aggregate import Handler
from workers.engine.service import Effect, Reaction, Service
from workers.services.auth import addresses, effects, erasure, passwords, reactions, sessions, standing
from workers.services.auth.account import ACCOUNTS, named_session, pending_address, wanted_address

REMEMBERED = "state; the account remembers the last commands of such kinds"

SERVICE = Service(
    name="auth",
    handlers=(
        Handler(RegisterUser, ACCOUNTS, addresses.register_user, wanted_address, idempotency="createdBy; the address's claim"),
        Handler(RequestEmailVerification, ACCOUNTS, addresses.request_email_verification, idempotency=REMEMBERED),
        Handler(VerifyEmail, ACCOUNTS, addresses.verify_email),
        Handler(ChangeEmail, ACCOUNTS, addresses.change_email, idempotency=REMEMBERED),
        Handler(
            ConfirmEmailChange,
            ACCOUNTS,
            addresses.confirm_email_change,
            pending_address,
            idempotency="a token confirms once; the address's claim",
        ),
        Handler(RequestPasswordReset, ACCOUNTS, passwords.request_password_reset, idempotency=REMEMBERED),
        Handler(SetPassword, ACCOUNTS, passwords.set_password, idempotency="a token sets one password, and so does an epoch"),
        Handler(
            RecordLoginFailure,
            ACCOUNTS,
            passwords.record_login_failure,
            idempotency="counted once within fifteen minutes; later it is one failure more of the ten that lock",
        ),
        Handler(
            OpenSession,
            ACCOUNTS,
            sessions.open_session,
            named_session,
            idempotency="createdBy; once the row's TTL has passed it opens for the holder of its first token, unless the password changed",
        ),
        Handler(
            RotateSession,
            ACCOUNTS,
            sessions.rotate_session,
            named_session,
            idempotency="state; an old rotation presents an old token, which revokes the session: the person signs in again",
        ),
        Handler(RevokeSession, ACCOUNTS, sessions.revoke_session, named_session),
        Handler(RevokeAllSessions, ACCOUNTS, sessions.revoke_all_sessions, idempotency=REMEMBERED),
        Handler(ExpireSession, ACCOUNTS, sessions.expire_session, named_session),
        Handler(SuspendUser, ACCOUNTS, standing.suspend_user, idempotency=REMEMBERED),
        Handler(ReinstateUser, ACCOUNTS, standing.reinstate_user, idempotency=REMEMBERED),
        Handler(DeactivateUser, ACCOUNTS, standing.deactivate_user),
        Handler(RequestErasure, ACCOUNTS, erasure.request_erasure),
        Handler(RecordErasurePart, ACCOUNTS, erasure.record_erasure_part),
        Handler(RecordSubjectKeyDestroyed, ACCOUNTS, erasure.record_subject_key_destroyed),
        Handler(DestroyLegalKey, ACCOUNTS, erasure.destroy_legal_key),
    ),
    reactions=(
        Reaction(UserDataErased, reactions.part_erased),
        Reaction(CompanyErased, reactions.part_erased),
        Reaction(ContractorErased, reactions.part_erased),
        Reaction(RecipientErased, reactions.part_erased),
        Reaction(LeadErased, reactions.part_erased),
        Reaction(VisitorErased, reactions.part_erased),
    ),
    effects=(
        Effect("auth.destroy-key", SubjectKeyDestructionRequested, "keys", effects.destroy_key),
        Effect("auth.destroy-key", LegalKeyDestructionRequested, "keys", effects.destroy_key),
    ),
)
