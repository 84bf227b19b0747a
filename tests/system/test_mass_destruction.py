"""A thousand people are erased while commands about them and a thousand others go through the ingress and a worker."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any
from uuid import UUID

from contracts.clear import Clear, Redacted
from contracts.sealed import VALUE, SealedText
from contracts.types import Purpose
from tests.support.keys import MASTER_KEY
from tests.support.waiting import eventually
from tests.unit.ingress.doubles import Ingress, client_key
from workers.adapters.key_ring import LIFETIME, KeyRing
from workers.adapters.key_wrapping import LocalWrapping
from workers.adapters.opening import INGRESS, Opener
from workers.adapters.sealing import Sealer
from workers.adapters.subject_keys import SubjectKeys
from workers.engine.memory import MemoryStore, SystemClock
from workers.engine.metrics import NoMetrics
from workers.engine.ports import Clock
from workers.engine.runtime import RoleName, World, build_role
from workers.services.notification.service import SERVICE

PEOPLE = [str(UUID(int=(4 << 76) | (8 << 60) | number)) for number in range(2_000)]
ERASED, STAYING = frozenset(PEOPLE[::2]), frozenset(PEOPLE[1::2])
SENDERS, BATCH = 3, 20
DESTROYED_BETWEEN = 10
"""Keys destroyed between two steps of the clock; the whole takes four lifetimes."""
STEP = 4 * LIFETIME * DESTROYED_BETWEEN / len(ERASED)


class Traffic:
    """Upstream systems that sync people's names; ``taken`` counts what the ingress accepted, by person."""

    def __init__(self, ingress: Ingress) -> None:
        self.ingress, self.random = ingress, Random(5)
        self.taken, self.refused = Counter[str](), Counter[str]()
        self.sent = 0
        self.stopping = False

    async def pause(self, senders: Sequence[asyncio.Task[None]]) -> None:
        self.stopping = True
        await asyncio.gather(*senders)
        self.stopping = False

    async def run(self) -> None:
        while not self.stopping:
            await self.send(self.random.choices(PEOPLE, k=BATCH))

    async def send_all(self, people: Sequence[str]) -> None:
        for start in range(0, len(people), BATCH):
            await self.send(people[start : start + BATCH])

    async def send(self, people: Sequence[str]) -> None:
        batch = [self._event(person) for person in people]
        answer = await self.ingress.send(batch, mindlinks_actor="system:user")
        for person, result in zip(people, answer.json()["results"], strict=True):
            known = self.taken if result.get("state") == "accepted" else self.refused
            known[person] += 1
            assert result.get("state") == "accepted" or result["reason"] == "erased", result

    def _event(self, person: str) -> dict[str, Any]:
        self.sent += 1
        data = {
            "recipientId": person,
            "userId": person,
            "firstName": name_of(person),
            "sourceAt": f"2026-01-01T00:00:00.{self.sent % 1000:03d}Z",
        }
        command = str(UUID(int=(1 << 100) | (4 << 76) | (8 << 60) | self.sent))
        return {"specversion": "1.0", "id": command, "source": "/test", "type": "mindlinks.notification.SyncRecipient.v1", "data": data}


def name_of(person: str) -> str:
    return f"Amina-{PEOPLE.index(person)}"


def ring(store: MemoryStore, clock: Clock) -> KeyRing:
    """A process's own."""
    return KeyRing(SubjectKeys(store, clock), [LocalWrapping(MASTER_KEY)])


async def test_nobody_erased_is_readable_after_the_lifetime_and_no_accepted_command_is_lost() -> None:
    ingress = Ingress(clients=(client_key(per_minute=10**6, actors=["system:*"]),))
    store, clock = ingress.store, ingress.clock
    at_ingress, elsewhere = ring(store, clock), ring(store, clock)
    ingress = Ingress(clock, store=store, clients=ingress.clients, changes={"sealer": Opener(Sealer(at_ingress), INGRESS, "ingress")})
    world = World("test", ingress.log, store, SystemClock(), NoMetrics(), Random(1), {})
    role = build_role(SERVICE, RoleName.COMMANDS, world)
    running = asyncio.create_task(role.run())
    traffic = Traffic(ingress)
    await traffic.send_all(PEOPLE)
    senders = [asyncio.create_task(traffic.run()) for _ in range(SENDERS)]
    destroyer = ring(store, clock)
    for number, person in enumerate(sorted(ERASED)):
        await destroyer.destroy(person, Purpose.SUBJECT)
        if number % DESTROYED_BETWEEN == 0:
            clock.at += int(STEP * 1000)
            await asyncio.sleep(0)
    clock.at += int(LIFETIME * 1000)
    # What was on its way when the lifetime ended may have been sealed before; it has arrived when its sender has.
    await traffic.pause(senders)
    before = Counter(traffic.taken)
    senders = [asyncio.create_task(traffic.run()) for _ in range(SENDERS)]
    while traffic.refused.keys() != ERASED:
        await traffic.send_all(sorted(ERASED - traffic.refused.keys()))
    await traffic.pause(senders)

    records = [record for partition, stored in ingress.log.records.items() if "commands" in partition.topic for record in stored]
    assert Counter((record.key or b"").decode() for record in records) == traffic.taken
    assert all(traffic.taken[person] == before[person] for person in ERASED), "sealed for somebody after the lifetime"
    assert not traffic.refused.keys() & STAYING
    ends = {partition: len(stored) for partition, stored in ingress.log.records.items() if stored and "commands" in partition.topic}
    committed = ingress.log.group("notification-commands").committed
    await eventually(lambda: role.failure or all(p in committed and committed[p].offset == end for p, end in ends.items()))
    role.stop()
    await running
    rows = {item["userId"]: item for ref, item in store.items.items() if ref.table == "notification-notifications" and "firstName" in item}
    assert rows.keys() == set(PEOPLE), "every accepted command is applied"
    for reader in (at_ingress, elsewhere, ring(store, clock)):
        for person, row in rows.items():
            assert SealedText.parse(row["firstName"]).subject == person
            wanted = Redacted.ERASED if person in ERASED else Clear(name_of(person))
            assert await Sealer(reader).open(row["firstName"], VALUE) == wanted
    print(f"{traffic.sent} commands, {traffic.taken.total()} taken and applied, {traffic.refused.total()} refused, all of people erased")
