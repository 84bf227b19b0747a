"""A provider that behaves like Onfido (v3.6): applicants, workflow runs, checks, and webhooks signed with the endpoint's token.

An ASGI application: hand it to a server, or to ``httpx.ASGITransport`` for no server at all.
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

from workers.ops.fakes.courier import Courier
from workers.ops.fakes.identity_faults import Faults
from workers.ops.fakes.veriff import NotPossible

TOKEN: Final = "onfido-local"  # noqa: S105  # the fake's own, good for nothing else
WEBHOOK_TOKEN: Final = "onfido-local-webhook"  # noqa: S105  # likewise
WORKFLOW: Final = "identity"
API: Final = "https://api.eu.onfido.com/v3.6"
FINAL: Final = frozenset({"approved", "declined", "abandoned", "error"})
STATUSES: Final = FINAL | {"review"}
TASK: Final = "upload_document_photo"

Json = dict[str, Any]


@dataclass
class OnfidoFake:
    """``workflow``: the one there is. Whole seconds, as Onfido tells them, each decision later than the one before."""

    courier: Courier = field(default_factory=Courier)
    token: str = TOKEN
    workflow: str = WORKFLOW
    secrets: tuple[str, ...] = (WEBHOOK_TOKEN,)
    seed: int = 2
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    url: str | None = None
    applicants: dict[str, Json] = field(default_factory=dict)
    runs: dict[str, Json] = field(default_factory=dict)
    checks: dict[str, Json] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.faults = Faults()
        self._random = Random(self.seed)  # noqa: S311  # repeatable ids, no secret
        self._last = datetime.min.replace(tzinfo=UTC)
        self._app = Starlette(
            routes=[
                Route("/v3.6/applicants", self._create_applicant, methods=["POST"]),
                Route("/v3.6/workflow_runs", self._create_run, methods=["POST"]),
                Route("/v3.6/workflow_runs/{id}", self._show_run, methods=["GET"]),
                Route("/v3.6/checks/{id}", self._show_check, methods=["GET"]),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def listen(self, url: str, secrets: tuple[str, ...]) -> None:
        self.url, self.secrets = url, secrets

    # --- what people do --------------------------------------------------------------------------------------------

    def of(self, name: str) -> Json | None:
        """By its id, or the last one tagged with this kycSessionId."""
        found = [run for run in self.runs.values() if name == run["id"] or f"kycSessionId:{name}" in run["tags"]]
        return found[-1] if found else None

    def start(self, run: Json) -> None:
        self._require_open(run)
        run["status"] = "awaiting_input"
        self._tell_task(run, "started")

    def submit(self, run: Json) -> None:
        self._require_open(run)
        run["status"] = "processing"
        self._tell_task(run, "completed")

    def decide(self, run: Json, status: str) -> None:
        """``status``: approved, declined, review, abandoned or error. Only a review is followed by another."""
        if status not in STATUSES:
            raise NotPossible(f"Onfido decides {', '.join(sorted(STATUSES))}, not {status!r}.")
        self._require_open(run)
        run |= {"status": status, "updated_at": self._instant(), "output": {"result": "clear" if status == "approved" else "consider"}}
        told = {"id": run["id"], "status": status, "completed_at_iso8601": run["updated_at"], "href": f"{API}/workflow_runs/{run['id']}"}
        self._tell("workflow_run", "workflow_run.completed", told, {**run, "workflow_run_id": run["id"]})

    def settle(self, run: Json, status: str) -> None:
        if status not in ("abandoned", "error"):
            self.start(run)
            self.submit(run)
        self.decide(run, status)

    def complete_check(self, result: str, tags: list[str] | None = None) -> Json:
        """A check of the classic kind, complete with ``clear`` or ``consider``: the webhook does not say which."""
        check = {
            "id": self._id(),
            "applicant_provides_data": False,
            "status": "complete",
            "result": result,
            "report_ids": [self._id()],
            "created_at": self._instant(),
            "tags": tags or [],
            "sandbox": True,
            "paused": False,
            "version": "3.6",
        }
        check |= {"href": f"/v3.6/checks/{check['id']}", "applicant_id": self._id()}
        self.checks[str(check["id"])] = check
        told = {
            "id": check["id"],
            "status": "complete",
            "completed_at_iso8601": check["created_at"],
            "href": f"{API}/checks/{check['id']}",
        }
        self._tell("check", "check.completed", told, None)
        return check

    # --- answering -------------------------------------------------------------------------------------------------

    async def _create_applicant(self, request: Request) -> Response:
        wanted = _parsed(await request.body())

        async def answer() -> Response:
            if not wanted.get("first_name") or not wanted.get("last_name"):
                return _error(422, "validation_error", "There was a validation error on this request")
            applicant = {"id": self._id(), "created_at": self._instant(), "href": None, **wanted}
            self.applicants[applicant["id"]] = applicant
            return JSONResponse(applicant, 201)

        return await self._answered(request, "POST /v3.6/applicants", answer)

    async def _create_run(self, request: Request) -> Response:
        wanted = _parsed(await request.body())

        async def answer() -> Response:
            if wanted.get("workflow_id") != self.workflow or wanted.get("applicant_id") not in self.applicants:
                return _error(422, "validation_error", "There was a validation error on this request")
            run = self._made(wanted)
            self.runs[run["id"]] = run
            return JSONResponse(run, 201)

        return await self._answered(request, "POST /v3.6/workflow_runs", answer)

    async def _show_run(self, request: Request) -> Response:
        return await self._shown(request, "GET /v3.6/workflow_runs/{id}", self.runs)

    async def _show_check(self, request: Request) -> Response:
        return await self._shown(request, "GET /v3.6/checks/{id}", self.checks)

    async def _shown(self, request: Request, route: str, objects: dict[str, Json]) -> Response:
        async def answer() -> Response:
            found = objects.get(request.path_params["id"])
            return JSONResponse(found) if found else _error(404, "resource_not_found", "Could not find the requested resource")

        return await self._answered(request, route, answer)

    async def _answered(self, request: Request, route: str, answer: Callable[[], Any]) -> Response:
        self.calls[route] += 1

        async def authorized() -> Response:
            if request.headers.get("authorization") != f"Token token={self.token}":
                return _error(401, "authorization_error", "Authorization error: please re-check your credentials")
            given: Response = await answer()
            return given

        return await self.faults.answered(authorized)

    def _made(self, wanted: Json) -> Json:
        identity, at = self._id(), self._instant()
        link = {"completed_redirect_url": None, "expired_redirect_url": None, "expires_at": None, "language": None}
        return {
            "id": identity,
            "applicant_id": wanted["applicant_id"],
            "workflow_id": self.workflow,
            "workflow_version_id": 3,
            "status": "awaiting_input",
            "dashboard_url": f"https://dashboard.onfido.com/results/{identity}",
            "output": None,
            "reasons": [],
            "error": None,
            "tags": list(wanted.get("tags") or []),
            "customer_user_id": wanted.get("customer_user_id"),
            "link": link | dict(wanted.get("link") or {}) | {"url": f"https://studio.eu.onfido.app/l/{identity}"},
            "created_at": at,
            "updated_at": at,
        }

    # --- telling ---------------------------------------------------------------------------------------------------

    def _tell_task(self, run: Json, happened: str) -> None:
        task = f"{TASK}_1"
        told = {
            "id": task,
            "task_spec_id": task,
            "task_def_id": TASK,
            "workflow_run_id": run["id"],
            "status": happened,
            "href": f"{API}/workflow_runs/{run['id']}/tasks/{task}",
        }
        completed = {"completed_at_iso8601": self._instant()} if happened == "completed" else {}
        resource = {"id": task, "task_def_id": TASK, "workflow_run_id": run["id"], "input": {}, "output": [{"type": "document_photo"}]}
        self._tell("workflow_task", f"workflow_task.{happened}", told | completed, resource)

    def _tell(self, kind: str, action: str, subject: Json, resource: Json | None) -> None:
        payload = {"resource_type": kind, "action": action, "object": subject} | ({"resource": resource} if resource else {})
        if self.url:
            self.courier.send(self.url, json.dumps({"payload": payload}).encode(), self._signed)

    def _signed(self, body: bytes) -> dict[str, str]:
        return {"X-SHA2-Signature": hmac.new(self.secrets[0].encode(), body, sha256).hexdigest()}

    def _instant(self) -> str:
        self._last = max(self.now().replace(microsecond=0), self._last + timedelta(seconds=1))
        return self._last.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _require_open(self, run: Json) -> None:
        if run["status"] in FINAL:
            raise NotPossible(f"This run ended: it is {run['status']}. Another try needs another run.")

    def _id(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))


def _parsed(body: bytes) -> Json:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _error(status: int, kind: str, message: str) -> Response:
    return JSONResponse({"error": {"type": kind, "message": message, "fields": {}}}, status)
