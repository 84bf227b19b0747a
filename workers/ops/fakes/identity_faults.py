"""Trouble on purpose for the providers of identity checks: which of the next calls fail, and how."""

from collections import deque
from collections.abc import Awaitable, Callable
from enum import StrEnum

from starlette.responses import HTMLResponse, JSONResponse, Response

from workers.ops.fakes.holding import Holding


class Fault(StrEnum):
    """RATE_LIMITED and SERVER_ERROR: nothing happened. SERVER_ERROR_AFTER, TIMEOUT_AFTER, WEB_PAGE, BROKEN: it did, and the answer is a
    500, none before ``release()``, HTML with status 200, half a document. SLOW: nothing happens before ``release()``."""

    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    SERVER_ERROR_AFTER = "server_error_after"
    TIMEOUT_AFTER = "timeout_after"
    SLOW = "slow"
    WEB_PAGE = "web_page"
    BROKEN = "broken"


class Faults(Holding):
    """They strike the next calls in the order they were planned."""

    def __init__(self) -> None:
        super().__init__()
        self._planned: deque[tuple[Fault, int | None]] = deque()

    def plan(self, fault: Fault, times: int = 1, *, retry_after: int | None = None) -> None:
        """``retry_after``: seconds that a 429 asks for."""
        self.hold_back()
        self._planned.extend([(fault, retry_after)] * times)

    def clear(self) -> None:
        """No fault is left, held calls go on."""
        self._planned.clear()
        self.release()

    def strike(self) -> Fault | None:
        """What strikes the next call, for a call that is none over HTTP; its caller does what it means."""
        return self._planned.popleft()[0] if self._planned else None

    async def answered(self, answer: Callable[[], Awaitable[Response]]) -> Response:
        """What the caller gets of ``answer``."""
        fault, retry_after = self._planned.popleft() if self._planned else (None, None)
        match fault:
            case Fault.RATE_LIMITED:
                headers = {"Retry-After": str(retry_after)} if retry_after is not None else {}
                return JSONResponse({"status": "fail", "message": "Too many requests"}, 429, headers)
            case Fault.SERVER_ERROR:
                return _server_error()
            case Fault.SLOW:
                await self.hold()
        given = await answer()
        return await self._spoiled(fault, given)

    async def _spoiled(self, fault: Fault | None, given: Response) -> Response:
        match fault:
            case Fault.SERVER_ERROR_AFTER:
                return _server_error()
            case Fault.TIMEOUT_AFTER:
                await self.hold()
            case Fault.WEB_PAGE:
                return HTMLResponse("<!doctype html><title>Sign in</title>")
            case Fault.BROKEN:
                return Response(bytes(given.body)[: len(given.body) // 2], media_type="application/json")
        return given


def _server_error() -> Response:
    return HTMLResponse("<h1>Internal Server Error</h1>", 500)
