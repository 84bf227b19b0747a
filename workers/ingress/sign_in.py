"""``POST /v1/sign-in``: an address and its password for a session.

Whether an address has an account shows neither in the answer nor in what is done for it: two reads, one hash opened, one checked. A
locked account answers as a wrong password does, whatever the password, or the lock would tell guessers when they are right. Who is
suspended and knows the password is told so. An address that is not verified yet signs in; the answer says that it is not.

A token is told once its session stands: the answer waits for the command's outcome, and a time-out is a 503, after which signing in again
opens another session. One that nobody got the token of lapses after a week.
"""

from typing import Annotated, Any, Final
from uuid import uuid4

from fastapi import APIRouter
from pydantic import Field, SecretStr
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from contracts import timestamps
from contracts.auth import OpenSession, RecordLoginFailure, SessionId
from contracts.clear import Clear
from contracts.sealed import VALUE
from contracts.types import CommandId, Email, Hash, Purpose
from workers.engine.decision import Item
from workers.ingress.account_commands import AccountCommands, Rows
from workers.ingress.account_documentation import SIGN_IN
from workers.ingress.accounts import Account, Session, account_of, session_in, session_ref, user_ref
from workers.ingress.attempts import Attempts, network, network_address
from workers.ingress.clear_fields import ToSeal
from workers.ingress.commands import PUBLIC, Caller
from workers.ingress.dependencies import Dependencies
from workers.ingress.failed_sign_ins import FailedSignIns
from workers.ingress.password_check import PasswordCheck
from workers.ingress.problems import Problem
from workers.ingress.refresh_tokens import RefreshToken, RefreshTokens, new_secret, secret_hash
from workers.ingress.requests import NO_STORE, Body, Requests
from workers.ingress.rules import YEAR
from workers.ingress.sealing import Sealing

ADDRESS_PER_MINUTE: Final = 20
NETWORK_PER_MINUTE: Final = 60
LONGEST_AGENT: Final = 256
UNKNOWN_AGENT: Final = "unknown"


class SignInRequest(Body):
    """``userAgent`` and ``ip`` are the person's, where the client asks on his behalf; else those of the request. ``newDevice``: whether
    the client does not know the device, of which the person is told by mail."""

    email: Annotated[Email, Field(repr=False)]
    password: Annotated[SecretStr, Field(min_length=1, max_length=256)]
    user_agent: Annotated[str | None, Field(repr=False, max_length=2000)] = None
    ip: Annotated[str | None, Field(repr=False, max_length=64)] = None
    new_device: bool = True


def router(dependencies: Dependencies, requests: Requests) -> APIRouter:
    routes, signing_in = APIRouter(tags=["sessions"]), SigningIn(dependencies)

    @routes.post("/v1/sign-in", openapi_extra=SIGN_IN, summary="Sign a person in")
    async def sign_in(request: Request) -> Response:
        caller, given = await requests.read(request, SignInRequest, OpenSession, RecordLoginFailure)
        caller.client.require_actor(PUBLIC)
        answer = await signing_in.sign_in(given, caller, request.headers.get("user-agent"))
        return JSONResponse(answer, headers=NO_STORE)

    return routes


class SigningIn:
    """Safe to call side by side."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._dependencies = dependencies
        self._commands = AccountCommands(dependencies)
        self._check = PasswordCheck(dependencies.password_hashes, dependencies.passwords)
        self._sealing = Sealing(dependencies.sealer, dependencies.passwords)
        self._addresses = Attempts(ADDRESS_PER_MINUTE, "An address")
        self._networks = Attempts(NETWORK_PER_MINUTE, "Addresses from one network")
        self._failed = FailedSignIns(dependencies, self._commands)

    async def sign_in(self, given: SignInRequest, caller: Caller, agent: str | None) -> dict[str, Any]:
        self._dependencies.refresh_tokens.require_key()
        email_hash, ip = self._email_hash(given.email), network_address(given.ip or caller.ip)
        now = self._dependencies.clock.now()
        self._networks.take(self._dependencies.keyed_hash("tries", network(ip)), now)
        self._addresses.take(email_hash, now)
        await self._failed.require_counted()
        account = await account_of(self._dependencies.store, email_hash)
        right = await self._check.matches(Clear(given.password.get_secret_value()), account.password_hash if account else None)
        at = timestamps.from_milliseconds(self._dependencies.clock.now())
        ip_hash = self._dependencies.keyed_hash(f"ip:{at[:YEAR]}", ip)
        if account is None or not right or account.is_locked(at):
            self._failed.count(account, ip_hash, caller)
            raise failed()
        if not account.is_active:
            raise Problem("user_not_active", "This account may not sign in.")
        # Said to who knows the password only, as the one before it.
        caller.client.require_actor(account.actor)
        return await self._open(account, ip_hash, given.user_agent or agent, given.new_device, caller)

    def _email_hash(self, email: str) -> Hash:
        try:
            return self._dependencies.email_hash(email)
        except ValueError:
            raise Problem("invalid_payload", "email: is not an e-mail address.", field="email") from None

    async def _open(self, account: Account, ip_hash: Hash, agent: str | None, new_device: bool, caller: Caller) -> dict[str, Any]:
        session_id, secret = SessionId(str(uuid4())), new_secret()
        sealed = await self._sealing.seal({"agent": ToSeal(Purpose.SUBJECT, account.user_id, VALUE, Clear(readable(agent)))})
        data = OpenSession(
            user_id=account.user_id,
            session_id=session_id,
            refresh_token_hash=secret_hash(secret),
            ip_hash=ip_hash,
            user_agent=sealed["agent"],
            verified_epoch=account.password_epoch,
            new_device=new_device,
        )
        command = await self._commands.publish(data, PUBLIC, caller)

        def judge(rows: Rows, receipt: Item | None) -> Session | None:
            return _opened(rows, receipt, session_id, command)

        session = await self._commands.outcome(command, [session_ref(session_id), user_ref(account.user_id)], judge)
        held = {"emailVerified": account.email_verified, "verifiedEpoch": account.password_epoch}
        return answered(session, secret, self._dependencies.refresh_tokens) | held


def _opened(rows: Rows, receipt: Item | None, session_id: SessionId, command: CommandId) -> Session | None:
    if receipt and receipt["state"] == "refused":
        # What came between the check and the decision: a lock and another password look as a wrong one does.
        raise Problem("user_not_active", "This account may not sign in.") if receipt["reason"] in _INACTIVE else failed()
    row = rows.get(session_ref(session_id), {})
    return session_in(rows, session_id) if row.get("createdBy") == command else None


_INACTIVE: Final = frozenset({"user_not_active", "erased", "not_found"})


def failed() -> Problem:
    return Problem("sign_in_failed", "The address and the password do not fit together, or the account is locked for a while.")


def readable(agent: str | None) -> str:
    """As much of it as is kept."""
    printable = "".join(character for character in agent or "" if character.isprintable())
    return printable[:LONGEST_AGENT].strip() or UNKNOWN_AGENT


def answered(session: Session, secret: str, tokens: RefreshTokens) -> dict[str, Any]:
    """What an application needs to act as this person: its own client key, with ``Mindlinks-Actor: <role>:<userId>``."""
    return {
        "userId": session.account.user_id,
        "role": session.account.role.value,
        "sessionId": session.id,
        "expiresAt": timestamps.from_seconds(session.expires_at),
        "refreshToken": tokens.write(RefreshToken(session.id, session.generation, secret)),
    }
