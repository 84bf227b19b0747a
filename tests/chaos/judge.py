"""What must be true after any run of chaos."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aioboto3

from contracts.catalogue import decode
from contracts.message import CommandData
from contracts.notification.events import NotificationsRead
from tests.support import toy, verdict
from tests.support.delivery import Delivery
from tests.support.servers import REGION
from tests.support.stories import refs_of
from tests.support.waiting import eventually_async
from workers.adapters.kafka_admin import KafkaAdmin
from workers.engine.decision import ItemRef
from workers.engine.ports import LogUnavailable, UnknownTopic
from workers.engine.record import Partition, Record

PUT_ASIDE = ("platform-parked", "platform-failures")


@dataclass(frozen=True, slots=True)
class Outcome:
    """``repeated``: records of the log whose id is there already."""

    commands: int
    commands_repeated: int
    events: int
    events_repeated: int
    refused: int
    sums: int


async def until_settled(run: Delivery, seconds: float) -> None:
    """Until both groups' commits stand at the ends of what they read. Fails at the deadline with what is open."""
    admin, open_ = KafkaAdmin(run.bootstrap), list[str]()

    async def settled() -> bool:
        open_[:] = []
        for role, partitions in (("commands", run.commands), ("projections", run.events)):
            try:
                found = await admin.assigned(f"{run.service}-{role}", partitions)
            except (LogUnavailable, UnknownTopic):
                # A broker that has just started answers so for a moment.
                open_.append(f"{role}: no answer")
                continue
            open_.extend(f"{role} {each.partition.number}: {each.committed} of {each.end}" for each in found if each.committed != each.end)
        # A partition nobody wrote to has no commit.
        open_[:] = [each for each in open_ if not each.endswith("None of 0")]
        return not open_

    await eventually_async(settled, seconds, lambda: f"open {open_}")


async def judged(run: Delivery, environment: str, endpoint: str, sent: Sequence[CommandData]) -> Outcome:
    """Fails when a promise is broken."""
    commands, events = await run.records(run.commands), await run.records(run.events)
    wanted = verdict.check(toy.SERVICE, commands, events, await run.rows(refs_of(sent)))
    names = {verdict.header(record, "ce_id") for record in commands}
    assert len(names) == len(sent), f"{len(sent)} commands were acknowledged, {len(names)} are in the log"
    sums = expected_sums(events)
    found = {ref: item["sum"] for ref, item in (await run.rows(list(sums))).items()}
    differing = [(ref.key, found.get(ref), total) for ref, total in sums.items() if found.get(ref) != total]
    assert not differing, f"{len(differing)} of {len(sums)} sums differ (row, found, wanted): {differing[:5]}"
    for table in PUT_ASIDE:
        rows = await _scanned(endpoint, f"{environment}-{table}")
        assert not rows, f"{len(rows)} rows in {table}, where none belongs: {str(rows[:2])[:1500]}"
    ids = {verdict.header(record, "ce_id") for record in events}
    return Outcome(len(sent), len(commands) - len(names), len(ids), len(events) - len(ids), wanted.refused, len(sums))


def expected_sums(events: Sequence[Record]) -> Mapping[ItemRef, int]:
    """Each event once, in the rows of the partition it is in."""
    sums, counted = Counter[ItemRef](), set[str]()
    for record in events:
        decoded = decode(record.key, record.value, record.headers, record.timestamp)
        if not isinstance(decoded.data, NotificationsRead) or decoded.envelope.id in counted:
            continue
        counted.add(decoded.envelope.id)
        for row in (decoded.data.user_id, "all"):
            sums[_sum(row, record.partition)] += len(decoded.data.ids)
    return sums


def _sum(row: str, partition: Partition) -> ItemRef:
    return ItemRef(toy.TABLE, f"SUM#{row}#{partition.topic}/{partition.number}")


async def _scanned(endpoint: str, table: str) -> list[Any]:
    async with aioboto3.Session().client("dynamodb", endpoint_url=endpoint, region_name=REGION) as client:
        return list((await client.scan(TableName=table))["Items"])
