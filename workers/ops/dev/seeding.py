"""First texts and the group of admins, brought in as commands straight on the log; loading them again changes nothing."""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from contracts.envelope import Envelope, ReceiptTicket
from contracts.sealed import VALUE, lead
from contracts.timestamps import from_milliseconds
from contracts.topics import commands_topic
from contracts.types import Email, Pii, Purpose, Timestamp
from workers.adapters.blind_index import email_hash
from workers.adapters.sealing import Sealer
from workers.engine.decision import ItemRef
from workers.engine.receipts import RECEIPTS
from workers.engine.record import Outgoing
from workers.ops.composition import Backbone
from workers.ops.seed import catalogue
from workers.ops.seed.catalogue import SeedCommand
from workers.settings import Settings

SOURCE = "/mindlinks/seed"
OPERATIONS_ADDRESS = "operations@mindlinks.example"
DEADLINE_SECONDS = 120.0
LOOK_SECONDS = 0.1

Advance = Callable[[int, int], None]
"""Told how many of how many are settled."""


class SeedRefused(Exception):
    """A service refused a text: its version or form is not what is there already. Correct the file and load again."""


class SeedUnsettled(Exception):
    """Seed commands are on the log and not settled in time: is every worker running? They stay there; loading again waits for them."""


async def load_seed(backbone: Backbone, settings: Settings, advance: Advance, operations: str = OPERATIONS_ADDRESS) -> int:
    """Returns how many commands were new, once all are settled. Raises SeedRefused or SeedUnsettled."""
    first, second = catalogue.stages()
    stages = ([*first, await _admins(backbone, settings, operations)], second)
    total, settled, new = sum(map(len, stages)), 0, 0
    for stage in stages:
        known = await _receipts(backbone, stage)
        missing = [each for each in stage if each.id not in known]
        await _publish(backbone, missing)
        await _wait(backbone, stage, lambda count, before=settled: advance(before + count, total))  # type: ignore[misc]  # default argument
        settled, new = settled + len(stage), new + len(missing)
    return new


async def _admins(backbone: Backbone, settings: Settings, address: str) -> SeedCommand:
    hashed = email_hash(settings.blind_index_key.get_secret_value().encode(), address)
    sealed: Pii[Email] = await Sealer(backbone.keys).seal(Purpose.SUBJECT, lead(hashed), VALUE, address)
    return catalogue.admins(sealed, hashed, from_milliseconds(backbone.clock.now()))


async def _publish(backbone: Backbone, commands: Sequence[SeedCommand]) -> None:
    at = from_milliseconds(backbone.clock.now())
    by_service: dict[str, list[Outgoing]] = defaultdict(list)
    for each in commands:
        by_service[each.command.service].append(_record(each, at))
    for service, records in by_service.items():
        await backbone.log.append_keyed(commands_topic(service), records)


def _record(seed: SeedCommand, at: Timestamp) -> Outgoing:
    value = seed.command.to_json()
    envelope = Envelope(
        id=seed.id,
        kind=seed.command.kind(),
        source=SOURCE,
        subject=seed.command.key,
        time=at,
        correlation_id=seed.id,
        causation_id=seed.id,
        actor=catalogue.ACTOR,
        # A receipt is how the next stage knows that this one is settled.
        receipt=ReceiptTicket(catalogue.ACTOR, hashlib.sha256(value).hexdigest()),
    )
    return Outgoing(seed.command.key.encode(), value, envelope.headers())


async def _wait(backbone: Backbone, stage: Sequence[SeedCommand], advance: Callable[[int], None]) -> None:
    deadline = backbone.clock.now() + DEADLINE_SECONDS * 1000
    found: dict[str, Mapping[str, Any]] = {}
    while True:
        found |= await _receipts(backbone, [each for each in stage if each.id not in found])
        refused = [f"{row['kind']} {row['key']}: {row['reason']}" for row in found.values() if row["state"] == "refused"]
        if refused:
            raise SeedRefused(f"{'; '.join(refused[:3])}. {SeedRefused.__doc__}")
        advance(len(found))
        if len(found) == len(stage):
            return
        if backbone.clock.now() > deadline:
            raise SeedUnsettled(f"{len(stage) - len(found)} of {len(stage)}. {SeedUnsettled.__doc__}")
        await asyncio.sleep(LOOK_SECONDS)


async def _receipts(backbone: Backbone, stage: Sequence[SeedCommand]) -> Mapping[str, Mapping[str, Any]]:
    found = await backbone.store.get([ItemRef(RECEIPTS, each.id) for each in stage])
    return {ref.key: row for ref, row in found.items()}
