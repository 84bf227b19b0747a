"""The HTTP application: routes, problem documents, one count per request."""

import structlog
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from workers.engine.ports import Metrics
from workers.ingress import api, descriptions, health, identity, sessions, sign_in, sns, stripe, uploads
from workers.ingress.dependencies import Dependencies
from workers.ingress.problems import Problem, problem_response
from workers.ingress.requests import Requests

DESCRIPTION = (
    "Commands in, receipts out, people signed in, and the webhooks of providers. Errors are RFC 9457 problem documents; /problems lists "
    "them all."
)

log = structlog.get_logger(__name__)


def create_app(dependencies: Dependencies) -> FastAPI:
    """Opens nothing and closes nothing: whoever made the dependencies owns them."""
    app = FastAPI(title="Mind-Links ingress", description=DESCRIPTION, version="1", redoc_url=None)
    app.include_router(api.router(dependencies))
    requests = Requests(dependencies)
    for own in (sign_in, sessions, uploads):
        app.include_router(own.router(dependencies, requests))
    app.include_router(stripe.router(dependencies))
    app.include_router(identity.router(dependencies))
    app.include_router(sns.router(dependencies))
    app.include_router(health.router(dependencies.health, dependencies.clock))
    app.include_router(descriptions.router(dependencies.registry))
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(Exception, _defect)
    app.add_middleware(CountRequests, metrics=dependencies.metrics)
    return app


class CountRequests:
    """Counts every request by route and reason once its answer begins."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        scope.setdefault("state", {})
        try:
            await self._app(scope, receive, send)
        except Exception:
            scope["state"]["reason"] = "internal_error"
            raise
        finally:
            # The template, not the path: ids in paths would make a series each.
            route = getattr(scope.get("route"), "path", "unmatched")
            self._metrics.count("ingress_requests", route=route, reason=scope["state"].get("reason", "ok"))


def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return problem_response(request, error)


def _http_exception(request: Request, error: Exception) -> Response:
    """Raised by the router itself."""
    assert isinstance(error, HTTPException)
    reason = "method_not_allowed" if error.status_code == 405 else "not_found"
    response = problem_response(request, Problem(reason, f"{request.method} is not served at this path."))
    response.headers.update(error.headers or {})
    return response


def _defect(request: Request, error: Exception) -> Response:
    """The document says nothing of the cause; neither does the log of what was in the request."""
    log.error("request failed by a defect", path=request.url.path, error=type(error).__name__)
    return problem_response(request, Problem("internal_error", "The request met a defect; nothing may be assumed about its effect."))
