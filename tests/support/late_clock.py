"""A whole environment in this process whose clock can be moved ahead: what waits for days comes when the test wants it."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from workers.adapters.key_ring import KeyRing
from workers.adapters.subject_keys import SubjectKeys
from workers.adapters.tracing import OpenTelemetryTracer
from workers.engine.memory import MemoryLog
from workers.engine.runtime import World
from workers.engine.timers import TimersPace
from workers.main import MindLinks
from workers.ops.composition import Backbone
from workers.settings import Settings

LOOK = 0.2
"""Seconds between the timers' looks: a moved clock wakes nobody who sleeps."""


class LateClock:
    """The system's, and ahead of it by as much as it was moved."""

    def __init__(self) -> None:
        self._ahead = 0

    def now(self) -> int:
        return time.time_ns() // 1_000_000 + self._ahead

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def move(self, *, hours: float) -> None:
        self._ahead += int(hours * 3_600_000)


class LateMindLinks(MindLinks):
    """Embedded. Log, keys and roles go by one clock; ``opened`` is the backbone they run on, ``spans`` what it traced."""

    def __init__(self) -> None:
        self.clock, self.spans = LateClock(), InMemorySpanExporter()
        self.opened: Backbone | None = None
        self.ports: Mapping[str, Any] = {}

    @asynccontextmanager
    async def open_backbone(self, settings: Settings) -> AsyncIterator[Backbone]:
        async with super().open_backbone(settings) as made:
            keys = KeyRing(SubjectKeys(made.store, self.clock), made.keys.wrappings, lifetime=made.keys.lifetime)
            tracer = OpenTelemetryTracer(self.spans, "mindlinks")
            self.opened = replace(made, clock=self.clock, log=MemoryLog(clock=self.clock), keys=keys, tracer=tracer)
            yield self.opened
            tracer.close()

    def flush(self) -> None:
        """All spans that ended are in ``spans``."""
        assert self.opened is not None
        assert isinstance(self.opened.tracer, OpenTelemetryTracer)
        self.opened.tracer.flush()

    def world(self, settings: Settings, backbone: Backbone, ports: Mapping[str, Any]) -> World:
        self.ports = ports
        return replace(super().world(settings, backbone, ports), timers=TimersPace(look=LOOK))
