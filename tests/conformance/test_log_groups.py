"""The exam of a Log's consumer groups: commits, restarts, rebalances, pauses. Run on memory and on a Kafka broker."""

import asyncio
from collections.abc import Sequence

import pytest

from tests.support.log_exam import LogBench, Member, outgoing
from tests.support.waiting import eventually
from workers.engine.ports import Offset, StaleOwner
from workers.engine.record import Partition


async def filled(bench: LogBench, count: int, partitions: int = 1) -> str:
    topic = await bench.topic(partitions)
    for number in range(partitions):
        await bench.log.append(Partition(topic, number), [outgoing("k", f"{number}/{i}") for i in range(count)])
    return topic


async def settled(members: Sequence[Member], partitions: int) -> None:
    """Until the members share the partitions, each at least one, none twice."""

    def shared() -> bool:
        dealt = [partition for member in members for partition in member.owned]
        return all(member.owned for member in members) and len(dealt) == len(set(dealt)) == partitions

    await eventually(shared, what=lambda: {member.name: list(member.owned) for member in members})


async def test_a_new_group_starts_at_the_earliest_record(bench: LogBench) -> None:
    topic = await filled(bench, 3)
    member = await bench.member("earliest", topic).start()
    await member.until_received(3)
    (assigned,) = member.history[0]
    assert (assigned.committed, assigned.metadata, assigned.end) == (None, "", 3)
    assert member.consumer.alive()


async def test_groups_do_not_know_of_one_another(bench: LogBench) -> None:
    topic = await filled(bench, 3)
    one = await bench.member("group-one", topic).start()
    await one.until_received(3)
    await one.commit({Partition(topic, 0): Offset(3)})
    two = await bench.member("group-two", topic).start()
    await two.until_received(3)
    assert one.values() == two.values()


async def test_a_restart_goes_on_from_the_commit_and_gets_its_metadata(bench: LogBench) -> None:
    topic = await filled(bench, 10)
    partition = Partition(topic, 0)
    first = await bench.member("restart", topic).start()
    await first.until_received(10)
    await first.commit({partition: Offset(4, '{"settled":{"tøpic/0":4},"from":2}')})
    await first.consumer.stop()
    second = await bench.member("restart", topic).start()
    await second.until_received(6)
    assert second.values() == [f"0/{i}" for i in range(4, 10)]
    (assigned,) = second.history[0]
    assert (assigned.committed, assigned.metadata) == (4, '{"settled":{"tøpic/0":4},"from":2}')


async def test_the_origin_is_the_same_for_everybody_and_another_for_another_topic(bench: LogBench) -> None:
    topic, other = await filled(bench, 1, partitions=2), await filled(bench, 1)
    one = await bench.member("origin-one", topic).start()
    two = await bench.member("origin-two", topic, other).start()
    origins = {each.partition: each.origin for each in one.history[0]}
    assert {each.partition: each.origin for each in two.history[0]}.items() >= origins.items()
    assert len(set(origins.values())) == 2
    assert origins[Partition(topic, 1)].endswith("/1")
    assert two.owned[Partition(other, 0)].origin not in origins.values()


async def test_reading_starts_where_the_listener_says(bench: LogBench) -> None:
    topic = await filled(bench, 10, partitions=2)
    early, late = Partition(topic, 0), Partition(topic, 1)
    first = await bench.member("starts", topic).start()
    await first.until_received(20)
    await first.commit({early: Offset(6), late: Offset(6)})
    await first.consumer.stop()
    second = bench.member("starts", topic)
    second.starts = {early: 2, late: 9}
    await second.start()
    await second.until_received(9)
    assert [record.offset for record in second.records if record.partition == early] == list(range(2, 10))
    assert [record.offset for record in second.records if record.partition == late] == [9]


async def test_two_members_share_and_together_miss_nothing(bench: LogBench) -> None:
    topic = await bench.topic(partitions=8)
    one = await bench.member("share", topic, name="one").start()
    two = await bench.member("share", topic, name="two").start()
    await settled([one, two], 8)
    await bench.log.append_keyed(topic, [outgoing(f"k{i}", str(i)) for i in range(200)])
    await eventually(lambda: len({*one.values(), *two.values()}) == 200)
    assert one.records
    assert two.records
    assert not {record.partition for record in one.records} & {record.partition for record in two.records}


