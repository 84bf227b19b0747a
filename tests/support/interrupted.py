"""A process that ends, or is overtaken by another, at a chosen one of its calls to the world."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from workers.engine.decision import Item, ItemRef
from workers.engine.ports import Log, Page, Store, Write, Written
from workers.engine.record import Outgoing


class Died(Exception):
    """The process ended here."""


class Interruption:
    """``at``: the number of the call behind which ``happens`` does, or the process dies; calls are counted from 1, of store and log
    together."""

    def __init__(self, at: int) -> None:
        self._at, self.calls = at, 0
        self.happens: Callable[[], Awaitable[None]] | None = None

    @property
    def reached(self) -> bool:
        return self.calls >= self._at

    async def passed(self) -> None:
        """After a call. Raises Died."""
        self.calls += 1
        if self.calls == self._at:
            if self.happens is None:
                raise Died
            await self.happens()


class InterruptedStore:
    """What the ops commands ask of a store."""

    def __init__(self, inner: Store, interruption: Interruption) -> None:
        self._inner, self._interruption = inner, interruption

    async def get(self, refs: Sequence[ItemRef]) -> Mapping[ItemRef, Item]:
        found = await self._inner.get(refs)
        await self._interruption.passed()
        return found

    async def write(self, writes: Sequence[Write]) -> Sequence[Written]:
        written = await self._inner.write(writes)
        await self._interruption.passed()
        return written

    async def query(self, table: str, index: str | None, value: str, **how: Any) -> Page:
        page = await self._inner.query(table, index, value, **how)
        await self._interruption.passed()
        return page

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class InterruptedLog:
    def __init__(self, inner: Log, interruption: Interruption) -> None:
        self._inner, self._interruption = inner, interruption

    async def append_keyed(self, topic: str, records: Sequence[Outgoing]) -> None:
        await self._inner.append_keyed(topic, records)
        await self._interruption.passed()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)
