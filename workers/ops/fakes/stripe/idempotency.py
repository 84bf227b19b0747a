"""Idempotency keys of API v1: https://docs.stripe.com/api/idempotent_requests."""

from dataclasses import dataclass
from typing import TypeAlias

from workers.ops.fakes.stripe.clock import Clock
from workers.ops.fakes.stripe.errors import ErrorType, NotExecuted

LIFETIME_SECONDS = 24 * 3600
LONGEST_KEY = 255

# The account is part of it: each connected account has keys of its own.
Scope: TypeAlias = tuple[str | None, str]


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What must be equal for a key to be the same request."""

    method: str
    path: str
    parameters: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    status: int
    body: bytes
    request_id: str


@dataclass(frozen=True, slots=True)
class _Claim:
    fingerprint: Fingerprint
    at: int
    answer: StoredAnswer | None = None


class IdempotencyStore:
    """First request wins its key for 24 hours of the clock; its answer, a 500 too, is all that later ones get."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._claims: dict[Scope, _Claim] = {}

    def begin(self, scope: Scope, fingerprint: Fingerprint) -> StoredAnswer | None:
        """The stored answer to replay, or None: the key is now claimed, and `finish` or `abandon` must follow."""
        if len(scope[1]) > LONGEST_KEY:
            raise NotExecuted(f"The Idempotency-Key is too long: it takes at most {LONGEST_KEY} characters.")
        claim = self._claims.get(scope)
        if claim is None or claim.at + LIFETIME_SECONDS <= self._clock.now():
            self._claims[scope] = _Claim(fingerprint, self._clock.now())
            return None
        if claim.answer is None:
            raise _in_use(scope[1])
        _refuse_other_request(scope[1], claim.fingerprint, fingerprint)
        return claim.answer

    def finish(self, scope: Scope, answer: StoredAnswer) -> None:
        claim = self._claims[scope]
        self._claims[scope] = _Claim(claim.fingerprint, claim.at, answer)

    def abandon(self, scope: Scope) -> None:
        """Nothing was executed, so nothing is stored."""
        self._claims.pop(scope, None)


def _in_use(key: str) -> NotExecuted:
    message = (
        "There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, "
        f"and the other request is still going through): {key}. Please try again later."
    )
    return NotExecuted(message, code="idempotency_key_in_use", status=409)


def _refuse_other_request(key: str, first: Fingerprint, now: Fingerprint) -> None:
    if first == now:
        return
    what = "with the same parameters they were first used with"
    if first.path != now.path:
        what = f"for the same endpoint they were first used for ('{now.path}' vs '{first.path}')"
    message = (
        f"Keys for idempotent requests can only be used {what}. "
        f"Try using a key other than '{key}' if you meant to execute a different request."
    )
    raise NotExecuted(message, kind=ErrorType.IDEMPOTENCY)
