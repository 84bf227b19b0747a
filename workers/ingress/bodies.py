"""Reading a request's body without ever holding more of it than is allowed."""

from typing import Final

from starlette.requests import Request

from contracts.catalogue import MAXIMUM_RECORD
from workers.ingress.problems import Problem

MAXIMUM_BATCH: Final = 1024 * 1024
MAXIMUM_SINGLE: Final = MAXIMUM_RECORD
MAXIMUM_WEBHOOK: Final = 1024 * 1024


async def limited_body(request: Request, maximum: int) -> bytes:
    """The raw bytes. Raises Problem ``body_too_large`` as soon as that is known, from the header or from the bytes."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > maximum:
        raise _too_large(maximum)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > maximum:
            raise _too_large(maximum)
    return bytes(body)


def _too_large(maximum: int) -> Problem:
    return Problem("body_too_large", f"The body is larger than {maximum} bytes.")
