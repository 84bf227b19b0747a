"""A provider that behaves like Veriff: sessions, their decisions, and webhooks signed with the shared secret.

An ASGI application: hand it to a server, or to ``httpx.ASGITransport`` for no server at all. Error codes beside the documented statuses
are made up: nobody branches on them.
"""

import hmac
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from random import Random
from typing import Any, Final
from uuid import UUID

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from workers.ops.fakes.controls import RefusedOrder
from workers.ops.fakes.courier import Courier
from workers.ops.fakes.identity_faults import Faults

API_KEY: Final = "veriff-local"
SECRET: Final = "veriff-local-secret"  # noqa: S105  # guards nothing: it signs what this fake makes up
HOST: Final = "https://alchemy.veriff.com"
CODES: Final = {"approved": 9001, "declined": 9102, "resubmission_requested": 9103, "review": 9121, "expired": 9104, "abandoned": 9104}
FINAL: Final = frozenset({"approved", "declined", "expired", "abandoned"})
_REASONS: Final = {"declined": ("Physical document not used", 106), "resubmission_requested": ("Face not clearly visible", 202)}

Json = dict[str, Any]


class NotPossible(RefusedOrder):
    """What was asked for can't happen to this session. Its text says why."""


@dataclass
class Session:
    id: str
    vendor_data: str | None
    end_user_id: str | None
    person: Json
    attempts: list[str] = field(default_factory=list)
    phase: str | None = None
    """Of the attempt that waits for its decision: started, then submitted."""
    decision: Json | None = None
    """The last one told: what the poll answers."""


