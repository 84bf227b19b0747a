"""Servers of their own, the Stripe fake, worker processes, and ``mindlinks`` as its operator types it."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

import aioboto3
from typer.testing import CliRunner

from contracts.catalogue import decode
from contracts.envelope import Envelope
from contracts.message import CommandData, Message
from contracts.position import Position
from contracts.timestamps import from_milliseconds
from contracts.topics import commands_topic
from tests.support.servers import CREDENTIALS, REGION
from tests.support.waiting import eventually_async
from workers.adapters.dynamodb import DynamoStore
from workers.adapters.kafka import KafkaLog
from workers.adapters.kafka_reading import KafkaReader
from workers.engine.decision import Item
from workers.engine.reading import Span, merged
from workers.engine.record import Outgoing
from workers.main import MindLinks
from workers.ops.cli import build_cli
from workers.ops.dev.variables import java_variables, set_variables
from workers.ops.fakes.stripe import StripeFake
from workers.ops.scanning import pages
from workers.ops.stack import Endpoints, LocalStack

REPOSITORY = Path(__file__).parents[2]
ENVIRONMENT = "disaster"
GOOD, DROPPING = "workers.main", "tests.support.dropping_deploy"
ROLES = ("payment:commands", "payment:effects", "notification:reactions", "notification:commands")
PATIENCE = 90.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Seen:
    """One record of a topic. ``position``: of the command, where it is an event."""

    data: Message
    envelope: Envelope
    position: Position


@dataclass(frozen=True, slots=True)
class Typed:
    """A command of ``mindlinks`` that has ended."""

    code: int
    output: str
    errors: str

    @property
    def json(self) -> Any:
        return json.loads(self.output)


class Background:
    """A loop in a thread of its own: commands of ``mindlinks`` want the main thread and a loop for themselves."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE * 2)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Site:
    """``stripe`` is asked on the background's loop only."""

    def __init__(self, endpoints: Endpoints, background: Background, stripe: StripeFake) -> None:
        assert endpoints.dynamodb is not None
        self.background, self.stripe, self._dynamodb = background, stripe, endpoints.dynamodb
        self._log, self._reader = KafkaLog(endpoints.kafka), KafkaReader(endpoints.kafka)
        self._store = DynamoStore(ENVIRONMENT, endpoint=endpoints.dynamodb, region=REGION)
        self._app, self._worker, self._sent = build_cli(MindLinks()), None, 0
        self.begun = time.monotonic()

    def mindlinks(self, *arguments: str, code: int | None = 0) -> Typed:
        """``code``: what it has to end with; None for whatever."""
        result = CliRunner().invoke(self._app, arguments, catch_exceptions=False)
        self.told(f"$ mindlinks {' '.join(arguments)}  -> {result.exit_code}\n{result.stderr}{result.stdout[:600]}")
        assert code in (None, result.exit_code), result.output
        return Typed(result.exit_code, result.stdout, result.stderr)

    def told(self, line: str) -> None:
        print(f"[{time.monotonic() - self.begun:.1f} s] {line}")

    # --- worker processes ------------------------------------------------------------------------------------------

    @contextmanager
    def worker(self, module: str) -> Iterator[None]:
        """Drained at the end of the block."""
        command = [sys.executable, "-m", module, "run", *ROLES, "--health-port", "0"]
        with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE) as process:
            try:
                assert process.stdout is not None
                assert json.loads(process.stdout.readline())["ready"] == "workers"
                yield
                process.terminate()
                assert process.wait(PATIENCE) == 0
            finally:
                process.kill()

    # --- the log ---------------------------------------------------------------------------------------------------

    def send(self, said: Sequence[tuple[CommandData, str]]) -> None:
        """Commands with who asks for them."""
        by_service: dict[str, list[Outgoing]] = {}
        for data, actor in said:
            self._sent += 1
            by_service.setdefault(data.service, []).append(_outgoing(data, actor, f"00000000-0000-4000-8000-{self._sent:012d}"))
        for service, records in by_service.items():
            self.background.call(self._log.append_keyed(commands_topic(service), records))

    def seen(self, topic: str) -> list[Seen]:
        return self.background.call(self._seen(topic))

    async def _seen(self, topic: str) -> list[Seen]:
        bounds = await self._reader.bounds(await self._reader.partitions(topic))
        spans = {each: Span(bound.origin, bound.begin, bound.end) for each, bound in bounds.items()}
        found: list[Seen] = []
        async for record in merged(self._reader, spans):
            decoded = decode(record.key, record.value, record.headers, record.timestamp)
            place = decoded.envelope.position or Position(spans[record.partition].origin, record.offset)
            found.append(Seen(decoded.data, decoded.envelope, place))
        return found

    def until(self, topic: str, what: Mapping[type[Message], int]) -> list[Seen]:
        """Until the topic holds so many of each kind; fails when there are more."""
        counts: dict[type[Message], int] = {}
        seen: list[Seen] = []

        async def there() -> bool:
            seen[:] = await self._seen(topic)
            counts.update({kind: sum(isinstance(each.data, kind) for each in seen) for kind in what})
            return all(counts[kind] >= count for kind, count in what.items())

        self.background.call(eventually_async(there, PATIENCE, lambda: counts))
        assert counts == dict(what)
        return seen

    # --- tables ----------------------------------------------------------------------------------------------------

    def rows(self, *tables: str) -> list[Item]:
        return self.background.call(self._rows(tables))

    async def _rows(self, tables: Sequence[str]) -> list[Item]:
        return [item for table in tables for item in await self._all(table)]

    async def _all(self, table: str) -> list[Item]:
        return [item async for page in pages(self._store, table) for item in page]

    def until_rows(self, table: str, attribute: str, counts: Mapping[str, int]) -> None:
        """Until so many rows of the table have these values; fails when there are more."""
        found: Counter[str] = Counter()

        async def there() -> bool:
            rows = await self._all(table)
            found.clear()
            found.update(str(row[attribute]) for row in rows if row.get(attribute) in counts)
            return all(found[value] >= count for value, count in counts.items())

        self.background.call(eventually_async(there, PATIENCE, lambda: found))
        assert found == counts

    def delete_tables(self, *tables: str) -> None:
        self.background.call(self._delete(tables))

    async def _delete(self, tables: Sequence[str]) -> None:
        async with aioboto3.Session().client("dynamodb", endpoint_url=self._dynamodb, region_name=REGION) as client:
            for table in tables:
                await client.delete_table(TableName=f"{ENVIRONMENT}-{table}")

    async def close(self) -> None:
        await self._store.close()
        await self._log.close()


