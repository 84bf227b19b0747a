"""What the exam of a Log needs: topics of one's own, members that write down what they are told."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol
from uuid import uuid4

from contracts.topics import Topic
from tests.support.waiting import eventually
from workers.adapters.kafka import KafkaLog
from workers.adapters.kafka_admin import KafkaAdmin
from workers.engine.memory import MemoryLog
from workers.engine.ports import Assigned, Consumer, Log, Offset
from workers.engine.record import Outgoing, Partition, Record


def outgoing(key: str, value: str = "{}") -> Outgoing:
    return Outgoing(key.encode(), value.encode(), [("ce_id", uuid4().hex.encode())])


class Member:
    """One group member. ``starts``: where it asks to read from; ``draining``: awaited inside ``revoked``."""

    def __init__(self, name: str, consumer: Consumer, diary: list[str]) -> None:
        self.name, self.consumer, self.diary = name, consumer, diary
        self.records: list[Record] = []
        self.owned: dict[Partition, Assigned] = {}
        self.history: list[Sequence[Assigned]] = []
        self.starts: dict[Partition, int] = {}
        self.draining: Callable[[Sequence[Partition]], object] = lambda _: None

    async def start(self) -> "Member":
        await self.consumer.start(self)
        await eventually(lambda: self.history, what=lambda: f"{self.name} was never assigned anything")
        return self

    async def assigned(self, partitions: Sequence[Assigned]) -> Mapping[Partition, int]:
        self.diary.append(f"{self.name} assigned")
        self.history.append(partitions)
        self.owned = {each.partition: each for each in partitions}
        return self.starts

    async def revoked(self, partitions: Sequence[Partition]) -> None:
        self.diary.append(f"{self.name} revoking")
        result = self.draining(partitions)
        if hasattr(result, "__await__"):
            await result
        self.diary.append(f"{self.name} revoked")
        self.owned.clear()

    def received(self, records: Sequence[Record]) -> None:
        self.records += records

    def values(self) -> list[str]:
        return [(record.value or b"").decode() for record in self.records]

    async def until_received(self, count: int) -> None:
        await eventually(lambda: len(self.records) >= count, what=lambda: f"{self.name} has {len(self.records)} of {count}")

    async def commit(self, offsets: Mapping[Partition, Offset]) -> None:
        await self.consumer.commit(offsets)


class LogBench(Protocol):
    log: Log
    diary: list[str]

    async def topic(self, partitions: int = 1) -> str: ...

    def member(self, group: str, *topics: str, name: str = "one") -> Member: ...

    async def close(self) -> None: ...


class _Members:
    """Members are stopped at the end, the last one first."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.diary: list[str] = []
        self._members: list[Member] = []

    def member(self, group: str, *topics: str, name: str = "one") -> Member:
        member = Member(name, self.log.consumer(group, topics), self.diary)
        self._members.append(member)
        return member

    async def close(self) -> None:
        for member in reversed(self._members):
            await member.consumer.stop()
        await self.log.close()


class MemoryBench(_Members):
    def __init__(self) -> None:
        self._topics: dict[str, int] = {}
        super().__init__(MemoryLog({}))

    async def topic(self, partitions: int = 1) -> str:
        name = f"exam.{uuid4().hex}"
        assert isinstance(self.log, MemoryLog)
        self.log.add_topic(name, partitions)
        return name


class KafkaBench(_Members):
    def __init__(self, bootstrap: str) -> None:
        self._admin = KafkaAdmin(bootstrap)
        super().__init__(KafkaLog(bootstrap))

    async def topic(self, partitions: int = 1) -> str:
        name = f"exam.{uuid4().hex}"
        await self._admin.apply([Topic(name, "exam", partitions)], 1, lambda _: None)
        return name
