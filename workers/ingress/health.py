"""``/health/live``, ``/health/ready``, ``/health``. An outage of a dependency never makes live red: a restart would not mend it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from workers.engine.ports import Clock
from workers.ingress.dependencies import Health
from workers.ingress.documentation import HEALTH

TIMEOUT: Final = 2.0
"""Seconds a dependency has to answer in; they are asked side by side."""


def router(health: Health, clock: Clock) -> APIRouter:
    """Serves the ingress and, on a port of their own, the workers."""
    routes = APIRouter(prefix="/health", tags=["health"])

    @routes.get("/live", openapi_extra=HEALTH, summary="Does the process make progress?")
    async def live() -> Response:
        alive = health.alive()
        return _answer({"status": "up" if alive else "down"}, alive)

    @routes.get("/ready", openapi_extra=HEALTH, summary="May traffic come?")
    async def ready() -> Response:
        reason = health.not_ready()
        return _answer({"status": "up"} if reason is None else {"status": "down", "reason": reason}, reason is None)

    @routes.get("", openapi_extra=HEALTH, summary="Each dependency with its latency")
    async def dependencies() -> Response:
        names = list(health.checks)
        results = await asyncio.gather(*(_checked(health.checks[name], clock) for name in names))
        healthy = all(result["status"] == "up" for result in results)
        return _answer({"status": "up" if healthy else "down", "dependencies": dict(zip(names, results, strict=True))}, healthy)

    return routes


async def _checked(check: Callable[[], Awaitable[None]], clock: Clock) -> dict[str, Any]:
    begun = clock.now()
    try:
        await asyncio.wait_for(check(), TIMEOUT)
    except Exception as error:  # noqa: BLE001  # whatever a client library raises, the answer is the same
        # The class only: messages of client libraries name addresses and accounts.
        return {"status": "down", "latencyMs": clock.now() - begun, "error": type(error).__name__}
    return {"status": "up", "latencyMs": clock.now() - begun}


def _answer(document: dict[str, Any], good: bool) -> Response:
    return JSONResponse(document, status_code=200 if good else 503, headers={"Cache-Control": "no-store"})
