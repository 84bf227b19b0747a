"""What a command of ``mindlinks`` is given, on a store in memory."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import typer
from prometheus_client import CollectorRegistry
from typer.testing import CliRunner

from tests.support.keys import HandClock, key_ring
from workers.adapters.key_ring import KeyRing
from workers.engine.memory import MemoryLog, MemoryStore
from workers.engine.metrics import NoMetrics
from workers.engine.ports import Clock
from workers.engine.tracing import NoTracer
from workers.main import MindLinks
from workers.ops.composition import Backbone
from workers.settings import Settings


class _InMemory(MindLinks):
    def __init__(self, store: MemoryStore, clock: Clock, keys: KeyRing) -> None:
        self._store, self._clock, self._keys = store, clock, keys

    @asynccontextmanager
    async def open_backbone(self, settings: Settings) -> AsyncIterator[Backbone]:
        yield Backbone(MemoryLog({}), self._store, self._clock, CollectorRegistry(), NoMetrics(), NoTracer(), self._keys)


class CommandContext:
    def __init__(self, store: MemoryStore, *, clock: Clock | None = None, keys: KeyRing | None = None) -> None:
        self.composition = _InMemory(store, clock or HandClock(), keys or key_ring())

    def settings(self) -> Settings:
        return Settings()


def invoked(add: Callable[[typer.Typer, CommandContext], None], context: CommandContext, *arguments: str, answer: str = "") -> Any:
    """``add`` registers the command that ``arguments`` begin with; ``answer`` is what a person types."""
    app = typer.Typer()
    # Without a callback an application of one command would not want its name.
    app.callback()(lambda: None)
    add(app, context)
    return CliRunner().invoke(app, list(arguments), input=answer)
