"""The registry's fake with its controls over HTTP, for a demo in another process: JSON in, JSON out, under /_fake."""

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from workers.ops.fakes.opencorporates import Fault, OpenCorporatesFake


class Company(BaseModel):
    """What the registry is to know. ``changes``: fields of the document that differ from a company in good standing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    jurisdiction: str
    number: str
    name: str
    changes: dict[str, object] = Field(default_factory=dict)


class Trouble(BaseModel):
    """Strikes the next ``times`` calls."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fault: Fault
    times: int = 1
    retry_after: int | None = None


def with_controls(fake: OpenCorporatesFake) -> Starlette:
    """An ASGI application: the registry's API, and what no caller of it can do. 400 says that an order is not understood."""

    async def state(_: Request) -> Response:
        companies = [f"{jurisdiction}/{number}" for jurisdiction, number in fake.companies]
        return JSONResponse({"calls": dict(fake.calls), "companies": companies})

    async def register(request: Request) -> Response:
        wanted = Company.model_validate_json(await request.body())
        return JSONResponse(fake.register(wanted.jurisdiction, wanted.number, wanted.name, **wanted.changes))

    async def plan(request: Request) -> Response:
        trouble = Trouble.model_validate_json(await request.body())
        fake.fail(trouble.fault, trouble.times, retry_after=trouble.retry_after)
        return JSONResponse({"fault": trouble.fault.value, "times": trouble.times})

    routes = [
        Route("/_fake/state", state),
        Route("/_fake/companies", register, methods=["POST"]),
        Route("/_fake/faults", plan, methods=["POST"]),
        Mount("/", fake),
    ]
    return Starlette(routes=routes, exception_handlers={ValidationError: _misunderstood})


async def _misunderstood(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 400)