@dataclass
class VeriffFake:
    """Webhooks go out once it was told where (``listen``)."""

    courier: Courier = field(default_factory=Courier)
    api_key: str = API_KEY
    secrets: tuple[str, ...] = (SECRET,)
    seed: int = 1
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    event_url: str | None = None
    decision_url: str | None = None
    sessions: dict[str, Session] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.faults = Faults()
        self._random = Random(self.seed)  # noqa: S311  # repeatable ids, no secret
        self._last = datetime.min.replace(tzinfo=UTC)
        self._app = Starlette(
            routes=[
                Route("/v1/sessions", self._create, methods=["POST"]),
                Route("/v1/sessions/{id}/decision", self._decision, methods=["GET"]),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def listen(self, event_url: str, decision_url: str, secrets: tuple[str, ...]) -> None:
        self.event_url, self.decision_url, self.secrets = event_url, decision_url, secrets

    # --- what people do --------------------------------------------------------------------------------------------

    def of(self, name: str) -> Session | None:
        """By its id, or the last one made with this vendorData."""
        found = [session for session in self.sessions.values() if name in (session.id, session.vendor_data)]
        return found[-1] if found else None

    def start(self, session: Session) -> None:
        """Somebody follows the link: a new attempt."""
        self._require_open(session)
        session.attempts.append(self._id())
        session.phase = "started"
        self._tell_event(session, 7001, "started")

    def submit(self, session: Session) -> None:
        self._require_open(session)
        if not session.attempts:
            raise NotPossible("Nobody has started this session.")
        session.phase = "submitted"
        self._tell_event(session, 7002, "submitted")

    def decide(self, session: Session, status: str, *, reason_code: int | None = None, override: bool = False) -> Json:
        """``status``: one of ``CODES``. A resubmission leaves the session open for the next attempt. ``override``: after a
        final decision too, as support may."""
        if status not in CODES:
            raise NotPossible(f"Veriff decides {', '.join(CODES)}, not {status!r}.")
        if not override:
            self._require_open(session)
        reason, code = _REASONS.get(status, (None, None))
        session.phase = None
        session.decision = self._verification(session, status, reason, reason_code or code)
        self._tell(self.decision_url, {"status": "success", "verification": session.decision, "technicalData": {"ip": "192.0.2.1"}})
        return session.decision

    def settle(self, session: Session, status: str) -> Json:
        """Decided, with what has to come before: where the person has not come yet, they come first. What comes of nobody's coming is only
        decided."""
        if status not in ("expired", "abandoned"):
            if session.phase is None:
                self.start(session)
            if session.phase == "started":
                self.submit(session)
        return self.decide(session, status)

    # --- answering -------------------------------------------------------------------------------------------------

    async def _create(self, request: Request) -> Response:
        self.calls["POST /v1/sessions"] += 1
        body = await request.body()

        async def answer() -> Response:
            if request.headers.get("x-auth-client") != self.api_key:
                return _fail(401, "1101", "Authentication failed")
            given = request.headers.get("x-hmac-signature")
            if given is not None and not self._is_signed(body, given):
                return _fail(401, "1814", "HMAC signature does not match")
            wanted = _parsed(body).get("verification")
            if not isinstance(wanted, dict) or not str(wanted.get("callback", "https:")).startswith("https:"):
                return _fail(400, "1102", "Mandatory parameters are missing from the request")
            return JSONResponse({"status": "success", "verification": self._made(wanted)}, 201)

        return await self.faults.answered(answer)

    async def _decision(self, request: Request) -> Response:
        self.calls["GET /v1/sessions/{id}/decision"] += 1
        name = request.path_params["id"]

        async def answer() -> Response:
            signature = request.headers.get("x-hmac-signature", "")
            if request.headers.get("x-auth-client") != self.api_key or not self._is_signed(name.encode(), signature):
                return _fail(401, "1101", "Authentication failed")
            session = self.sessions.get(name)
            if session is None:
                return _fail(404, "1104", "Verification session not found")
            return JSONResponse({"status": "success", "verification": session.decision, "technicalData": {"ip": None}})

        return await self.faults.answered(answer)

    def _made(self, wanted: Json) -> Json:
        session = Session(self._id(), wanted.get("vendorData"), wanted.get("endUserId"), dict(wanted.get("person") or {}))
        self.sessions[session.id] = session
        token = sha256(session.id.encode()).hexdigest()
        return {
            "id": session.id,
            "url": f"{HOST}/v/{token}",
            "vendorData": session.vendor_data,
            "host": HOST,
            "status": "created",
            "sessionToken": token,
        }

    # --- telling ---------------------------------------------------------------------------------------------------

    def _tell_event(self, session: Session, code: int, action: str) -> None:
        self._tell(
            self.event_url,
            {
                "id": session.id,
                "attemptId": session.attempts[-1],
                "feature": "selfid",
                "code": code,
                "action": action,
                "vendorData": session.vendor_data,
                "endUserId": session.end_user_id,
            },
        )

    def _tell(self, url: str | None, body: Json) -> None:
        if url:
            self.courier.send(url, json.dumps(body).encode(), self._signed)

    def _signed(self, body: bytes) -> dict[str, str]:
        return {"X-AUTH-CLIENT": self.api_key, "X-HMAC-SIGNATURE": _digest(body, self.secrets[0])}

    def _is_signed(self, content: bytes, given: str) -> bool:
        return any(hmac.compare_digest(_digest(content, secret).encode(), given.lower().encode()) for secret in self.secrets)

    def _verification(self, session: Session, status: str, reason: str | None, reason_code: int | None) -> Json:
        empty = status in ("expired", "abandoned")
        person = session.person if not empty else {}
        return {
            "id": session.id,
            "code": CODES[status],
            "person": dict.fromkeys(_PERSON) | {"lastName": person.get("lastName"), "firstName": person.get("firstName")},
            "reason": reason,
            "status": status,
            "comments": [],
            "document": dict.fromkeys(_DOCUMENT) | ({} if empty else {"type": "PASSPORT", "country": "PL", "number": "AB1234567"}),
            "reasonCode": reason_code,
            "vendorData": session.vendor_data,
            "decisionTime": self._instant(),
            "acceptanceTime": None if status == "expired" else self._instant(),
            "additionalVerifiedData": {},
            "attemptId": session.attempts[-1] if session.attempts else self._id(),
            "endUserId": session.end_user_id,
        }

    def _instant(self) -> str:
        """Later than every one before it, to the microsecond."""
        self._last = max(self.now(), self._last + timedelta(microseconds=1))
        return self._last.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def _require_open(self, session: Session) -> None:
        if session.decision and session.decision["status"] in FINAL:
            raise NotPossible(f"This session ended: it is {session.decision['status']}. Another try needs another session.")

    def _id(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))


_PERSON: Final = (
    "gender",
    "idNumber",
    "lastName",
    "firstName",
    "citizenship",
    "dateOfBirth",
    "nationality",
    "yearOfBirth",
    "placeOfBirth",
    "pepSanctionMatch",
)
_DOCUMENT: Final = ("type", "state", "number", "country", "validFrom", "validUntil")


def _digest(content: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), content, sha256).hexdigest()


def _parsed(body: bytes) -> Json:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _fail(status: int, code: str, message: str) -> Response:
    return JSONResponse({"status": "fail", "code": code, "message": message}, status)
