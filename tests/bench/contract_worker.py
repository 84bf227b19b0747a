"""``make bench``: the contract worker on the real servers, one process: commands a second and a CPU second, latency, write units.

Times are measured and printed, never asserted. Write units are computed from item sizes, because DynamoDB Local reports none for
PartiQL.
"""

import argparse
import asyncio
import json
import math
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any
from uuid import uuid5

from contracts.contract.commands import CreateContractDraft, UpdateContractDraft
from contracts.envelope import Envelope
from contracts.ids import NAMESPACE
from contracts.message import CommandData
from contracts.timestamps import from_milliseconds
from contracts.topics import commands_topic
from tests.support.servers import REGION, apply_tables, apply_topics, dummy_credentials
from tests.support.waiting import eventually
from tests.unit.services.contract.story import COMPANY, SEED, TEMPLATE, drafting
from workers.adapters.dynamodb import DynamoStore
from workers.adapters.dynamodb_values import item_to_wire
from workers.adapters.kafka import KafkaLog
from workers.engine.memory import SystemClock
from workers.engine.metrics import NoMetrics
from workers.engine.ports import Transacted, Write, Written
from workers.engine.record import Outgoing
from workers.engine.runtime import RoleName, World, build_role
from workers.ops.stack import Endpoints, Provider, choose
from workers.services.contract.service import SERVICE

UNIT = 1024
CHUNK = 500


class MeteredStore(DynamoStore):
    """Counts the write units of what it writes: the larger of the row before and after, in whole KB; a transaction costs twice."""

    units = 0
    transaction_units = 0

    async def write(self, writes: Sequence[Write]) -> Sequence[Written]:
        results = await super().write(writes)
        self.units += sum(_units(write) for write in writes)
        return results

    async def transact(self, writes: Sequence[Write], token: str) -> Transacted:
        self.transaction_units += 2 * sum(_units(write) for write in writes)
        return await super().transact(writes, token)


class Latencies(NoMetrics):
    """Seconds from a command's append to its events' acknowledgement."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def observe(self, name: str, value: float, **tags: str) -> None:
        if name == "command_to_event_seconds":
            self.seconds.append(value)


def _units(write: Write) -> int:
    sizes = [len(json.dumps(item_to_wire(item))) * 3 // 4 for item in (write.before, write.after) if item]
    return max(math.ceil(size / UNIT) for size in sizes)


def _id(name: str) -> str:
    return str(uuid5(NAMESPACE, f"bench:{name}"))


def _outgoing(data: CommandData, command: str, actor: str) -> Outgoing:
    now = from_milliseconds(time.time_ns() // 1_000_000)
    envelope = Envelope(command, data.kind(), "/mindlinks/bench/load", data.key, now, command, command, actor)
    return Outgoing(data.key.encode(), data.to_json(), envelope.headers())


def drafts(contracts: int) -> Iterator[Outgoing]:
    for n in range(contracts):
        data = CreateContractDraft.model_validate(drafting().model_dump() | {"contract_id": _id(f"contract-{n}")})
        yield _outgoing(data, _id(f"create-{n}"), COMPANY)


def updates(contracts: int, commands: int, seed: int) -> Iterator[Outgoing]:
    random = Random(seed)
    for n in range(commands):
        data = UpdateContractDraft.model_validate(
            {"contract_id": _id(f"contract-{random.randrange(contracts)}"), "title": f"Work package {seed}-{n}"}
        )
        yield _outgoing(data, _id(f"update-{seed}-{n}"), COMPANY)


async def publish(log: KafkaLog, records: Sequence[Outgoing]) -> None:
    for start in range(0, len(records), CHUNK):
        await log.append_keyed(commands_topic("contract"), records[start : start + CHUNK])


async def drain(endpoints: Endpoints, environment: str, expected: int) -> dict[str, Any]:
    """Runs one commands role until everything on the topic is committed; what it took."""
    log, metrics = KafkaLog(endpoints.kafka), Latencies()
    store = MeteredStore(environment, endpoint=endpoints.dynamodb, region=REGION)
    role = build_role(SERVICE, RoleName.COMMANDS, World("bench", log, store, SystemClock(), metrics, Random(1), {}))
    running = asyncio.create_task(role.run())
    await role.assigned_once.wait()
    wall, cpu = time.perf_counter(), time.process_time()
    await eventually(lambda: len(metrics.seconds) >= expected or role.failure, seconds=600)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    role.stop()
    await running
    await store.close()
    await log.close()
    return {
        "commands": expected,
        "per_second": round(expected / wall),
        "per_cpu_second": round(expected / cpu),
        "cpu_us_per_command": round(cpu / expected * 1e6),
        "write_units_per_command": round((store.units + store.transaction_units) / expected, 2),
    }


async def paced(endpoints: Endpoints, environment: str, contracts: int, rate: int, seconds: int) -> dict[str, Any]:
    """Latency from append to event while commands come at ``rate`` a second."""
    log, metrics = KafkaLog(endpoints.kafka), Latencies()
    store = DynamoStore(environment, endpoint=endpoints.dynamodb, region=REGION)
    role = build_role(SERVICE, RoleName.COMMANDS, World("bench", log, store, SystemClock(), metrics, Random(1), {}))
    running = asyncio.create_task(role.run())
    await role.assigned_once.wait()
    loop = asyncio.get_running_loop()
    begun = loop.time()
    for n, record in enumerate(updates(contracts, rate * seconds, rate)):
        await asyncio.sleep(max(0.0, begun + n / rate - loop.time()))
        task = loop.create_task(log.append_keyed(commands_topic("contract"), [record]))
        task.add_done_callback(lambda done: done.result())
    await eventually(lambda: len(metrics.seconds) >= rate * seconds or role.failure, seconds=120)
    role.stop()
    await running
    await store.close()
    await log.close()
    cuts = statistics.quantiles(metrics.seconds, n=100)
    return {"rate": rate, "p50_ms": round(cuts[49] * 1000), "p95_ms": round(cuts[94] * 1000), "p99_ms": round(cuts[98] * 1000)}


async def measure(endpoints: Endpoints, environment: str, contracts: int, commands: int) -> dict[str, Any]:
    log = KafkaLog(endpoints.kafka)
    await log.append_keyed(commands_topic("contract"), [_outgoing(TEMPLATE, _id("template"), SEED)])
    await drain(endpoints, environment, 1)
    await publish(log, list(drafts(contracts)))
    created = await drain(endpoints, environment, contracts)
    await publish(log, list(updates(contracts, commands, 0)))
    updated = await drain(endpoints, environment, commands)
    await log.close()
    latencies = [await paced(endpoints, environment, contracts, rate, 5) for rate in (25, 200)]
    return {"CreateContractDraft": created, "UpdateContractDraft": updated, "latency": latencies}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contracts", type=int, default=2000)
    parser.add_argument("--commands", type=int, default=10_000)
    arguments = parser.parse_args()
    stack = choose(Provider.LOCAL).stack
    endpoints = stack.start_sync()
    try:
        with dummy_credentials():
            assert endpoints.dynamodb is not None
            environment = apply_tables(endpoints.dynamodb)
            apply_topics(endpoints.kafka)
            result = asyncio.run(measure(endpoints, environment, arguments.contracts, arguments.commands))
    finally:
        stack.stop_sync()
    sys.stdout.write(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
