"""The demo played in a development environment that stays up afterwards, with a cast nobody could meet by chance."""

import io
import json
import os
import ssl
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import aioboto3
import httpx
import psutil
from rich.console import Console

from contracts.message import CommandData
from contracts.topics import TOPICS
from tests.support.clear_copies import Copy, files, item
from tests.support.sockets import Collector, Gate, collecting
from tests.support.waiting import eventually, eventually_async
from workers.adapters.sealing import Sealer
from workers.engine.ports import Assigned
from workers.engine.record import Partition, Record
from workers.main import MindLinks
from workers.ops.demo.cast import Cast
from workers.ops.demo.commands import ENVIRONMENT, WIDTH
from workers.ops.demo.playing import play
from workers.ops.dev.environment import Development, Wish
from workers.ops.dev.opening import development
from workers.ops.stack import Provider

PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Every address here is plain HTTP; reading the system's certificates for each client would take longer than its requests."""
BROWSERS = ("Mozilla/5.0 (Quillwriter 7.31; Xanthian)", "Mozilla/5.0 (Fenyotoll 2.19; Xanthian)")


def cast() -> Cast:
    made = Cast.new()
    return replace(
        made,
        client=replace(
            made.client,
            first_name="Xanthippe",
            last_name="Quillfeather",
            email="xq.ledgerdemain@kiebitzwerke.example",
            phone="+4930555731946",
            ip="198.51.100.173",
            device=BROWSERS[0],
        ),
        contractor=replace(
            made.contractor,
            first_name="Zsuzsánna",
            last_name="Őrlőházy",
            email="zsu.orlohazy+bids@fenyomag.example",
            phone="+36205557319",
            ip="203.0.113.219",
            device=BROWSERS[1],
        ),
        legal_name="Kiebitzwerke Dampfkraft GmbH",
        tax_id="DE731946285",
        account_number="000731946285",
        other_account_number="000528461937",
        routing_number="110000000",
    )


@dataclass(frozen=True, slots=True)
class Story:
    """``kms``: the way of all processes to the wrapping service. ``told``: what the demo printed. ``answers``: of the ingress."""

    cast: Cast
    standing: Development
    folder: Path
    kms: Gate
    traces: Collector
    told: str
    answers: list[Copy]

    @asynccontextmanager
    async def sealer(self) -> AsyncIterator[Sealer]:
        """Of a process that has just started: it holds no key yet."""
        async with MindLinks().open_backbone(self.standing.settings) as backbone:
            yield Sealer(backbone.keys)

    @property
    def http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=self.standing.http, trust_env=False, verify=PLAIN, timeout=30, headers={"Authorization": self.standing.keys.bearer}
        )

    @property
    def workers(self) -> str:
        """Where the workers' process says how it is."""
        for process in psutil.Process().children(recursive=True):
            words = process.cmdline()
            if "-I" not in words and "--all" in words:
                return f"http://127.0.0.1:{words[words.index('--health-port') + 1]}"
        raise AssertionError("no process of workers")

    async def send(self, kind: type[CommandData] | str, data: Mapping[str, Any], actor: str, *, to: str | None = None) -> httpx.Response:
        """One command through the ingress, or through another at ``to``; its answer is kept."""
        name = kind if isinstance(kind, str) else kind.kind()
        event = {"specversion": "1.0", "id": _id(), "type": name, "source": "/upstream/test", "data": dict(data)}
        headers = {
            b"Mindlinks-Actor": actor.encode(),
            b"Content-Type": b"application/cloudevents+json",
            b"User-Agent": self.cast.client.device.encode(),
        }
        async with self.http as http:
            answer = await http.post(f"{to or ''}/v1/commands", content=json.dumps(event), headers=headers)
        self.keep(answer)
        return answer

    def keep(self, answer: httpx.Response) -> None:
        head = repr(sorted(answer.headers.items())).encode()
        self.answers.append(Copy(f"answer {answer.status_code} of {answer.request.url.path}", head + answer.content))

    async def receipt(self, answer: httpx.Response) -> httpx.Response:
        async with self.http as http:
            found = await http.get(answer.headers["Location"])
        self.keep(found)
        return found

    async def outcome(self, answer: httpx.Response) -> str:
        """What became of the command, once somebody knows."""
        states: list[str] = []

        async def settled() -> bool:
            receipt = await self.receipt(answer)
            states.append(str(receipt.json().get("state")))
            return receipt.status_code == httpx.codes.OK

        await eventually_async(settled, what=lambda: states[-1:])
        return states[-1]

    # --- everything that was written ---------------------------------------------------------------------------------

    async def copies(self) -> list[Copy]:
        """Every byte, wherever it is: topics as Kafka's files, every item of every table, logs, metrics, spans, answers."""
        data = self.standing.endpoints.data_folder
        assert data is not None
        logs = [*files(self.folder, "*.log"), *(each for each in files(data, "*/*.log"))]
        spans = [Copy("spans", body) for body in self.traces.bodies]
        return [
            *files(data / "kafka"),
            *await self.items(),
            *logs,
            *await self.metrics(),
            *spans,
            *self.answers,
            Copy("told", self.told.encode()),
        ]

    async def items(self) -> list[Copy]:
        return [item(table, wire) for table, wires in (await self.wires()).items() for wire in wires]

    async def wires(self) -> Mapping[str, list[Mapping[str, Any]]]:
        """Every item of every table there is, as the API gives it."""
        settings = self.standing.settings
        async with aioboto3.Session().client("dynamodb", endpoint_url=settings.dynamodb, region_name=settings.region) as client:
            names = [name async for page in client.get_paginator("list_tables").paginate() for name in page["TableNames"]]
            return {name: await _scan(client, name) for name in names}

    async def metrics(self) -> list[Copy]:
        async with httpx.AsyncClient(trust_env=False) as http:
            read = [(await http.get(f"{address}/metrics")) for address in (self.standing.http, self.workers)]
        assert all(each.status_code == httpx.codes.OK for each in read)
        return [Copy("metrics", each.content) for each in read]

    async def records(self) -> list[Record]:
        """Every record of every topic, in the order of their append."""
        reading = _Reading()
        log = self.standing.backbone.log
        consumer = log.consumer(f"test-{_id()}", sorted(TOPICS))
        await consumer.start(reading)
        try:
            await reading.until_the_end()
        finally:
            await consumer.stop()
        return sorted(reading.records, key=lambda each: (each.timestamp, each.partition, each.offset))


