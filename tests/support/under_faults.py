"""A service's commands on the engine under faults. They must end in what they end in one after the other, without any."""

from collections.abc import Sequence
from random import Random

from contracts.envelope import Envelope
from contracts.ids import within
from contracts.message import CommandData
from contracts.topics import commands_topic, events_topic
from tests.support import verdict
from tests.support.faults import MANY
from tests.support.oracle import START
from tests.support.process import plant
from tests.support.service_story import USER
from workers.engine.record import Outgoing
from workers.engine.service import Service

AT_ONCE = 10
"""Records that are published together."""
MOST_SECONDS_BETWEEN = 40


def outgoing(data: CommandData, actor: str, name: str) -> Outgoing:
    """The record of a command whose id follows from ``name``."""
    envelope = Envelope(
        id=within(USER, name),
        kind=data.kind(),
        source="/mindlinks/test/commands",
        subject=data.key,
        time=START,
        correlation_id=name,
        causation_id=name,
        actor=actor,
    )
    return Outgoing(data.key.encode(), data.to_json(), envelope.headers())


def numbered(steps: Sequence[tuple[CommandData, str]]) -> list[Outgoing]:
    """Records of commands and their actors, each a command of its own."""
    return [outgoing(data, actor, f"step {number}") for number, (data, actor) in enumerate(steps)]


async def assert_ends_as_without_faults(service: Service, records: Sequence[Outgoing], seed: int) -> None:
    chance, commands, events = Random(seed), commands_topic(service.name), events_topic(service.name)
    async with plant(service, seed) as made:
        process = made.start(rates=MANY)
        for start in range(0, len(records), AT_ONCE):
            await made.send(commands, records[start : start + AT_ONCE])
            made.clock.advance(chance.random() * MOST_SECONDS_BETWEEN)
        await made.until_settled(f"{service.name}-commands", commands)
        await process.stop()
        verdict.check(service, made.records(commands), made.records(events), made.store.items)
