"""What the routers of their own ask of every request: a known client within its rate, and one JSON document of a stated shape."""

from typing import Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel
from starlette.requests import Request

from contracts.message import CommandData
from contracts.validation import first_fault
from workers.ingress.api import caller_of
from workers.ingress.bodies import limited_body
from workers.ingress.cloudevents import Mode, mode_of, parse_json
from workers.ingress.commands import Caller
from workers.ingress.dependencies import Dependencies
from workers.ingress.problems import Problem
from workers.ingress.rate_limit import RateLimit

MAXIMUM: Final = 16 * 1024
"""Bytes of a body."""
NO_STORE: Final = {"Cache-Control": "no-store"}


class Body(BaseModel):
    """Of a request, in the clear. Its repr and its errors repeat nothing that is secret."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="ignore", alias_generator=to_camel, populate_by_name=True, hide_input_in_errors=True
    )


B = TypeVar("B", bound=Body)


class Requests:
    """One for all these routers, so that a client's rate is one."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._dependencies, self._limit = dependencies, RateLimit()

    async def read(self, request: Request, body: type[B], *kinds: type[CommandData]) -> tuple[Caller, B]:
        """``kinds``: the commands that come of it, which the client must be allowed. Raises Problem."""
        client = self._dependencies.clients.authenticate(request.headers.get("authorization"))
        self._limit.take(client.id, client.per_minute, 1, self._dependencies.clock.now())
        for kind in kinds:
            client.require_kind(kind.kind())
        if mode_of(request.headers.get("content-type")) is not Mode.BINARY:
            raise Problem("unsupported_media_type", f"This route takes {Mode.BINARY.value}.")
        return caller_of(request, client), _read(body, await limited_body(request, MAXIMUM))


def _read(body: type[B], raw: bytes) -> B:
    parse_json(raw)
    try:
        return body.model_validate_json(raw)
    except ValidationError as error:
        fault = first_fault(error, body)
        where = fault.where or "body"
        raise Problem("invalid_payload", f"{where}: {fault.what}.", field=where) from None
