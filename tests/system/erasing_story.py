"""The demo's story up to the money in escrow, its contractor with a picture and visits of the website, in one process whose clock moves."""

import io
import logging
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import structlog
from prometheus_client import generate_latest

from contracts.file import File
from contracts.ids import derived
from contracts.message import CommandData
from contracts.sealed import VALUE
from contracts.timestamps import from_milliseconds
from contracts.types import Purpose, UserId
from contracts.user import AvatarChanged, SetAvatar
from tests.support.clear_copies import Copy, item
from tests.support.late_clock import LateMindLinks
from tests.support.service_story import digest
from tests.system.standing_story import cast
from workers.adapters.key_ring import KeyRing
from workers.adapters.sealing import Sealer
from workers.adapters.subject_keys import SubjectKeys
from workers.engine.decision import Item, ItemRef
from workers.engine.memory import MemoryLog, MemoryStore
from workers.engine.record import Record
from workers.ops.composition import Backbone
from workers.ops.demo import agreement, money
from workers.ops.demo.mailbox import Mailbox
from workers.ops.demo.observer import Observer, observing
from workers.ops.demo.stage import Scene, Stage
from workers.ops.demo.story import PEOPLE
from workers.ops.demo.upstream import outside
from workers.ops.dev.environment import Development, Wish
from workers.ops.dev.opening import development
from workers.ops.dev.seeding import load_seed
from workers.ops.erasure_judging import report
from workers.ops.erasure_reading import read
from workers.ops.erasure_report import Report
from workers.ops.fakes.memory import MemoryObjects
from workers.ops.stack import Provider

SCENES: Sequence[Scene] = (*PEOPLE, *agreement.SCENES, *money.SCENES)
EVENTS_A_VISIT = 4
"""What a visitor does, as tracking will leave it."""
ENDING = (agreement.END, money.END)


