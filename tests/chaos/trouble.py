"""The faults themselves, and when each of them was done."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence, Set
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer

from contracts.topics import commands_topic, events_topic
from tests.chaos.crew import Crew
from tests.chaos.plan import Fault, Step
from workers.ops.stack.interface import StackError
from workers.ops.stack.local import LocalStack
from workers.ops.stack.server import Server

SESSION = 10_000
"""Milliseconds. A third of what workers have in production, so that a frozen one is given up within a run; less would take a worker that
shares its processor with ten others for a dead one, and the group would be dealt out again and again."""
STARTS = 3
TAKES_ONE_AWAY = (Fault.KILL, Fault.LEAVE, Fault.FREEZE)
JOINED = 8.0
"""Seconds a stranger waits to become a member."""


class Trouble:
    """``timeline``: seconds since the beginning, and what was done."""

    def __init__(self, stack: LocalStack, crew: Crew, bootstrap: str, service: str) -> None:
        self._stack, self._crew = stack, crew
        self._bootstrap, self._service = bootstrap, service
        self._began = asyncio.get_running_loop().time()
        self.timeline: list[str] = []
        self.figures: Counter[str] = Counter()

    async def play(self, steps: Iterable[Step], least: Sequence[Set[Fault]], seconds: float) -> None:
        """Until ``seconds`` are over and one fault of each set of ``least`` was done. By the clock, not by what the workers are doing: a
        fault is to find them in the middle of anything. One that takes a worker away waits until somebody else is at work."""
        for step in steps:
            await asyncio.sleep(step.after)
            if self._elapsed() > seconds and all(each & self.figures.keys() for each in least):
                return
            if step.fault in TAKES_ONE_AWAY:
                await self._crew.until_another_works(step.worker)
            self._tell(step)
            await self._do(step)

    def _elapsed(self) -> float:
        return asyncio.get_running_loop().time() - self._began

    def note(self, what: str) -> None:
        self.timeline.append(f"{self._elapsed():.1f} {what}")

    def _tell(self, step: Step) -> None:
        to_one = step.fault in TAKES_ONE_AWAY
        lasts = f" {step.lasts:.1f} s" if step.lasts else ""
        self.note(f"{step.fault}{f' at post {step.worker}' if to_one else ''}{lasts}")
        self.figures[step.fault] += 1

    async def _do(self, step: Step) -> None:
        match step.fault:
            case Fault.KILL:
                await self._crew.kill(step.worker)
            case Fault.LEAVE:
                await self._crew.leave(step.worker)
            case Fault.FREEZE:
                member = self._crew.freeze(step.worker)
                try:
                    await asyncio.sleep(step.lasts)
                finally:
                    member.signal(signal.SIGCONT)
            case Fault.STORM:
                await self._storm(step.lasts)
            case Fault.BROKER_KILL | Fault.BROKER_STOP:
                await self._restart(self._stack.kafka, step, kill=step.fault is Fault.BROKER_KILL)
            case Fault.STORE_KILL | Fault.STORE_STOP:
                await self._restart(self._stack.dynamodb, step, kill=step.fault is Fault.STORE_KILL)
            case Fault.SLOW:
                await self._slow([self._stack.kafka, self._stack.dynamodb], step.lasts)

    async def _restart(self, server: Server, step: Step, *, kill: bool) -> None:
        await asyncio.to_thread(server.kill if kill else server.stop)
        self.figures[f"{server.name} restarts"] += 1
        await asyncio.sleep(step.lasts)
        for left in reversed(range(STARTS)):
            try:
                await asyncio.to_thread(server.start)
            except StackError:
                # A start that the machine was too busy for says nothing about the workers.
                if not left:
                    raise
            else:
                return

    async def _slow(self, servers: list[Server], seconds: float) -> None:
        frozen = [server.pid for server in servers if server.pid is not None]
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            for pid in frozen:
                os.kill(pid, signal.SIGCONT)

    async def _storm(self, seconds: float) -> None:
        """Members that never work: partitions are dealt to them and come back."""
        events = events_topic(self._service)
        commands = (f"{self._service}-commands", commands_topic(self._service))
        for group, topic in (commands, *((f"{self._service}-{role}", events) for role in ("projections", "effects", "timers")), commands):
            async with self._stranger(group, topic):
                await asyncio.sleep(seconds / 5)

    @asynccontextmanager
    async def _stranger(self, group: str, topic: str) -> AsyncIterator[None]:
        consumer = AIOKafkaConsumer(
            topic,
            bootstrap_servers=self._bootstrap,
            group_id=group,
            enable_auto_commit=False,
            session_timeout_ms=SESSION,
            heartbeat_interval_ms=1_000,
        )
        # In tasks of their own: a client that lost its broker may end by a cancellation, which would end the faults without a word.
        started = asyncio.ensure_future(consumer.start())
        try:
            await asyncio.wait({started}, timeout=JOINED)
            if not started.done() or started.cancelled() or started.exception():
                self.figures["strangers kept out"] += 1
            yield
        finally:
            started.cancel()
            stopped = asyncio.ensure_future(consumer.stop())
            await asyncio.wait({started, stopped}, timeout=JOINED)
            stopped.cancel()
            await asyncio.gather(started, stopped, return_exceptions=True)
