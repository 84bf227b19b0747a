"""The examples of the stand-ins' commands, told as a story to the real engine in memory, end in the same rows as the oracle's."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from random import Random

import pytest
from prometheus_client import CollectorRegistry

from contracts.catalogue import decode
from contracts.envelope import text_headers
from contracts.generate import example_path
from contracts.ids import within
from contracts.message import CommandData
from contracts.timestamps import from_milliseconds
from contracts.topics import commands_topic, events_topic
from contracts.types import CommandId
from tests.support.oracle import Oracle
from workers.adapters.prometheus import PrometheusMetrics
from workers.engine.decision import Item, ItemRef
from workers.engine.memory import MemoryLog, MemoryStore, SystemClock
from workers.engine.record import Outgoing
from workers.engine.runtime import RoleName, World, build_runtime
from workers.engine.service import Service
from workers.ops import standins

DEADLINE = 20.0
AGAIN = "again: "
"""Asks under another command id."""
STORY = {
    "auth": ["RegisterUser", "RegisterUser"],
    "user": ["UpdateProfile"],
    "client": [
        "ConfirmContractClient",
        "RegisterCompany",
        "DecideCompanyVerification",
        AGAIN + "ConfirmContractClient",
        "NoteContractOpened",
    ],
    "contractor": [
        "CreateContractorProfile",
        "ApplyKycOutcome",
        "AddBankDetails",
        "RecordBankDetailsSynced",
        "RecordPayoutReadiness",
        "ConfirmContractContractor",
        "NoteContractOpened",
        "NoteContractClosed",
    ],
}


def outgoing(service: str, step: str) -> Outgoing:
    name = step.removeprefix(AGAIN)
    example = json.loads(example_path(f"mindlinks.{service}.{name}.v1").read_text())
    headers = {header: value for header, value in example["headers"].items() if header != "ce_receipt"}
    if step != name:
        headers["ce_id"] = within(headers["ce_id"], "again")
    return Outgoing(
        example["key"].encode(), json.dumps(example["data"]).encode(), [(key, value.encode()) for key, value in headers.items()]
    )


def plain(item: Item) -> Item:
    """Without bookkeeping, and without the times, which differ from run to run."""
    times = {"createdAt", "updatedAt", "emailVerification"}
    return {name: value for name, value in item.items() if not name.startswith("_") and name not in times}


def by_oracle(service: Service) -> Oracle:
    oracle = Oracle(service)
    for step in STORY[service.name]:
        record = outgoing(service.name, step)
        decoded = decode(record.key, record.value, record.headers, SystemClock().now())
        assert isinstance(decoded.data, CommandData)
        at, command = from_milliseconds(SystemClock().now()), CommandId(decoded.envelope.id)
        oracle.send(decoded.data, actor=decoded.envelope.actor, at=at, id=command)
    return oracle


def rows(items: Mapping[ItemRef, Item]) -> dict[ItemRef, Item]:
    return {ref: plain(item) for ref, item in items.items() if "createdAt" in item}


def told(log: MemoryLog, service: Service) -> list[str]:
    """Names of the events published, sorted."""
    records = [record for partition in log.partitions([events_topic(service.name)]) for record in log.records[partition]]
    return sorted(text_headers(record.headers)["ce_type"].split(".")[2] for record in records)


@pytest.mark.parametrize("service", standins.SERVICES, ids=lambda service: service.name)
async def test_the_story_ends_the_same_on_the_engine(service: Service) -> None:
    oracle, log, store = by_oracle(service), MemoryLog(), MemoryStore()
    world = World("test", log, store, SystemClock(), PrometheusMetrics(CollectorRegistry()), Random(1), {})
    runtime = build_runtime([(service, RoleName.COMMANDS)], world)
    await log.append_keyed(commands_topic(service.name), [outgoing(service.name, step) for step in STORY[service.name]])
    expected = sorted(type(event).__name__ for event in oracle.events)
    running = asyncio.create_task(runtime.run())
    try:
        with suppress(TimeoutError):  # the last line tells what differs
            async with asyncio.timeout(DEADLINE):
                while not running.done() and (told(log, service), rows(store.items)) != (expected, rows(oracle.items)):
                    await asyncio.wait({running}, timeout=0.01)
    finally:
        runtime.stop()
        await running
    assert (told(log, service), rows(store.items)) == (expected, rows(oracle.items))