@dataclass
class Erasing:
    """``answers``: of the ingress to this test. ``told``: what the logs got."""

    standing: Development
    mindlinks: LateMindLinks
    stage: Stage
    logs: io.StringIO
    answers: list[Copy] = field(default_factory=list)
    visits: list[str] = field(default_factory=list)

    @property
    def backbone(self) -> Backbone:
        assert self.mindlinks.opened is not None
        return self.mindlinks.opened

    @property
    def store(self) -> MemoryStore:
        assert isinstance(self.backbone.store, MemoryStore)
        return self.backbone.store

    @property
    def objects(self) -> dict[str, bytes]:
        assert isinstance(self.backbone.objects, MemoryObjects)
        return self.backbone.objects.kept

    @property
    def documents(self) -> Mapping[str, bytes]:
        """Contracts as they were rendered."""
        kept: Mapping[str, bytes] = self.mindlinks.ports["documents"].store.objects
        return kept

    @property
    def person(self) -> UserId:
        """Whose erasure is asked for."""
        return UserId(self.stage.cast.contractor.user_id)

    def sealer(self) -> Sealer:
        """Of a process that has just started: it holds no key yet."""
        return Sealer(KeyRing(SubjectKeys(self.store, self.mindlinks.clock), self.backbone.keys.wrappings))

    async def report(self) -> Report:
        return report(await read(self.store, self.backbone.keys.keys, self.person))

    async def post(self, path: str, body: Mapping[str, Any], **headers: str) -> httpx.Response:
        wanted = {"Authorization": self.standing.keys.bearer, "User-Agent": self.stage.cast.contractor.device, **headers}
        async with httpx.AsyncClient(base_url=self.standing.http, trust_env=False, timeout=30) as http:
            answer = await http.post(path, json=body, headers=wanted)
        self.answers.append(Copy(f"answer of {path}", repr(sorted(answer.headers.items())).encode() + answer.content))
        return answer

    async def send(self, kind: type[CommandData], data: Mapping[str, Any], actor: str) -> httpx.Response:
        event = {"specversion": "1.0", "id": str(uuid4()), "type": kind.kind(), "source": "/upstream/test", "data": dict(data)}
        return await self.post("/v1/commands", event, **{"Mindlinks-Actor": actor, "Content-Type": "application/cloudevents+json"})

    # --- what the demo leaves out --------------------------------------------------------------------------------------

    async def pictured(self) -> str:
        """The contractor shows a picture, which was uploaded."""
        key = f"avatars/{self.person}/{uuid4()}.png"
        await self.backbone.objects.put(key, b"a face")
        shown = File(key=key, sha256=digest("a face"), size=6, mime="image/png")
        await self.send(SetAvatar, {"userId": self.person, "avatar": shown.to_item()}, self.stage.cast.contractor.actor)
        await self.stage.log.until(AvatarChanged, self.person)
        return key

    async def visited(self, user: str) -> None:
        """A visit of somebody who was signed in."""
        visit, at = str(uuid4()), from_milliseconds(self.mindlinks.clock.now())
        sealed = await self.sealer().seal(Purpose.SUBJECT, user, VALUE, user)
        stamps: Item = {"createdAt": at, "updatedAt": at, "createdBy": derived(visit), "_version": 1, "expiresAt": 4_000_000_000}
        self.visits.append(visit)
        row = {"id": visit, "userId": user, "startTime": at, "startDay": f"{at[:10]}#0", "ipAddress": digest(visit), "pageViews": 1}
        self.store.items[ItemRef("website-sessions", visit)] = {**row, **stamps}
        for number in range(EVENTS_A_VISIT):
            event = derived(f"{visit} {number}")
            self.visits.append(event)
            tracked = {"id": event, "sessionId": visit, "timestamp": at, "userId": sealed, "eventHour": f"{at[:13]}#0", "page": "/pricing"}
            self.store.items[ItemRef("website-events", event)] = {**tracked, **stamps}

    # --- everything that was written -----------------------------------------------------------------------------------

    def records(self) -> list[Record]:
        """Of every topic, in the order of their append."""
        log = self.backbone.log
        assert isinstance(log, MemoryLog)
        found = [record for stored in log.records.values() for record in stored]
        return sorted(found, key=lambda each: (each.timestamp, each.partition, each.offset))

    def copies(self) -> list[Copy]:
        """Topics, tables, objects, logs, metrics, spans, answers. What was rendered for the parties to keep is asked for apart."""
        records = [
            Copy(f"topic {each.partition.topic}", (each.key or b"") + b"\n" + (each.value or b"") + b"\n" + repr(each.headers).encode())
            for each in self.records()
        ]
        return [
            *records,
            *(item(ref.table, row) for ref, row in self.store.items.items()),
            *(Copy(f"object {key}", content) for key, content in self.objects.items()),
            Copy("metrics", generate_latest(self.backbone.registry)),
            Copy("logs", self.logs.getvalue().encode()),
            *(Copy("spans", (span.to_json() or "").encode()) for span in self.mindlinks.spans.get_finished_spans()),
            *self.answers,
        ]


@asynccontextmanager
async def told_until_the_escrow_is_filled() -> AsyncIterator[Erasing]:
    mindlinks, log = LateMindLinks(), Observer()
    with _logged() as logs:
        async with development(Wish(mindlinks, Provider.EMBEDDED, "unit")) as standing:
            assert mindlinks.opened is not None
            async with observing(mindlinks.opened.log, log), outside(standing) as (upstream, providers):
                await load_seed(standing.backbone, standing.settings, lambda *_: None)
                stage = Stage(cast(), upstream, providers, log, Mailbox(standing.mails), mindlinks.clock.now)
                for scene in SCENES:
                    await scene.play(stage)
                yield Erasing(standing, mindlinks, stage, logs)


@contextmanager
def _logged() -> Iterator[io.StringIO]:
    """All that this process says, unmasked."""
    stream = io.StringIO()
    handler, root = logging.StreamHandler(stream), logging.getLogger()
    level = root.level
    # What the tests' own clients say is no copy of ours.
    handler.addFilter(lambda record: not record.name.startswith("http"))
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    processors: list[structlog.typing.Processor] = [
        structlog.processors.ExceptionRenderer(),
        structlog.processors.JSONRenderer(default=str),
    ]
    structlog.configure(processors=processors, logger_factory=structlog.PrintLoggerFactory(stream), cache_logger_on_first_use=False)
    try:
        yield stream
    finally:
        structlog.reset_defaults()
        root.removeHandler(handler)
        root.setLevel(level)