def _outgoing(data: CommandData, actor: str, command: str) -> Outgoing:
    now = from_milliseconds(time.time_ns() // 1_000_000)
    envelope = Envelope(command, data.kind(), "/tests/disaster", data.key, now, command, command, actor)
    return Outgoing(data.key.encode(), data.to_json(), envelope.headers())


@contextmanager
def site() -> Iterator[Site]:
    """Its log holds nothing but what it says itself, for a rebuild reads all of it."""
    with ExitStack() as stack:
        background, servers = Background(), LocalStack()
        stack.callback(background.stop)
        with set_variables(java_variables(os.environ, brief=True)):
            endpoints = servers.start_sync()
        stack.callback(servers.stop_sync)
        stripe = background.call(StripeFake().__aenter__())
        stack.callback(lambda: background.call(stripe.__aexit__(None, None, None)))
        stack.enter_context(set_variables(_variables(endpoints, stripe.url)))
        made = Site(endpoints, background, stripe)
        stack.callback(lambda: background.call(made.close()))
        yield made


def _variables(endpoints: Endpoints, stripe: str) -> Mapping[str, str]:
    own = {"ENVIRONMENT": ENVIRONMENT, "KAFKA": endpoints.kafka, "STRIPE_API_BASE": stripe, "LINK_KEYS": "k1:local"}
    aws = {"AWS_ENDPOINT_URL": endpoints.aws or "", "AWS_ENDPOINT_URL_DYNAMODB": endpoints.dynamodb or "", "AWS_REGION": REGION}
    return {**CREDENTIALS, **aws, "COLUMNS": "140", **{f"MINDLINKS_{name}": value for name, value in own.items()}}
