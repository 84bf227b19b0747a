"""What must be true after any run of chaos."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aioboto3

from contracts.catalogue import decode
from contracts.message import CommandData
from contracts.notification.events import NotificationsRead
from tests.chaos.consequences import Consequences
from tests.chaos.consequences import judged as judged_consequences
from tests.chaos.service import CONSEQUENCES, SERVICE, mark
from tests.support import toy, verdict
from tests.support.delivery import Delivery
from tests.support.servers import REGION
from tests.support.stories import refs_of
from workers.engine.decision import ItemRef
from workers.engine.record import Partition, Record

PUT_ASIDE = ("platform-parked", "platform-failures")


@dataclass(frozen=True, slots=True)
class Outcome:
    """``commands``: published by the producer. ``repeated``: records of the log whose id is there already."""

    commands: int
    commands_repeated: int
    events: int
    events_repeated: int
    refused: int
    sums: int
    consequences: Consequences


async def judged(run: Delivery, environment: str, endpoint: str, sent: set[str], objects: Mapping[str, int]) -> Outcome:
    """Fails when a promise is broken. ``sent``: ids of acknowledged commands; ``objects``: what the provider created, by key."""
    commands, events = await run.records(run.commands), await run.records(run.events)
    wanted = verdict.check(SERVICE, commands, events, await run.rows(_refs(commands)))
    names = {verdict.header(record, "ce_id") for record in commands}
    assert sent <= names, f"{len(sent - names)} of {len(sent)} acknowledged commands are not in the log"
    consequences = judged_consequences(sent, commands, events, objects)
    sums = expected_sums(events)
    found = {ref: item["sum"] for ref, item in (await run.rows(list(sums))).items()}
    differing = [(ref.key, found.get(ref), total) for ref, total in sums.items() if found.get(ref) != total]
    assert not differing, f"{len(differing)} of {len(sums)} sums differ (row, found, wanted): {differing[:5]}"
    for table in PUT_ASIDE:
        rows = [row for row in await _scanned(endpoint, f"{environment}-{table}") if not _empty_head(row)]
        assert not rows, f"{len(rows)} rows in {table}, where none belongs: {str(rows[:2])[:1500]}"
    ids = {verdict.header(record, "ce_id") for record in events}
    repeated = len(commands) - len(names)
    return Outcome(len(sent), repeated, len(ids), len(events) - len(ids), wanted.refused, len(sums), consequences)


def _empty_head(row: Mapping[str, Any]) -> bool:
    """A partition's head row stays when its last line is empty."""
    return "holds" in row and not row["holds"]["M"]


def _refs(commands: Sequence[Record]) -> list[ItemRef]:
    """Every row that these may have made, those of consequences too."""
    data = [decode(record.key, record.value, record.headers, record.timestamp).data for record in commands]
    said = [each for each in data if isinstance(each, CommandData)]
    return list({*refs_of(said), *(toy.row_ref(mark(each)) for each in said if isinstance(each, CONSEQUENCES))})


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
