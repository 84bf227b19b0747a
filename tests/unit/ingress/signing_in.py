"""The ingress in front of the real auth service, which the engine runs on the same log and store in memory."""

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from contracts.catalogue import decode
from contracts.clear import Clear
from contracts.message import Message
from contracts.topics import commands_topic, events_topic
from tests.support.process import Plant, QuickClock, plant
from tests.support.waiting import eventually
from tests.unit.ingress.doubles import AUTHORIZED, HASHES, Ingress, client_key, command
from workers.adapters.passwords import LEAST_COST
from workers.engine.decision import Item, ItemRef
from workers.engine.ports import Store
from workers.engine.runtime import RoleName
from workers.ingress.clients import Client
from workers.services.auth.service import SERVICE

AMINA = "11111111-1111-4111-8111-111111111111"
OMAR = "22222222-2222-4222-8222-222222222222"
ADMIN = "admin:44444444-4444-4444-8444-444444444444"
EMAIL, PASSWORD = "amina@example.com", "correct horse بطارية"
COMMANDS, EVENTS = commands_topic("auth"), events_topic("auth")


class WaitingClock:
    """Shows the plant's time; waits by turns of the loop, in which the workers get on."""

    def __init__(self, clock: QuickClock) -> None:
        self._clock = clock

    def now(self) -> int:
        return self._clock.now()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class CountedReads:
    """A store that notes what the ingress asks of it, one entry a call."""

    def __init__(self, store: Store, work: list[str]) -> None:
        self._store, self._work = store, work

    async def get(self, refs: Sequence[ItemRef]) -> Mapping[ItemRef, Item]:
        self._work.append("read " + " ".join(f"{ref.table}/{ref.key[:6]}" if "#" in ref.key else ref.table for ref in refs))
        return await self._store.get(refs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class CountedPasswords:
    """Hashes of the right form that cost nothing; they name their cost."""

    def __init__(self, work: list[str]) -> None:
        self._work = work

    async def hash(self, password: Clear) -> Clear:
        self._work.append("hash")
        return Clear(f"$2b${LEAST_COST}${hashlib.sha256(password.reveal().encode()).hexdigest()[:53]}")

    async def matches(self, password: Clear, hashed: Clear) -> bool:
        self._work.append(f"check {hashed.reveal()[:7]}")
        await asyncio.sleep(0)
        return hashed.reveal()[7:] == hashlib.sha256(password.reveal().encode()).hexdigest()[:53]


class CountedHashes:
    def __init__(self, work: list[str]) -> None:
        self._work = work

    async def seal(self, *what: Any) -> str:
        self._work.append("seal")
        return await HASHES.seal(*what)

    async def open(self, *what: Any) -> Any:
        self._work.append("open")
        return await HASHES.open(*what)


@dataclass
class People:
    """``work``: what the ingress did for its requests, in order, hashing and reading."""

    plant: Plant
    clients: Sequence[Client] = (client_key(),)
    changes: Mapping[str, Any] = field(default_factory=dict)
    work: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        mine = {
            "log": self.plant.log,
            "store": CountedReads(self.plant.store, self.work),
            "clock": WaitingClock(self.plant.clock),
            "passwords": CountedPasswords(self.work),
            "password_hashes": CountedHashes(self.work),
        }
        self.ingress = Ingress(clients=self.clients, changes={**mine, **self.changes})

    async def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        sent = {**AUTHORIZED, "content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
        return await self.ingress.http.post(path, content=json.dumps(body).encode(), headers=sent)

    async def sign_in(self, email: str = EMAIL, password: str = PASSWORD, **more: Any) -> httpx.Response:
        return await self.post("/v1/sign-in", {"email": email, "password": password, **more})

    async def token(self) -> str:
        answer = await self.sign_in()
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["refreshToken"]
        return token

    async def rotate(self, token: str) -> httpx.Response:
        return await self.post("/v1/sessions/rotate", {"refreshToken": token})

    async def send(self, kind: str, data: Mapping[str, Any], actor: str = "public") -> None:
        """A command by the common way, and its end."""
        self.sent = getattr(self, "sent", 0) + 1
        event = command(f"mindlinks.auth.{kind}.v1", data, id=f"99999999-9999-4999-8999-{self.sent:012}")
        response = await self.ingress.send(event, mindlinks_actor=actor)
        assert response.status_code == 202, response.text
        await self.settled()

    async def register(self, user: str = AMINA, email: str = EMAIL, **more: Any) -> None:
        data = {"userId": user, "email": email, "password": PASSWORD, "role": "company", "locale": "en", **more}
        await self.send("RegisterUser", data)

    async def settled(self) -> None:
        await self.plant.until_settled("auth-commands", COMMANDS)

    def messages(self, topic: str) -> list[Message]:
        return [decode(each.key, each.value, each.headers, each.timestamp).data for each in self.plant.records(topic)]

    @property
    def events(self) -> Counter[str]:
        return Counter(type(message).__name__ for message in self.messages(EVENTS))

    @property
    def commands(self) -> Counter[str]:
        return Counter(type(message).__name__ for message in self.messages(COMMANDS))

    async def until_commands(self, kind: str, count: int) -> None:
        await eventually(lambda: self.commands[kind] >= count, what=lambda: dict(self.commands))
        await self.settled()

    @property
    def bytes(self) -> bytes:
        """Everything on the log and in the store."""
        records = [record for partition in self.plant.log.records.values() for record in partition]
        return repr([(record.key, record.value, record.headers) for record in records]).encode() + repr(self.plant.store.items).encode()


@asynccontextmanager
async def people(clients: Sequence[Client] = (client_key(),), *, working: bool = True, **changes: Any) -> AsyncIterator[People]:
    """``working``: the auth service runs."""
    async with plant(SERVICE) as made:
        if working:
            made.start()
            made.start(RoleName.PROJECTIONS)
        those = People(made, clients, changes)
        async with those.ingress.http:
            yield those
