"""What the commands of ``mindlinks`` need put together for them; ``workers/main.py`` does it."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp

from workers.adapters.key_ring import KeyRing
from workers.adapters.objects import NoObjects, Objects
from workers.engine.ports import Clock, Log, Metrics, Store
from workers.engine.reading import LogReader, NoReader
from workers.engine.runtime import Runtime, World
from workers.engine.service import Service
from workers.engine.tracing import Tracer
from workers.ops.event_reading import EventReading
from workers.settings import Settings


@dataclass(frozen=True, slots=True)
class Backbone:
    """Log, store and data keys of one process, with the clock and metrics they are watched by."""

    log: Log
    store: Store
    clock: Clock
    registry: CollectorRegistry
    metrics: Metrics
    tracer: Tracer
    keys: KeyRing
    objects: Objects = field(default_factory=NoObjects)
    reader: LogReader = field(default_factory=NoReader)

    def checks(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """One call per dependency; returns when it answers."""
        return {"kafka": self.log.check, "dynamodb": self.store.check}


class Composition(Protocol):
    """Everything that opens is a context manager and closes what it opened."""

    services: Mapping[str, Service]

    def open_backbone(self, settings: Settings) -> AbstractAsyncContextManager[Backbone]: ...

    def open_ports(self, settings: Settings, backbone: Backbone) -> AbstractAsyncContextManager[Mapping[str, Any]]:
        """The outside as effects see it, by provider name."""
        ...

    def world(self, settings: Settings, backbone: Backbone, ports: Mapping[str, Any]) -> World: ...

    def ingress(self, settings: Settings, backbone: Backbone) -> ASGIApp: ...

    def event_reading(self, settings: Settings, backbone: Backbone) -> AbstractAsyncContextManager[EventReading]:
        """Of Stripe's own list of events."""
        ...

    def watch(self, backbone: Backbone, runtime: Runtime) -> ASGIApp:
        """Health and metrics of a worker process."""
        ...

    async def serve(self, app: ASGIApp, host: str, port: int, on_ready: Callable[[int], None]) -> None:
        """Serves until cancelled; ``on_ready`` is told the port."""
        ...
