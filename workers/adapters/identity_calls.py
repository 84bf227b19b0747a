"""One HTTP call to a provider of identity checks, in the words of kyc's port. No call is repeated here: the engine does that."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from urllib.parse import quote

import httpx
import orjson

from workers.services.kyc.ports import Lost, Problem, Refusal, Unavailable

CALL_SECONDS: Final = 25.0
"""Below an effect's own time-out, and two of them fit into it."""
LONGEST_PAUSE: Final = 3600.0
NEVER_REACHED: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)
"""Nothing left this machine, so nothing can have happened."""

# httpx logs every address it calls at INFO, and the provider's reference of a person stands in it.
logging.getLogger("httpx").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """A JSON object with status 2xx. It may hold personal details, so it has no repr."""

    content: Mapping[str, Any]
    body: bytes


ErrorCode: TypeAlias = Callable[[Mapping[str, Any]], object]


async def called(http: httpx.AsyncClient, request: httpx.Request, seconds: float, error_code: ErrorCode) -> Answer | Problem:
    """``seconds``: the call in all, however slowly its answer drips. ``error_code``: where a provider's error says its code."""
    try:
        async with asyncio.timeout(seconds):
            response = await http.send(request)
    except NEVER_REACHED as error:
        return Unavailable(f"not reached: {type(error).__name__}")
    except (httpx.HTTPError, TimeoutError) as error:
        return Lost(f"no answer: {type(error).__name__}")
    return _answer(response, error_code)


async def read(http: httpx.AsyncClient, request: httpx.Request, seconds: float, error_code: ErrorCode) -> Answer | Problem:
    """As ``called``, for what changes nothing: what was lost is as good as never asked."""
    answer = await called(http, request, seconds, error_code)
    return Unavailable(answer.reason) if isinstance(answer, Lost) else answer


def segment(text: str) -> str:
    """A reference is a provider's text: no part of it may be taken for a path."""
    return quote(text, safe="").replace(".", "%2E")


def _answer(response: httpx.Response, error_code: ErrorCode) -> Answer | Problem:
    status = response.status_code
    if status == httpx.codes.TOO_MANY_REQUESTS:
        return Unavailable("429 too many requests", _pause(response))
    if status == httpx.codes.REQUEST_TIMEOUT or status >= 500:
        return Lost(f"http_{status}")
    content = _object(response)
    if status >= 300:
        said = error_code(content or {})
        return Refusal(status, str(said)[:80] if isinstance(said, str | int) and str(said).strip() else f"http_{status}")
    return Answer(content, response.content) if content is not None else Lost(f"malformed answer with status {status}")


def _object(response: httpx.Response) -> Mapping[str, Any] | None:
    """None for a proxy's web page, half a document, or JSON that is no object."""
    if response.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return None
    try:
        found = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, Mapping) else None


def _pause(response: httpx.Response) -> float | None:
    wish = response.headers.get("retry-after", "")
    return min(float(wish), LONGEST_PAUSE) if wish.isascii() and wish.isdigit() else None
