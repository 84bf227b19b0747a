"""The exam of a Log: appending, reading, order, stamps. Run on memory and on a Kafka broker."""

import asyncio
import time
from uuid import uuid4

import pytest
from aiokafka.partitioner import DefaultPartitioner

from contracts.catalogue import MAXIMUM_RECORD
from tests.support.log_exam import LogBench, outgoing
from workers.engine.ports import RejectedRecord, UnknownTopic
from workers.engine.record import Outgoing, Partition


async def test_a_partition_keeps_the_order_of_appends(bench: LogBench) -> None:
    partition = Partition(await bench.topic(), 0)
    values = [f"v{i}" for i in range(300)]
    for start in range(0, 300, 50):
        await bench.log.append(partition, [outgoing(f"k{i % 7}", values[i]) for i in range(start, start + 50)])
    member = await bench.member("order", partition.topic).start()
    await member.until_received(300)
    assert member.values() == values
    assert [record.offset for record in member.records] == list(range(300))
    assert {record.partition for record in member.records} == {partition}


async def test_a_record_arrives_as_it_was_sent(bench: LogBench) -> None:
    partition = Partition(await bench.topic(), 0)
    headers = [("ce_id", b"1"), ("ce_id", b"2"), ("binary", bytes(range(256))), ("empty", b"")]
    await bench.log.append(partition, [Outgoing("schlüssel".encode(), b"\x00\xff", headers)])
    member = await bench.member("whole", partition.topic).start()
    await member.until_received(1)
    (record,) = member.records
    assert (record.key, record.value, list(record.headers)) == ("schlüssel".encode(), b"\x00\xff", headers)


async def test_a_key_goes_where_every_kafka_client_sends_it(bench: LogBench) -> None:
    topic = await bench.topic(partitions=7)
    keys = [uuid4().hex[: 1 + i % 32] for i in range(200)] + ["", "é", "RECIPIENT#1"]
    await bench.log.append_keyed(topic, [outgoing(key) for key in keys if key])
    member = await bench.member("keys", topic).start()
    await member.until_received(len(keys) - 1)
    choose, numbers = DefaultPartitioner(), list(range(7))
    for record in member.records:
        assert record.partition.number == choose(record.key, numbers, numbers)
    assert len({record.partition for record in member.records}) == 7


async def test_records_of_one_key_keep_their_order_through_a_keyed_append(bench: LogBench) -> None:
    topic = await bench.topic(partitions=3)
    await bench.log.append_keyed(topic, [outgoing(f"k{i % 10}", str(i)) for i in range(500)])
    member = await bench.member("keyed", topic).start()
    await member.until_received(500)
    for key in range(10):
        mine = [int(record.value or b"") for record in member.records if record.key == f"k{key}".encode()]
        assert mine == list(range(key, 500, 10))


async def test_the_stamp_is_the_time_of_the_append_and_never_runs_backwards(bench: LogBench) -> None:
    partition = Partition(await bench.topic(), 0)
    before = time.time_ns() // 1_000_000
    for _ in range(20):
        await bench.log.append(partition, [outgoing("k")])
    after = time.time_ns() // 1_000_000
    member = await bench.member("stamps", partition.topic).start()
    await member.until_received(20)
    stamps = [record.timestamp for record in member.records]
    assert stamps == sorted(stamps)
    assert before <= stamps[0]
    assert stamps[-1] <= after


async def test_an_append_returns_when_the_records_are_there(bench: LogBench) -> None:
    partition = Partition(await bench.topic(), 0)
    await bench.log.append(partition, [outgoing("k"), outgoing("k")])
    member = await bench.member("end", partition.topic).start()
    assert member.owned[partition].end == 2


async def test_more_than_one_batch_in_one_append_keeps_its_order(bench: LogBench) -> None:
    partition = Partition(await bench.topic(), 0)
    large = "x" * 60_000
    await bench.log.append(partition, [outgoing("k", f"{i:03d}{large}") for i in range(20)])
    member = await bench.member("large", partition.topic).start()
    await member.until_received(20)
    assert [value[:3] for value in member.values()] == [f"{i:03d}" for i in range(20)]


async def test_appends_side_by_side_lose_and_double_nothing(bench: LogBench) -> None:
    topic = await bench.topic(partitions=4)
    await asyncio.gather(
        *(
            bench.log.append(Partition(topic, n), [outgoing("k", f"{n}/{turn}/{i}") for i in range(10)])
            for turn in range(10)
            for n in range(4)
        )
    )
    member = await bench.member("side", topic).start()
    await member.until_received(400)
    assert sorted(member.values()) == sorted(f"{n}/{turn}/{i}" for n in range(4) for turn in range(10) for i in range(10))


async def test_an_append_of_nothing_is_nothing(bench: LogBench) -> None:
    partition = Partition(await bench.topic(), 0)
    await bench.log.append(partition, [])
    await bench.log.append_keyed(partition.topic, [])
    member = await bench.member("nothing", partition.topic).start()
    assert member.owned[partition].end == 0


async def test_a_record_too_large_is_refused_and_what_follows_works(bench: LogBench) -> None:
    partition = Partition(await bench.topic(), 0)
    with pytest.raises(RejectedRecord):
        await bench.log.append(partition, [outgoing("k", "first"), outgoing("k", "x" * MAXIMUM_RECORD)])
    await bench.log.append(partition, [outgoing("k", "x" * (MAXIMUM_RECORD - 300))])
    await bench.log.append(partition, [outgoing("k", "after")])
    member = await bench.member("too-large", partition.topic).start()
    await member.until_received(2)
    assert [len(value) for value in member.values()] == [MAXIMUM_RECORD - 300, 5]


async def test_an_unknown_topic_is_an_error(bench: LogBench) -> None:
    topic = await bench.topic()
    with pytest.raises(UnknownTopic):
        await bench.log.append(Partition("no.such.topic", 0), [outgoing("k")])
    with pytest.raises(UnknownTopic):
        await bench.log.append(Partition(topic, 1), [outgoing("k")])
    with pytest.raises(UnknownTopic):
        await bench.log.append_keyed("no.such.topic", [outgoing("k")])
    with pytest.raises(UnknownTopic):
        await bench.member("unknown", topic, "no.such.topic").start()


async def test_a_member_sees_what_is_appended_after_it_joined(bench: LogBench) -> None:
    partition = Partition(await bench.topic(), 0)
    member = await bench.member("later", partition.topic).start()
    for i in range(5):
        await bench.log.append(partition, [outgoing("k", str(i))])
        await member.until_received(i + 1)
    assert member.values() == ["0", "1", "2", "3", "4"]


async def test_the_log_answers_a_check(bench: LogBench) -> None:
    await bench.log.check()