async def test_a_member_that_leaves_hands_its_partitions_over(bench: LogBench) -> None:
    topic = await bench.topic(partitions=4)
    one = await bench.member("leave", topic, name="one").start()
    two = await bench.member("leave", topic, name="two").start()
    await settled([one, two], 4)
    await one.consumer.stop()
    await eventually(lambda: len(two.owned) == 4)
    await bench.log.append_keyed(topic, [outgoing(f"k{i}", str(i)) for i in range(50)])
    await eventually(lambda: len(set(two.values())) == 50)
    assert not one.consumer.alive()


async def test_a_revoke_is_drained_before_anybody_is_assigned(bench: LogBench) -> None:
    topic = await filled(bench, 10, partitions=2)
    one = await bench.member("drain", topic, name="one").start()
    await one.until_received(20)
    entered, release = asyncio.Event(), asyncio.Event()

    async def drain(partitions: Sequence[Partition]) -> None:
        entered.set()
        await release.wait()
        await one.commit({partition: Offset(10, "drained") for partition in partitions})

    one.draining = drain
    two = bench.member("drain", topic, name="two")
    joining = asyncio.create_task(two.start())
    await asyncio.wait_for(entered.wait(), 30)
    assert bench.diary[-1] == "one revoking"
    release.set()
    await joining
    await settled([one, two], 2)
    after = bench.diary[bench.diary.index("one revoked") :]
    assert "two assigned" in after
    assert "two assigned" not in bench.diary[: bench.diary.index("one revoked")]
    assert [(each.committed, each.metadata) for each in two.owned.values()] == [(10, "drained")]
    assert not two.records


async def test_a_member_without_the_partition_cannot_commit_it(bench: LogBench) -> None:
    topic = await filled(bench, 5, partitions=2)
    one = await bench.member("stale", topic, name="one").start()
    two = await bench.member("stale", topic, name="two").start()
    await settled([one, two], 2)
    (foreign,) = two.owned
    with pytest.raises(StaleOwner):
        await one.commit({foreign: Offset(5)})
    await one.consumer.stop()
    with pytest.raises(StaleOwner):
        await one.commit({foreign: Offset(5)})
    await two.consumer.stop()
    three = await bench.member("stale", topic, name="three").start()
    assert [each.committed for each in three.history[0]] == [None, None]


async def test_a_paused_partition_is_silent_and_goes_on_where_it_was(bench: LogBench) -> None:
    topic = await filled(bench, 5, partitions=2)
    quiet, loud = Partition(topic, 0), Partition(topic, 1)
    member = await bench.member("pause", topic).start()
    await member.until_received(10)
    member.consumer.pause([quiet])
    await bench.log.append(quiet, [outgoing("k", "held")])
    await bench.log.append(loud, [outgoing("k", "passed")])
    await member.until_received(11)
    assert member.values()[10:] == ["passed"]
    member.consumer.resume([quiet])
    await member.until_received(12)
    assert member.values()[11:] == ["held"]


async def test_pausing_what_is_not_assigned_does_nothing(bench: LogBench) -> None:
    topic = await filled(bench, 1)
    member = await bench.member("foreign-pause", topic).start()
    member.consumer.pause([Partition(topic, 17)])
    member.consumer.resume([Partition(topic, 17)])
    await member.until_received(1)


async def test_a_pause_does_not_outlive_a_rebalance(bench: LogBench) -> None:
    topic = await filled(bench, 2, partitions=2)
    one = await bench.member("pause-rebalance", topic, name="one").start()
    await one.until_received(4)
    one.consumer.pause(list(one.owned))
    two = await bench.member("pause-rebalance", topic, name="two").start()
    await settled([one, two], 2)
    await bench.log.append(next(iter(one.owned)), [outgoing("k", "after")])
    await eventually(lambda: "after" in one.values(), what=one.values)


async def test_commits_of_several_partitions_are_kept_apart(bench: LogBench) -> None:
    topic = await filled(bench, 5, partitions=3)
    first = await bench.member("apart", topic).start()
    await first.commit({Partition(topic, n): Offset(n + 1, f"m{n}") for n in range(3)})
    await first.commit({Partition(topic, 1): Offset(4, "moved")})
    await first.consumer.stop()
    second = await bench.member("apart", topic).start()
    found = {each.partition.number: (each.committed, each.metadata) for each in second.history[0]}
    assert found == {0: (1, "m0"), 1: (4, "moved"), 2: (3, "m2")}