async def _scan(client: Any, table: str) -> list[Mapping[str, Any]]:
    pages = client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return [wire async for page in pages for wire in page["Items"]]


@asynccontextmanager
async def told_story() -> AsyncIterator[Story]:
    """The environment stands, and its demo was played; all of it ends with the block."""
    actors, kms = cast(), Gate()
    await kms.open()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(kms.shut)
        traces = await stack.enter_async_context(collecting())
        stack.enter_context(variables(AWS_ENDPOINT_URL_KMS=kms.url, MINDLINKS_TRACES=traces.url))
        standing = await stack.enter_async_context(_standing(kms))
        console = Console(file=io.StringIO(), width=WIDTH)
        await play(standing, console, time.monotonic(), actors)
        folder = standing.settings.client_keys_file
        assert folder is not None
        assert isinstance(console.file, io.StringIO)
        yield Story(actors, standing, folder.parent, kms, traces, console.file.getvalue(), [])


@asynccontextmanager
async def _standing(kms: Gate) -> AsyncIterator[Development]:
    """The gate leads to the stack's AWS, whose port is known only once it has started."""

    def progress(line: str) -> None:
        if line.startswith("moto: ready on "):
            kms.target = line.rpartition(" ")[2]

    async with development(Wish(MindLinks(), Provider.LOCAL, ENVIRONMENT, brief=True, on_progress=progress)) as standing:
        yield standing


@contextmanager
def variables(**changes: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


_ids = count(1)


def _id() -> str:
    return f"00000000-0000-4000-8000-{next(_ids):012d}"


class _Reading:
    """A consumer's listener that keeps whole records, until each partition's end as it was at the beginning."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self._left: dict[Partition, int] | None = None

    async def assigned(self, partitions: Sequence[Assigned]) -> Mapping[Partition, int]:
        self._left = {each.partition: each.end for each in partitions if each.end}
        return {each.partition: 0 for each in partitions}

    async def revoked(self, partitions: Sequence[Partition]) -> None:
        """Nothing to drain."""

    def received(self, records: Sequence[Record]) -> None:
        assert self._left is not None
        for record in records:
            self.records.append(record)
            if record.offset + 1 >= self._left.get(record.partition, 0):
                self._left.pop(record.partition, None)

    async def until_the_end(self) -> None:
        await eventually(lambda: self._left == {}, what=lambda: self._left)
