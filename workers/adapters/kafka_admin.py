"""Administration of Kafka: topic ids, commits with their metadata, topics declared and compared. Its one blocking call runs in a thread."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import aiokafka
from aiokafka.admin import AIOKafkaAdminClient
from confluent_kafka import KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, OffsetSpec, ResourceType

from contracts.position import origin
from contracts.topics import Topic
from workers.engine.ports import Assigned, LogUnavailable, UnknownTopic
from workers.engine.record import Partition

TIMEOUT = 10.0
LED_WITHIN = 30.0
LOOK_AGAIN = 0.1


@dataclass(frozen=True, slots=True)
class TopicDifference:
    """``what`` names the part that differs; ``declared`` and ``found`` are None where the topic is missing or not ours."""

    topic: str
    what: str
    declared: str | None
    found: str | None


class KafkaAdmin:
    """Every call raises LogUnavailable when no broker answers in time, UnknownTopic for a topic that is not there."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._client = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})

    async def check(self) -> None:
        await self._call(lambda: self._client.list_topics(timeout=5.0))

    async def names(self) -> set[str]:
        metadata = await self._call(lambda: self._client.list_topics(timeout=TIMEOUT))
        return set(metadata.topics)

    async def require(self, topics: Sequence[str]) -> None:
        if missing := set(topics) - await self.names():
            raise UnknownTopic(f"{', '.join(sorted(missing))}: {UnknownTopic.__doc__}")

    async def describe(self, topics: Sequence[str]) -> dict[str, Any]:
        futures = self._client.describe_topics(TopicCollection(list(topics)), request_timeout=TIMEOUT)
        return {name: await self._answer(future) for name, future in futures.items()}

    async def assigned(self, group: str, partitions: Sequence[Partition]) -> list[Assigned]:
        """What the group committed there, under which topic id, and where each log ends."""
        return (await self.assigned_to({group: partitions}))[group]

    async def assigned_to(self, wanted: Mapping[str, Sequence[Partition]]) -> dict[str, list[Assigned]]:
        """The same of many groups, each log asked once."""
        partitions = list(dict.fromkeys(each for found in wanted.values() for each in found))
        if not partitions:
            return {group: [] for group in wanted}
        described = await self.describe(sorted({partition.topic for partition in partitions}))
        committed = await self._committed(wanted)
        ends = await self.ends(partitions)
        origins = {each: origin(str(described[each.topic].topic_id), each.number) for each in partitions}
        return {
            group: [Assigned(each, origins[each], *committed[group, each], end=ends[each]) for each in found]
            for group, found in wanted.items()
        }

    async def members(self, groups: Sequence[str]) -> dict[str, int]:
        """How many each group has; none of one that is not there."""
        futures = self._client.describe_consumer_groups(list(groups), request_timeout=TIMEOUT) if groups else {}
        return {group: len((await self._answer(future)).members) for group, future in futures.items()}

    async def _committed(self, wanted: Mapping[str, Sequence[Partition]]) -> dict[tuple[str, Partition], tuple[int | None, str]]:
        """By aiokafka: confluent-kafka 2.16 reads a commit's metadata past its end (no terminating zero on the wire)."""
        client = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap)
        try:
            async with asyncio.timeout(TIMEOUT):
                await client.start()
                parts = await asyncio.gather(*(_commits(client, group, found) for group, found in wanted.items() if found))
        except (TimeoutError, aiokafka.errors.KafkaError) as error:
            raise LogUnavailable(f"offsets of groups {', '.join(wanted)}: {error!r}") from error
        finally:
            await client.close()
        return {place: commit for part in parts for place, commit in part.items()}

    async def ends(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """Each log's next offset."""
        try:
            return await self._ends(partitions)
        except LogUnavailable:
            # librdkafka goes on asking with the leader epoch it remembers, which a broker refuses after its restart, for as long as
            # nobody has the metadata fetched anew.
            await self.check()
            return await self._ends(partitions)

    async def _ends(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        request = {TopicPartition(partition.topic, partition.number): OffsetSpec.latest() for partition in partitions}
        futures = self._client.list_offsets(request, request_timeout=TIMEOUT)
        return {Partition(tp.topic, tp.partition): (await self._answer(future)).offset for tp, future in futures.items()}

    # --- topics as declared ------------------------------------------------------------------------------------------

    async def apply(self, topics: Sequence[Topic], replication: int, on_progress: Callable[[str], None]) -> None:
        """Creates what is missing and returns when every partition of it has a leader. Never drops, never changes a partition count."""
        known = await self.names()
        missing = [topic for topic in topics if topic.name not in known]
        if not missing:
            return
        wanted = [NewTopic(topic.name, topic.partitions, replication, config=dict(topic.settings)) for topic in missing]
        for name, future in self._client.create_topics(wanted, request_timeout=30.0).items():
            await self._answer(future)
            on_progress(name)
        await self._until_led([Partition(topic.name, number) for topic in missing for number in range(topic.partitions)])

    async def _until_led(self, partitions: Sequence[Partition]) -> None:
        deadline = asyncio.get_running_loop().time() + LED_WITHIN
        while True:
            try:
                # Asked of the brokers: what librdkafka once found without a leader it would go on remembering.
                await self._call(lambda: self._client.list_topics(timeout=TIMEOUT))
                await self.ends(partitions)
            except (LogUnavailable, UnknownTopic):
                if asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(LOOK_AGAIN)
            else:
                return

    async def diff(self, topics: Sequence[Topic], prefix: str = "mindlinks.") -> list[TopicDifference]:
        known = await self.names()
        declared = {topic.name for topic in topics}
        differences = [TopicDifference(name, "topic", None, "present") for name in sorted(known - declared) if name.startswith(prefix)]
        present = [topic for topic in topics if topic.name in known]
        differences += [TopicDifference(topic.name, "topic", "declared", None) for topic in topics if topic.name not in known]
        described = await self.describe([topic.name for topic in present]) if present else {}
        for topic in present:
            count = len(described[topic.name].partitions)
            if count != topic.partitions:
                differences.append(TopicDifference(topic.name, "partitions", str(topic.partitions), str(count)))
            differences += await self._settings_diff(topic)
        return differences

    async def _settings_diff(self, topic: Topic) -> list[TopicDifference]:
        resource = ConfigResource(ResourceType.TOPIC, topic.name)
        (future,) = self._client.describe_configs([resource], request_timeout=TIMEOUT).values()
        found = await self._answer(future)
        return [
            TopicDifference(topic.name, name, value, found[name].value)
            for name, value in topic.settings.items()
            if found[name].value != value
        ]

    async def _call(self, blocking: Callable[[], Any]) -> Any:
        """Only for calls with a deadline of their own: a cancelled caller leaves the thread to it."""
        return await self._answered(asyncio.to_thread(blocking))

    async def _answer(self, future: Future[Any]) -> Any:
        """No thread waits for it: one left behind by a cancelled caller would wait for good, and with it the end of the process."""
        return await self._answered(asyncio.wrap_future(future))

    @staticmethod
    async def _answered(answer: Awaitable[Any]) -> Any:
        try:
            return await answer
        except KafkaException as error:
            if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise UnknownTopic(f"{error}: {UnknownTopic.__doc__}") from error
            raise LogUnavailable(str(error)) from error


async def _commits(client: Any, group: str, partitions: Sequence[Partition]) -> dict[tuple[str, Partition], tuple[int | None, str]]:
    wanted = [aiokafka.TopicPartition(partition.topic, partition.number) for partition in partitions]
    answer = await client.list_consumer_group_offsets(group, partitions=wanted)
    if missing := set(wanted) - set(answer):
        # A coordinator that is still loading answers with an error for the whole group, which aiokafka passes over.
        raise LogUnavailable(f"offsets of group {group}: no answer for {missing}")
    return {
        (group, Partition(tp.topic, tp.partition)): (each.offset if each.offset >= 0 else None, each.metadata or "")
        for tp, each in answer.items()
    }
