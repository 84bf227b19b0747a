"""What the process says about itself: ``/metrics``, ``/asyncapi``, ``/problems``."""

from importlib.resources import files

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.responses import JSONResponse, PlainTextResponse, Response

from workers.ingress.documentation import DESCRIPTION
from workers.ingress.problems import REASONS, Problem


def router(registry: CollectorRegistry) -> APIRouter:
    routes = APIRouter(tags=["descriptions"])

    @routes.get("/metrics", response_class=PlainTextResponse, summary="Prometheus metrics")
    async def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    @routes.get("/asyncapi", openapi_extra=DESCRIPTION, summary="Every topic and message")
    async def asyncapi() -> Response:
        document = files("contracts") / "generated" / "asyncapi.json"
        if not document.is_file():
            raise Problem("not_found", "This build was made without its AsyncAPI document: run `make contracts`.")
        return Response(document.read_bytes(), media_type="application/json")

    @routes.get("/problems", summary="Every reason a request may be refused for")
    async def problems() -> Response:
        return JSONResponse({reason: _described(reason) for reason in REASONS})

    @routes.get("/problems/{reason}", openapi_extra=DESCRIPTION, summary="One of them")
    async def problem(reason: str) -> Response:
        if reason not in REASONS:
            raise Problem("not_found", "There is no such reason.")
        return JSONResponse({"reason": reason} | _described(reason))

    return routes


def _described(reason: str) -> dict[str, object]:
    described = REASONS[reason]
    return {"status": described.status, "title": described.title, "advice": described.advice}
