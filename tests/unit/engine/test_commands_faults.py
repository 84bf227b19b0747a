"""The commands role over a log and a store that fail by chance, processes that stop, stand still and wake: every run ends in the rows
and events that the same commands have without any fault."""

from random import Random

import pytest

from contracts.topics import commands_topic, events_topic
from tests.support import toy, verdict
from tests.support.faults import MANY, Rates
from tests.support.process import Plant, plant
from tests.support.stories import story, with_repeats
from tests.support.waiting import eventually
from workers.engine.planning import Conveyor

GROUP, COMMANDS, EVENTS = "notification-commands", commands_topic("notification"), events_topic("notification")
STORE_FAULTS = Rates(unavailable=0.1, conflict=0.1, busy=0.1, unknown_before=0.1, unknown_after=0.1)
LOG_FAULTS = Rates(log_before=0.2, log_after=0.2, commit_before=0.3, commit_after=0.3)


def checked(made: Plant) -> verdict.Expected:
    return verdict.check(toy.SERVICE, made.records(COMMANDS), made.records(EVENTS), made.store.items)


@pytest.mark.parametrize("rates", [STORE_FAULTS, LOG_FAULTS, MANY], ids=["store", "log", "both"])
@pytest.mark.parametrize("seed", range(5))
async def test_faults_of_the_servers_change_nothing(seed: int, rates: Rates) -> None:
    chance = Random(seed)
    async with plant(toy.SERVICE, seed) as made:
        records = [toy.command_record(data) for data in story(chance, chance.randint(1, 12), 150)]
        process = made.start(rates=rates, conveyor=Conveyor(folded=chance.choice([1, 3, 25])))
        for start in range(0, 150, 30):
            await made.send(COMMANDS, with_repeats(records[start : start + 30]))
            made.clock.advance(chance.random())
        await made.until_settled(GROUP, COMMANDS)
        await process.stop()
        wanted = checked(made)
        assert len(wanted.ids) > 75


@pytest.mark.parametrize("seed", range(15))
async def test_processes_that_stop_stand_still_and_wake_change_nothing(seed: int) -> None:
    chance = Random(seed)
    async with plant(toy.SERVICE, seed) as made:
        records = with_repeats([toy.command_record(data) for data in story(chance, chance.randint(1, 10), 200)])
        process = made.start(rates=MANY)
        for start in range(0, len(records), 25):
            await made.send(COMMANDS, records[start : start + 25])
            made.clock.advance(chance.random())
            reached = process.log.appends + chance.randrange(6)
            await eventually(lambda: process.log.appends >= reached or not made.open(GROUP, COMMANDS))  # noqa: B023  # awaited at once
            match chance.randrange(4):
                case 0:
                    await process.stop()
                case 1:
                    await process.stand_still()
                case 2:
                    made.start(rates=MANY)
                    continue
                case 3:
                    stale = chance.choice(made.processes)
                    stale.pulse.go()
                    continue
            process = made.start(rates=MANY)
        await made.until_settled(GROUP, COMMANDS)
        await made.quiet()
        checked(made)


async def test_a_claim_that_two_roots_want_goes_to_one_and_the_other_is_refused() -> None:
    for seed in range(6):
        async with plant(toy.SERVICE, seed) as made:
            keys = [toy_key(seed, i) for i in range(8)]
            await made.send(COMMANDS, [toy.command_record(toy.claiming_of(key, "wanted")) for key in keys])
            process = made.start(rates=MANY)
            await made.until_settled(GROUP, COMMANDS)
            await process.stop()
            owner = made.store.items[toy.claim_ref("wanted")]["ownerId"]
            assert {ref.key for ref, item in made.store.items.items() if item.get("claims")} == {toy.root_ref(owner).key}
            kinds = {verdict.header(record, "ce_id"): verdict.header(record, "ce_type") for record in made.records(EVENTS)}
            assert sorted(kind.split(".")[2] for kind in kinds.values()) == ["CommandRefused"] * 7 + ["NotificationSent"]
            reasons = {record.value for record in made.records(EVENTS) if b'"reason":"toy_taken"' in (record.value or b"")}
            assert len(reasons) == 7


async def test_a_claim_taken_and_released_and_taken_again_in_one_go() -> None:
    async with plant(toy.SERVICE) as made:
        key, other = toy_key(0, 0), toy_key(0, 1)
        commands = [toy.claiming_of(key, "a"), toy.releasing_of(key), toy.claiming_of(key, "a"), toy.releasing_of(key)]
        await made.send(COMMANDS, [toy.command_record(each) for each in (*commands, toy.claiming_of(other, "b"), *commands)])
        process = made.start()
        await made.until_settled(GROUP, COMMANDS)
        await process.stop()
        checked(made)
        assert toy.claim_ref("a") not in made.store.items


async def test_a_refusal_without_trace_rides_in_the_next_write_until_it_is_published() -> None:
    async with plant(toy.SERVICE) as made:
        key = toy_key(0, 0)
        dying = made.start()
        await eventually(lambda: dying.role.assigned_once.is_set())
        dying.log.once = ["log_before"] * 100_000
        await made.send(COMMANDS, [toy.command_record(toy.nothing_of(key))])
        await eventually(lambda: dying.log.appends > 2)
        assert toy.root_ref(key) not in made.store.items
        await made.send(COMMANDS, [toy.command_record(toy.tally_of(key, "01111111-1111-4111-8111-111111111110"))])
        await eventually(lambda: toy.root_ref(key) in made.store.items)
        await dying.stand_still()
        assert made.records(EVENTS) == []
        made.start()
        await made.until_settled(GROUP, COMMANDS)
        checked(made)
        assert len(made.records(EVENTS)) == 2


def toy_key(seed: int, number: int) -> str:
    return f"00000000-0000-4000-8000-{seed:04d}{number:08d}"
