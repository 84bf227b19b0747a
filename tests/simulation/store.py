"""A store that throttles, forgets to answer, and answers late. Conditions, limits and shapes are those of the store in memory."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from tests.simulation.faults import Fault, Faults
from tests.simulation.network import Network
from workers.engine.decision import Item, ItemRef
from workers.engine.memory import MemoryStore
from workers.engine.ports import Fate, Page, StoreUnavailable, Transacted, Write, Written

NO_ANSWER = (Fault.WRITE_LOST, Fault.WRITE_HAPPENED, Fault.WRITE_LATE)
LATE = 1.0
"""Seconds within which a late write happens."""
INDEX_LAG = 0.5


class SimulatedStore(MemoryStore):
    """``tell`` is given every row as it changes, in the order of the changes."""

    def __init__(self, network: Network, faults: Faults, tell: Callable[..., None]) -> None:
        super().__init__()
        self._network, self._faults, self._tell = network, faults, tell
        self._index: dict[ItemRef, Item] = {}
        self._index_at = 0.0

    async def get(self, refs: Sequence[ItemRef]) -> Mapping[ItemRef, Item]:
        await self._reached()
        if len(refs) > 1 and self._faults.strikes(Fault.TORN_READ):
            half = len(refs) // 2
            early = await super().get(refs[half:])
            await self._network.hop()
            found = {**early, **await super().get(refs[:half])}
        else:
            found = dict(await super().get(refs))
        await self._network.hop()
        return found

    async def write(self, writes: Sequence[Write]) -> Sequence[Written]:
        await self._reached()
        struck = self._faults.first(*NO_ANSWER)
        if struck is Fault.WRITE_LATE:
            for write in writes:
                self._network.late(LATE, partial(self._one, write))
        elif struck is Fault.WRITE_HAPPENED:
            await super().write(writes)
        elif struck is None:
            results = [await self._statement(write) for write in writes]
            await self._network.hop()
            return results
        await self._network.hop()
        return [Written(Fate.UNKNOWN)] * len(writes)

    async def _statement(self, write: Write) -> Written:
        """Each statement of a batch has its own fate."""
        if self._faults.strikes(Fault.BUSY):
            return Written(Fate.BUSY)
        struck = self._faults.first(*NO_ANSWER) if self._faults.strikes(Fault.MIXED_REASONS) else None
        if struck is Fault.WRITE_LATE:
            self._network.late(LATE, lambda: self._one(write))
        elif struck is not Fault.WRITE_LOST:
            (result,) = await super().write([write])
            if struck is None:
                return result
        return Written(Fate.UNKNOWN)

    async def transact(self, writes: Sequence[Write], token: str) -> Transacted:
        await self._reached()
        struck = self._faults.first(*NO_ANSWER)
        if struck is Fault.WRITE_LATE:
            self._network.late(LATE, lambda: _finished(super(SimulatedStore, self).transact(writes, token)))
        elif struck is Fault.WRITE_HAPPENED:
            await super().transact(writes, token)
        elif struck is None:
            answer = Transacted(Fate.BUSY) if self._faults.strikes(Fault.BUSY) else await super().transact(writes, token)
            await self._network.hop()
            return self._mixed(answer)
        await self._network.hop()
        return Transacted(Fate.UNKNOWN)

    def _mixed(self, answer: Transacted) -> Transacted:
        """Reasons come one a write; a throttle or conflict may stand in for any of them. The whole is named by the worst."""
        if answer.fate is not Fate.CONFLICT or not answer.parts or not self._faults.strikes(Fault.MIXED_REASONS):
            return answer
        parts = [Written(Fate.BUSY) if self._network.spread(1.0) < 0.4 else part for part in answer.parts]
        return Transacted(Fate.CONFLICT if any(part.fate is Fate.CONFLICT for part in parts) else Fate.BUSY, parts)

    async def query(
        self,
        table: str,
        index: str | None,
        value: str,
        *,
        up_to: str | None = None,
        start: Mapping[str, Any] | None = None,
        limit: int = 100,
        descending: bool = False,
    ) -> Page:
        await self._reached()
        rows = MemoryStore()
        rows.items = self._shown() if index else self.items
        page = await rows.query(table, index, value, up_to=up_to, start=start, limit=limit, descending=descending)
        await self._network.hop()
        return page

    def _shown(self) -> dict[ItemRef, Item]:
        """Rows as an index shows them: at times those of a while ago."""
        now = self._network.loop.time()
        if now - self._index_at > INDEX_LAG or not self._faults.strikes(Fault.STALE_INDEX):
            self._index, self._index_at = dict(self.items), now
        return self._index

    async def _reached(self) -> None:
        await self._network.hop()
        if self._faults.strikes(Fault.STORE_AWAY):
            raise StoreUnavailable("simulated")

    def _apply(self, write: Write) -> None:
        super()._apply(write)
        self._tell("row", write.ref, self.items.get(write.ref))


def _finished(work: Any) -> None:
    """Runs a coroutine that never waits."""
    try:
        work.send(None)
    except StopIteration:
        return
    raise AssertionError("a store in memory never waits")
