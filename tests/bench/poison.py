"""One poisoned key under load: what the other 999 notice of it, and that its line is applied in order once its decision works again:
``python -m tests.bench.poison``.

Spells without and with poison take turns on the same broker, worker and tables, so that whatever else the machine does falls on both. The
load comes from a process of its own. Latency is the broker's own word: from the command's append time to its event's.
"""

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from contracts.payment.commands import SyncPayee
from contracts.types import Timestamp
from tests.bench.ground import TOPIC, Ground, Stream, environment, rewound
from tests.bench.latency import TICK
from tests.bench.ours import GROUP, Running, running
from tests.bench.poison_report import Poisoning, Spell
from tests.bench.stream import Workload, records, uniform
from tests.support import verdict
from tests.support.delivery import Delivery
from tests.support.servers import apply_topics, dummy_credentials
from tests.support.waiting import eventually, eventually_async
from workers.adapters.kafka import KafkaLog
from workers.engine.decision import Command, Decision
from workers.engine.parking import PARKED
from workers.engine.record import Record
from workers.engine.service import Service
from workers.ops.heap import settle_heap
from workers.ops.stack import Provider, choose
from workers.services.payment.service import SERVICE

KEYS = 1_000
SICK_EVERY = 20
"""Every so manieth command is the sick key's, in both kinds of spell: its line is long enough to show an order."""
WARMING = 1_000
"""Milliseconds at the beginning of a spell that are not counted: connections open, rows are read for the first time."""
PATIENCE = 120.0


@dataclass(frozen=True, slots=True)
class Load:
    """``rate``: commands a second; ``seconds`` of each spell; ``rounds`` of a spell without and one with poison."""

    rate: int = 500
    seconds: int = 10
    rounds: int = 3

    def keys(self, number: int) -> Workload:
        """Of the spell's own keys, the first of which is the sick one."""
        (sick,) = uniform(1, 1, first=number * KEYS).keys
        others = uniform(KEYS - 1, self.rate * self.seconds, seed=number, first=number * KEYS + 1).keys
        return Workload("poison", [sick if n % SICK_EVERY == 0 else key for n, key in enumerate(others)])


class Bug:
    """A decision that raises for the keys of ``sick``, and the service that has it."""

    def __init__(self) -> None:
        self.sick: set[str] = set()
        self.raised = 0

    def service(self) -> Service:
        return replace(SERVICE, handlers=tuple(self._broken(each) for each in SERVICE.handlers))

    def _broken(self, handler: Any) -> Any:
        if handler.command is not SyncPayee:
            return handler
        decide: Callable[..., Decision[Any]] = handler.decide

        def poisoned(state: Any, command: Command[SyncPayee], at: Timestamp) -> Decision[Any]:
            if command.key in self.sick:
                self.raised += 1
                raise ZeroDivisionError("poison")
            return decide(state, command, at)

        return replace(handler, decide=poisoned)


class Trial:
    """One worker through all spells."""

    def __init__(self, load: Load, ground: Ground, place: Delivery, engine: Running, bug: Bug) -> None:
        self._load, self._ground, self._place, self._engine, self._bug = load, ground, place, engine, bug
        self._said = 0

    async def spell(self, number: int, *, poisoned: bool) -> Spell:
        """The load, then the fix, then everything applied."""
        workload = self._load.keys(number)
        sick = workload.keys[0]
        self._bug.sick = {sick} if poisoned else set()
        await self._place.begin()
        await self._loaded(number)
        if poisoned:
            # The others must be done by then: what is measured is a spell in which the key is sick from the beginning to the end.
            await self._until_said(len(workload.keys) - workload.keys.count(sick))
        parked = await self._parked(sick)
        fixed_at = asyncio.get_running_loop().time()
        self._bug.sick = set()
        await self._until_said(len(workload.keys))
        await eventually_async(lambda: self._drained(sick), PATIENCE)
        drained = asyncio.get_running_loop().time() - fixed_at
        self._said += len(workload.keys)
        commands, events = await self._place.records(self._place.commands), await self._place.records(self._place.events)
        assert in_order(commands) == in_order(events, by="ce_causationid"), "some key's events are missing, doubled or out of order"
        return Spell(poisoned, len(commands), parked, drained if poisoned else 0.0, _waits(commands, events, sick))

    async def _loaded(self, number: int) -> None:
        load = self._load
        arguments = ("--load", self._ground.kafka, str(number), "--rate", str(load.rate), "--seconds", str(load.seconds))
        child = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.bench.poison", *arguments)
        assert await child.wait() == 0

    async def _until_said(self, commands: int) -> None:
        metrics, role = self._engine.metrics, self._engine.role
        wanted = self._said + commands
        await eventually(lambda: metrics.total >= wanted or role.failure, PATIENCE, lambda: f"{metrics.total} of {wanted}")
        if role.failure:
            raise role.failure

    async def _parked(self, key: str) -> int:
        return len((await self._place.store.query(PARKED, None, f"{GROUP}#{key}", limit=1_000)).items)

    async def _drained(self, key: str) -> bool:
        return not await self._parked(key)


