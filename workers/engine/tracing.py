"""Traces across the log: a command, reaction or effect is a span of the trace its message came with."""

from typing import Protocol


class Tracer(Protocol):
    def record(self, name: str, traceparent: str | None, begun: int, ended: int, **attributes: str) -> str | None:
        """Keeps one finished span (times in milliseconds since the epoch) below ``traceparent`` and answers the ``traceparent`` that
        messages caused by it carry. Never blocks, never raises. Without a parent nothing is kept."""
        ...


class NoTracer:
    """Passes the parent on."""

    def record(self, name: str, traceparent: str | None, begun: int, ended: int, **attributes: str) -> str | None:
        return traceparent
