"""``POST /v1/commands`` and ``GET /v1/commands/{id}``."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from workers.engine.decision import Item
from workers.ingress.bodies import MAXIMUM_BATCH, MAXIMUM_SINGLE, limited_body
from workers.ingress.clients import Client
from workers.ingress.cloudevents import CloudEvent, Mode, batch, binary, mode_of, parse_json, structured
from workers.ingress.commands import Caller, is_id
from workers.ingress.dependencies import Dependencies
from workers.ingress.documentation import POST_COMMANDS, RECEIPT
from workers.ingress.intake import Intake, Outcome, Taken
from workers.ingress.problems import Problem
from workers.ingress.rate_limit import RateLimit
from workers.ingress.reading import receipts

MAXIMUM_MEMBERS: Final = 500
READS_PER_COMMAND: Final = 10
"""How often a client may look for a receipt per command it may send."""
RECEIPT_FIELDS: Final = ("kind", "key", "state", "reason", "eventIds", "position", "at")


def router(dependencies: Dependencies) -> APIRouter:
    routes = APIRouter(prefix="/v1/commands", tags=["commands"])
    intake, limit = Intake(dependencies), RateLimit()

    def authenticated(request: Request) -> Client:
        return dependencies.clients.authenticate(request.headers.get("authorization"))

    def limited(client: Client, commands: int) -> None:
        limit.take(client.id, client.per_minute, commands, dependencies.clock.now())

    @routes.post("", status_code=202, openapi_extra=POST_COMMANDS, summary="Send commands as CloudEvents")
    async def post_commands(request: Request) -> Response:
        client = authenticated(request)
        limited(client, 1)
        mode = mode_of(request.headers.get("content-type"))
        body = await limited_body(request, MAXIMUM_BATCH if mode is Mode.BATCH else MAXIMUM_SINGLE)
        caller = caller_of(request, client)
        if mode is not Mode.BATCH:
            event = structured(parse_json(body)) if mode is Mode.STRUCTURED else binary(request.headers, body)
            return _single(*await intake.take([event], caller))
        members = _members(body, caller)
        limited(client, max(0, len(members) - 1))
        return _many(await intake.take([_read(member) for member in members], caller))

    @routes.get("/{id}", openapi_extra=RECEIPT, summary="What became of a command")
    async def get_command(request: Request, command: Annotated[str, Path(alias="id")]) -> Response:
        client = authenticated(request)
        limit.take(f"{client.id}#reads", client.per_minute * READS_PER_COMMAND, 1, dependencies.clock.now())
        ids = [command] if is_id(command) else []
        found = (await receipts(dependencies.store, ids, dependencies.clock.now())).get(command)
        if found is None or found.get("client") != client.id:
            raise Problem("receipt_not_found", "No command of this client is settled under this id yet.")
        return JSONResponse(_receipt(command, found), headers={"Cache-Control": "no-store"})

    return routes


def caller_of(request: Request, client: Client) -> Caller:
    return Caller(
        client=client,
        actor=request.headers.get("mindlinks-actor"),
        idempotency_key=request.headers.get("idempotency-key"),
        correlation_id=request.headers.get("x-correlation-id"),
        traceparent=request.headers.get("traceparent"),
        ip=request.client.host if request.client else None,
    )


def _members(body: bytes, caller: Caller) -> Sequence[Any]:
    if caller.idempotency_key is not None:
        raise Problem("invalid_idempotency_key", "The members of a batch have ids of their own.", field="Idempotency-Key")
    members = batch(body)
    # A batch beyond a whole minute's rate could never pass: better said so than delayed for good.
    most = min(MAXIMUM_MEMBERS, caller.client.per_minute)
    if len(members) > most:
        raise Problem("batch_too_large", f"A batch of this client takes at most {most} commands.")
    return members


def _read(member: Any) -> CloudEvent | Problem:
    try:
        return structured(member)
    except Problem as problem:
        return problem


def _single(outcome: Outcome) -> Response:
    if isinstance(outcome, Problem):
        raise outcome
    return JSONResponse(_document(outcome), status_code=202, headers={"Location": f"/v1/commands/{outcome.id}"})


def _many(outcomes: Sequence[Outcome]) -> Response:
    problems = [outcome for outcome in outcomes if isinstance(outcome, Problem)]
    if problems and len(problems) == len(outcomes) and all(problem.status == 503 for problem in problems):
        raise problems[0]
    waits = [problem.retry_after for problem in problems if problem.retry_after is not None]
    headers = {"Retry-After": str(max(waits))} if waits else {}
    return JSONResponse({"results": [_document(one) for one in outcomes]}, status_code=207 if problems else 202, headers=headers)


def _document(outcome: Outcome) -> dict[str, Any]:
    if isinstance(outcome, Taken):
        reason = {"reason": outcome.reason} if outcome.reason else {}
        return {"status": 202, "id": outcome.id, "state": outcome.state} | reason
    return outcome.members()


def _receipt(command: str, item: Item) -> dict[str, Any]:
    return {"id": command} | {name: item[name] for name in RECEIPT_FIELDS if name in item}