def in_order(of: Sequence[Record], by: str = "ce_id") -> dict[str, list[str]]:
    """Key -> command ids in the order of the log, a repeated event once."""
    found: dict[str, list[str]] = {}
    for name, record in {verdict.header(record, "ce_id"): record for record in reversed(of)}.items():
        found.setdefault((record.key or b"").decode(), []).insert(0, name if by == "ce_id" else verdict.header(record, by))
    return found


def _waits(commands: Sequence[Record], events: Sequence[Record], sick: str) -> list[int]:
    """Milliseconds, of every key but the sick one's."""
    first: dict[str, int] = {}
    for event in events:
        first.setdefault(verdict.header(event, "ce_causationid"), event.timestamp)
    begun = min(record.timestamp for record in commands) + WARMING
    counted = [record for record in commands if record.timestamp >= begun and record.key != sick.encode()]
    return [first[verdict.header(record, "ce_id")] - record.timestamp for record in counted]


async def poisoning(ground: Ground, load: Load) -> Poisoning:
    """``ground``: its servers have the topics. The group begins at the end of whatever others published."""
    spells = range(1 + 2 * load.rounds)
    name = await environment(ground, [key for number in spells for key in load.keys(number).distinct])
    bug, store, log = Bug(), ground.store(name), KafkaLog(ground.kafka)
    place = Delivery(ground.kafka, "payment", store)
    try:
        await rewound(ground, GROUP, Stream(Workload("", ()), await place.ends(place.commands), {}))
        async with running(log, store, service=bug.service()) as engine:
            trial = Trial(load, ground, place, engine, bug)
            found = [await trial.spell(number, poisoned=number % 2 == 0 and number > 0) for number in spells]
    finally:
        await place.log.close()
        await store.close()
        await log.close()
    # In the first one connections open, caches fill, and the servers compile themselves.
    return Poisoning(load.rate, load.seconds, found[1:])


async def appended(kafka: str, number: int, load: Load) -> None:
    """On time, whether or not the earlier appends are acknowledged: waiting would hide the worst."""
    log, due = KafkaLog(kafka), list(records(load.keys(number)))
    loop = asyncio.get_running_loop()
    begun, sent = loop.time(), 0
    async with asyncio.TaskGroup() as appends:
        while sent < len(due):
            await asyncio.sleep(TICK)
            until = max(sent, int((loop.time() - begun) * load.rate))
            appends.create_task(log.append_keyed(TOPIC, due[sent:until]))
            sent = min(until, len(due))
    await log.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.poison", description=__doc__)
    for name, value in (("rate", Load().rate), ("seconds", Load().seconds), ("rounds", Load().rounds)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--json", type=Path, default=Path(".stack/poison.json"))
    parser.add_argument("--load", nargs=2, metavar=("KAFKA", "SPELL"), help="only publish one spell's commands")
    arguments = parser.parse_args()
    load = Load(arguments.rate, arguments.seconds, arguments.rounds)
    if arguments.load:
        asyncio.run(appended(arguments.load[0], int(arguments.load[1]), load))
        return
    stack = choose(Provider.LOCAL).stack
    endpoints = stack.start_sync()
    settle_heap()
    try:
        with dummy_credentials():
            assert endpoints.dynamodb is not None
            apply_topics(endpoints.kafka)
            report = asyncio.run(poisoning(Ground(endpoints.kafka, endpoints.dynamodb), load))
    finally:
        stack.stop_sync()
    report.show()
    report.write(arguments.json)


if __name__ == "__main__":
    main()
