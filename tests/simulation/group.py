"""Consumer groups as a broker's coordinator keeps them, and their members."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from tests.simulation.faults import Fault
from tests.simulation.loop import OWNER, Process
from tests.simulation.network import Network
from workers.engine.ports import Listener, Offset
from workers.engine.record import Partition, Record

if TYPE_CHECKING:
    from tests.simulation.log import SimulatedLog

HEARTBEAT, SESSION, REBALANCE, UNAWARE = 0.05, 0.4, 0.8, 1.5
"""Seconds, scaled down like every deadline here: until a member hears of a rebalance; until a silent one is dropped; until one that
does not come back is left out; until a dropped one finds out."""
BATCH = 40


class Group:
    """Eager: everybody gives everything back, then it is dealt out anew. Commits count until the new generation begins."""

    def __init__(self, name: str, network: Network) -> None:
        self.name, self._network = name, network
        self.partitions: set[Partition] = set()
        self.committed: dict[Partition, Offset] = {}
        self.generation = 0
        self.members: list[SimulatedConsumer] = []
        self._back: dict[SimulatedConsumer, asyncio.Future[list[Partition] | None]] = {}
        self._rebalancing = 0

    def join(self, member: SimulatedConsumer) -> asyncio.Future[list[Partition] | None]:
        """Resolves to what is dealt to the member; None when it came too late and must ask again."""
        future: asyncio.Future[list[Partition] | None] = self._network.loop.create_future()
        if member not in self.members:
            self.members.append(member)
        if not self._rebalancing:
            self.rebalance()
        self._back[member] = future
        if len(self._back) == len(self.members):
            self._deal()
        return future

    def rebalance(self) -> None:
        if self._rebalancing or not self.members:
            return
        self._rebalancing = number = self.generation + 1
        for member in self.members:
            self._call_back(member, HEARTBEAT)
        self._network.later(REBALANCE, lambda: self._deal() if self._rebalancing == number else None)

    def drop(self, member: SimulatedConsumer) -> None:
        """It is out; it finds out later, or never."""
        if member not in self.members:
            return
        self.members.remove(member)
        if (future := self._back.pop(member, None)) and not future.done():
            future.set_result(None)
        self._call_back(member, UNAWARE)
        if self._rebalancing and len(self._back) == len(self.members):
            self._deal()
        else:
            self.rebalance()

    def drop_if_silent(self, member: SimulatedConsumer) -> None:
        """At the end of the session of one that may be dead or frozen."""
        if member.silent:
            self.drop(member)

    def owns(self, member: SimulatedConsumer, partitions: Iterable[Partition]) -> bool:
        return member in self.members and member.generation == self.generation and all(p in member.dealt for p in partitions)

    def _call_back(self, member: SimulatedConsumer, within: float) -> None:
        generation = member.generation
        self._network.later(self._network.spread(within), lambda: member.called_back(generation))

    def _deal(self) -> None:
        self.generation += 1
        self._rebalancing = 0
        late = [member for member in self.members if member not in self._back]
        self.members = [member for member in self.members if member in self._back]
        for member in late:
            self._call_back(member, UNAWARE)
        back, self._back = self._back, {}
        for index, member in enumerate(self.members):
            member.dealt = [p for n, p in enumerate(member.partitions) if n % len(self.members) == index]
            member.generation = self.generation
            if not back[member].done():
                back[member].set_result(member.dealt)


class SimulatedConsumer:
    """One member; feeds its listener from a task of its own, in its process."""

    def __init__(self, log: SimulatedLog, group: Group, partitions: Sequence[Partition]) -> None:
        self.group, self.partitions = group, partitions
        self.generation, self.dealt = 0, list[Partition]()
        self.process: Process | None = None
        self._log = log
        self._positions: dict[Partition, int] = {}
        self._paused: set[Partition] = set()
        self._wake = asyncio.Event()
        self._over = -1
        self._task: asyncio.Task[None] | None = None

    @property
    def silent(self) -> bool:
        return self.process is None or not self.process.alive or self.process.frozen

    # --- the role's calls ------------------------------------------------------------------------------------------------

    async def start(self, listener: Listener) -> None:
        await self._log.network.hop()
        self.process = OWNER.get()
        self._task = asyncio.create_task(self._run(listener))

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            self._task = None
        self._positions.clear()
        await self._log.network.hop()
        self._log.forget(self)
        self.group.drop(self)

    async def commit(self, offsets: Mapping[Partition, Offset]) -> None:
        await self._log.commit(self, offsets)

    def pause(self, partitions: Sequence[Partition]) -> None:
        self._paused.update(partitions)

    def resume(self, partitions: Sequence[Partition]) -> None:
        self._paused.difference_update(partitions)
        self._wake.set()

    def alive(self) -> bool:
        return self._task is not None and not self._task.done()

    # --- the broker's calls ----------------------------------------------------------------------------------------------

    def called_back(self, generation: int) -> None:
        """What was dealt in this generation is to be given back."""
        self._over = max(self._over, generation)
        self._wake.set()

    def woken(self) -> None:
        self._wake.set()

    # --- the loop --------------------------------------------------------------------------------------------------------

    async def _run(self, listener: Listener) -> None:
        while True:
            await self._log.network.hop()
            dealt = await self.group.join(self)
            if dealt is None:
                continue
            assigned = [self._log.assigned(self.group, partition) for partition in dealt]
            await self._log.network.hop()
            starts = await listener.assigned(assigned)
            self._positions = {each.partition: starts.get(each.partition, each.committed or 0) for each in assigned}
            await self._feed(listener)
            await listener.revoked(list(self._positions))
            self._positions.clear()
            self._paused.clear()

    async def _feed(self, listener: Listener) -> None:
        while self._over < self.generation:
            self._wake.clear()
            if not self._ready():
                await self._wake.wait()
                continue
            await self._log.network.hop()
            if self._over < self.generation and (records := self._fetched()):
                listener.received(records)

    def _ready(self) -> list[Partition]:
        return [p for p, position in self._positions.items() if p not in self._paused and position < len(self._log.records[p])]

    def _fetched(self) -> list[Record]:
        found: list[Record] = []
        chance = self._log.network.chance()
        for partition in self._ready():
            position = self._positions[partition]
            if position and self._log.faults.strikes(Fault.REDELIVERY):
                position = max(self._log.floors.get(partition, 0), chance.randrange(position))
            batch = self._log.records[partition][position : position + chance.randint(1, BATCH)]
            self._positions[partition] = position + len(batch)
            found += batch
        return found
