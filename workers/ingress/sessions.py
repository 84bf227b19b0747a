"""``POST /v1/sessions/rotate`` and ``POST /v1/sign-out``: what the holder of a refresh token may do.

The next secret follows from the presented token and a key of ours, so whoever lost an answer and asks again within thirty seconds gets the
same token. Only then: for any older token the next secret is random. Were it derived, it would be the current or the former one, the
decision would see nothing to do, and a thief would be handed what the old token had been replaced by, instead of being noticed.
"""

import hmac
from typing import Any, Final

from fastapi import APIRouter
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from contracts import timestamps
from contracts.auth import RevokeSession, RotateSession, SessionReuseDetected
from contracts.ids import event_id
from contracts.types import CommandId, Timestamp
from workers.engine.decision import Item
from workers.ingress.account_commands import AccountCommands, Rows, unsettled
from workers.ingress.account_documentation import ROTATE, SIGN_OUT
from workers.ingress.accounts import Session, session_in, session_of, session_ref, user_ref
from workers.ingress.attempts import Attempts
from workers.ingress.commands import Caller
from workers.ingress.dependencies import Dependencies
from workers.ingress.problems import Problem
from workers.ingress.refresh_tokens import RefreshToken, new_secret, secret_hash
from workers.ingress.requests import NO_STORE, Body, Requests
from workers.ingress.sign_in import answered

SESSION_PER_MINUTE: Final = 30
_REASONS: Final = {"not_found": "session_expired", "erased": "user_not_active", "forbidden": "session_revoked"}
"""Of refusals, where the problem has another."""
_DETAILS: Final = {
    "session_expired": "The session has ended.",
    "session_revoked": "The session was revoked.",
    "user_not_active": "This account may not go on.",
    "refresh_token_reused": "The token had been replaced before.",
}


class RefreshRequest(Body):
    refresh_token: SecretStr


def router(dependencies: Dependencies, requests: Requests) -> APIRouter:
    routes, rotating = APIRouter(tags=["sessions"]), Rotating(dependencies)

    @routes.post("/v1/sessions/rotate", openapi_extra=ROTATE, summary="Replace a refresh token")
    async def rotate(request: Request) -> Response:
        caller, given = await requests.read(request, RefreshRequest, RotateSession)
        answer = await rotating.rotate(given.refresh_token.get_secret_value(), caller)
        return JSONResponse(answer, headers=NO_STORE)

    @routes.post("/v1/sign-out", status_code=202, openapi_extra=SIGN_OUT, summary="Revoke a session")
    async def sign_out(request: Request) -> Response:
        caller, given = await requests.read(request, RefreshRequest, RevokeSession)
        command = await rotating.sign_out(given.refresh_token.get_secret_value(), caller)
        if command is None:
            return Response(status_code=204, headers=NO_STORE)
        answer = {"id": command, "state": "accepted"}
        return JSONResponse(answer, status_code=202, headers={**NO_STORE, "Location": f"/v1/commands/{command}"})

    return routes


class Rotating:
    """Safe to call side by side: of two who present one token at once, both get the same next one."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._dependencies = dependencies
        self._tokens = dependencies.refresh_tokens
        self._commands = AccountCommands(dependencies)
        self._sessions = Attempts(SESSION_PER_MINUTE, "A session")

    async def rotate(self, text: str, caller: Caller) -> dict[str, Any]:
        token = self._genuine(text)
        session = await session_of(self._dependencies.store, token.session_id)
        at = self._now()
        if session is None:
            raise _problem("session_expired")
        if closed := session.closed(at):
            raise _problem(closed)
        caller.client.require_actor(session.account.actor)
        lost = session.may_have_lost(token.hash, at)
        fresh = lost or hmac.compare_digest(token.hash, session.current)
        secret = self._tokens.next_secret(token) if fresh else new_secret()
        if lost and secret_hash(secret) == session.current:
            return answered(session, secret, self._tokens)
        return answered(await self._rotated(session, token, secret, caller), secret, self._tokens)

    async def sign_out(self, text: str, caller: Caller) -> CommandId | None:
        """None: there is nothing left to revoke. Any genuine token will do, however old: it takes rights away."""
        token = self._genuine(text)
        session = await session_of(self._dependencies.store, token.session_id)
        if session is None or session.is_revoked:
            return None
        caller.client.require_actor(session.account.actor)
        data = RevokeSession(user_id=session.account.user_id, session_id=session.id)
        return await self._commands.publish(data, session.account.actor, caller)

    def _genuine(self, text: str) -> RefreshToken:
        self._tokens.require_key()
        token = self._tokens.read(text)
        if token is None:
            raise Problem("refresh_token_invalid", "The token was not made here, or it was changed.", field="refreshToken")
        self._sessions.take(token.session_id, self._dependencies.clock.now())
        return token

    async def _rotated(self, session: Session, token: RefreshToken, secret: str, caller: Caller) -> Session:
        account = session.account
        data = RotateSession(user_id=account.user_id, session_id=session.id, presented_hash=token.hash, new_hash=secret_hash(secret))
        command = await self._commands.publish(data, account.actor, caller)

        def judge(rows: Rows, receipt: Item | None) -> Session | None:
            return _judged(session_in(rows, session.id), receipt, command, data, self._now())

        return await self._commands.outcome(command, [session_ref(session.id), user_ref(account.user_id)], judge)

    def _now(self) -> Timestamp:
        return timestamps.from_milliseconds(self._dependencies.clock.now())


def _judged(session: Session | None, receipt: Item | None, command: CommandId, data: RotateSession, at: Timestamp) -> Session | None:
    """The session if the new token is its current one. Another than that may stand there by the time we look."""
    if session is not None and session.current == data.new_hash:
        if closed := session.closed(at):
            raise _problem(closed)
        return session
    if receipt is None:
        return None
    if receipt["state"] == "refused":
        reason = str(receipt["reason"])
        raise _problem(_REASONS.get(reason, reason))
    if event_id(command, SessionReuseDetected.__name__, 0) in receipt["eventIds"]:
        raise _problem("refresh_token_reused")
    # It was rotated once more meanwhile. Whoever repeats the request presents an old token, and learns it.
    raise unsettled()


def _problem(reason: str) -> Problem:
    return Problem(reason, _DETAILS[reason])
