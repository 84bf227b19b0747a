"""From a decision that schedules timers to the decisions their commands set off: the real contract service, its commands role and its
timers role, under a moved clock."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest

from contracts.contract.values import Party
from contracts.envelope import Envelope, text_headers
from contracts.ids import derived
from contracts.message import CommandData
from contracts.timestamps import from_milliseconds
from contracts.types import CommandId, Timestamp
from tests.support.oracle import START
from tests.support.timer_station import BEGIN, COMMANDS, DAY, EVENTS, MINUTE, MovedClock
from tests.support.waiting import eventually
from tests.unit.services.contract.story import COMPANY, CONTRACT_ID, CONTRACTOR, Story, signing
from workers.engine.decision import Decision
from workers.engine.memory import MemoryLog, MemoryStore
from workers.engine.metrics import NoMetrics
from workers.engine.record import Outgoing
from workers.engine.role import Pace
from workers.engine.runtime import RoleName, World, build_role
from workers.services.contract.contract import CONTRACT, Status
from workers.services.contract.service import SERVICE


class Told(Story):
    """Keeps what it sent, to be sent again through the log."""

    def __init__(self) -> None:
        self.sent: list[tuple[CommandData, str]] = []
        super().__init__()

    def send(self, data: Any, actor: str | None = None, at: Timestamp = START, command: CommandId | None = None) -> Decision[Any]:
        self.sent.append((data, actor or self.actor))
        return super().send(data, actor, at, command)


class Bench:
    """The two roles of the contract service."""

    def __init__(self) -> None:
        self.clock, self.store = MovedClock(), MemoryStore()
        self.log = MemoryLog({EVENTS: 2, COMMANDS: 2}, self.clock)
        self._count = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        world = World("test", self.log, self.store, self.clock, NoMetrics(), Random(1), {}, Pace(commit_every=0.005))
        roles = [build_role(SERVICE, name, world) for name in (RoleName.COMMANDS, RoleName.TIMERS)]
        run = asyncio.gather(*(role.run() for role in roles))
        try:
            yield
        finally:
            for role in roles:
                role.stop()
            await run

    async def send(self, commands: Sequence[tuple[CommandData, str]]) -> None:
        for data, actor in commands:
            if self._count == 1:  # the template is another key's, and the draft needs it
                await eventually(lambda: "ContractTemplatePublished" in self.events(), what=self.events)
            self._count += 1
            command = derived(f"command:{self._count}")
            at = from_milliseconds(self.clock.now())
            envelope = Envelope(command, data.kind(), "/mindlinks/test", data.key, at, command, command, actor)
            await self.log.append_keyed(COMMANDS, [Outgoing(data.key.encode(), data.to_json(), envelope.headers())])

    async def move_to(self, moment: int, event: str) -> None:
        """Until the event is out."""
        self.clock.move(moment)
        await eventually(lambda: event in self.events(), what=self.events)

    def events(self) -> list[str]:
        records = [record for place in self.log.partitions([EVENTS]) for record in self.log.records[place]]
        return [text_headers(record.headers)["ce_type"].split(".")[2] for record in records]

    def timers(self) -> dict[str, str]:
        """Name -> state."""
        return {
            item["timer"]: item["state"] for ref, item in self.store.items.items() if ref.table == "platform-timers" and "timer" in item
        }

    @property
    def status(self) -> str:
        return str(self.store.items[CONTRACT.root(CONTRACT_ID)]["status"])


@pytest.fixture
def offered() -> list[tuple[CommandData, str]]:
    story = Told()
    story.offered()
    return story.sent


async def test_an_offer_nobody_signs_is_reminded_of_and_expires(offered: list[tuple[CommandData, str]]) -> None:
    bench = Bench()
    async with bench.running():
        await bench.send(offered)
        await eventually(lambda: len(bench.timers()) == 2, what=bench.events)
        await bench.move_to(BEGIN + 7 * DAY + MINUTE, "ContractSigningReminderDue")
        assert bench.status == Status.PENDING
        await bench.move_to(BEGIN + 30 * DAY + MINUTE, "ContractCancelled")
        await eventually(lambda: "waiting" not in bench.timers().values(), what=bench.timers)
    assert bench.status == Status.CANCELLED
    assert bench.events().count("ContractSigningReminderDue") == 1
    assert "CommandRefused" not in bench.events()


async def test_signing_in_time_cancels_what_was_scheduled_and_the_end_completes(offered: list[tuple[CommandData, str]]) -> None:
    bench = Bench()
    async with bench.running():
        await bench.send([*offered, (signing(Party.CONTRACTOR), CONTRACTOR), (signing(Party.CLIENT), COMPANY)])
        await eventually(lambda: len(bench.timers()) == 4, what=bench.events)
        await bench.move_to(BEGIN + 212 * DAY + MINUTE, "ContractCompleted")
        await eventually(lambda: "waiting" not in bench.timers().values(), what=bench.timers)
    assert "ContractSigningReminderDue" not in bench.events()
    assert bench.timers()["contract-signing-deadline"] == "cancelled"
