"""kyc as declared: every kind has its place; repeated at any distance nothing moves; on the engine, faults end as without."""

from random import Random
from typing import Any

import pytest

from contracts.catalogue import event_models
from contracts.envelope import Envelope, sequence
from contracts.ids import event_id, within
from contracts.kyc import (
    KycDestructionRequested,
    KycProvider,
    RecordKycRecordsDestroyed,
    RecordKycSessionCreated,
    RefreshKycDecision,
)
from contracts.message import CommandData, EventData
from contracts.position import Origin, Position
from contracts.timestamps import decision_time, from_milliseconds
from contracts.topics import commands_topic, events_topic
from contracts.types import CommandId
from tests.support.oracle import START
from tests.support.process import Plant, QuickClock, plant
from tests.support.service_story import ADMIN, after
from tests.support.under_faults import assert_ends_as_without_faults, numbered
from tests.support.waiting import eventually
from tests.unit.services.kyc.story import (
    CREATED,
    DESTROYING,
    DOCUMENT,
    EXPIRING,
    FAILED,
    LINK,
    ORPHAN,
    OTHER_DOCUMENT,
    OWNER,
    REFRESHING,
    RESTRICTING,
    SESSION,
    SYSTEM,
    TIMERS,
    VERIFF,
    Story,
    deciding,
    destroyed,
    manually,
    progressing,
    registering,
    reviewing,
    starting,
)
from tests.unit.services.kyc.test_effects import MADE, Outside
from workers.engine.decision import UNCHANGED
from workers.engine.record import Outgoing
from workers.engine.runtime import RoleName
from workers.services.kyc.ports import CreatedSession, KycPort
from workers.services.kyc.service import SERVICE

COMMANDS, EVENTS = commands_topic("kyc"), events_topic("kyc")


# --- repetition ----------------------------------------------------------------------------------------------------

LIFE: list[tuple[CommandData, str]] = [
    (starting(), SYSTEM),
    (CREATED, SYSTEM),
    (registering(), OWNER),
    (progressing(), VERIFF),
    (progressing("7002"), VERIFF),
    (deciding("resubmission", 10, reason_code="202"), VERIFF),
    (registering(OTHER_DOCUMENT), OWNER),
    (progressing("7002", "a2"), VERIFF),
    (deciding("review", 20, attempt_id="a2"), VERIFF),
    (deciding("declined", 30, attempt_id="a2"), VERIFF),
    (reviewing("rejected"), SYSTEM),
    (manually("verified"), ADMIN),
    (deciding("declined", 690), VERIFF),
    (manually("unlock"), ADMIN),
    (reviewing("verified"), ADMIN),
    (RESTRICTING, SYSTEM),
]


def played(story: Story) -> list[CommandId]:
    ids = [CommandId(within(SESSION, f"life {number}")) for number in range(len(LIFE))]
    for number, (data, actor) in enumerate(LIFE):
        story.send(data, actor, at=after(minutes=number), command=ids[number])
    return ids


def test_a_whole_life_published_again_changes_nothing() -> None:
    story = Story()
    ids = played(story)
    before, told = dict(story.oracle.items), len(story.oracle.events)
    for command, (data, actor) in zip(ids, LIFE, strict=True):
        decision = story.send(data, actor, at=after(days=400), command=command)
        assert decision == UNCHANGED or getattr(decision, "reason", "") == "erased", data
    assert (story.oracle.items, len(story.oracle.events)) == (before, told)


def test_every_event_is_told_by_some_life() -> None:
    lives = [Story() for _ in range(4)]
    played(lives[0])
    lives[1].started().having(FAILED)
    lives[2].ready().having(REFRESHING, deciding("approved"))
    lives[2].send(DESTROYING, at=after(days=1827))
    lives[2].having(destroyed(*lives[2].last.keys))
    lives[3].ready().send(EXPIRING, TIMERS, at=after(days=7))
    told = {type(event) for story in lives for event in story.oracle.events}
    assert told == set(event_models("kyc"))


# --- on the engine -------------------------------------------------------------------------------------------------


def steps(chance: Random, now: str) -> list[tuple[CommandData, str]]:
    """Facts of all kinds, with times around ``now``."""
    stamp = decision_time(now)
    outcomes = ["approved", "declined", "resubmission", "review", "expired"]
    facts: list[tuple[CommandData, str]] = [
        (deciding(chance.choice(outcomes), decision_time=f"{stamp[:20]}{number:06d}Z", attempt_id=f"a{number % 3}"), VERIFF)
        for number in range(20)
    ]
    others: list[tuple[CommandData, str]] = [
        (progressing("7002", "a1"), VERIFF),
        (registering(), OWNER),
        (reviewing("verified"), ADMIN),
        (manually("rejected"), ADMIN),
        (manually("unlock"), ADMIN),
        (RefreshKycDecision(kyc_session_id=SESSION), TIMERS),
        (RecordKycSessionCreated(kyc_session_id=SESSION, veriff_session_id=ORPHAN, session_url=LINK), SYSTEM),
        (RecordKycRecordsDestroyed(kyc_session_id=SESSION, keys=(f"kyc/{SESSION}/{DOCUMENT}",)), SYSTEM),
    ]
    return [(starting(), SYSTEM), (CREATED, SYSTEM), *chance.choices([*facts, *others, *others], k=40), (RESTRICTING, SYSTEM)]


@pytest.mark.parametrize("seed", range(10))
async def test_a_session_under_faults_ends_as_without(seed: int) -> None:
    todo = steps(Random(seed), from_milliseconds(QuickClock().now()))
    await assert_ends_as_without_faults(SERVICE, numbered(todo), seed)


async def test_each_provider_makes_its_own_sessions() -> None:
    """Under one name, with one declaration per provider."""
    outsides = {provider: Outside(creating=CreatedSession(f"of {provider}", MADE.url)) for provider in KycProvider}
    ports: dict[str, Any] = {provider.value: KycPort(outside, outside, outside) for provider, outside in outsides.items()}
    async with plant(SERVICE, ports=ports) as made:
        asked = [Story().started(provider=provider).last for provider in KycProvider]
        await tell(made, asked)
        process = made.start(RoleName.EFFECTS)
        await eventually(lambda: len(made.records(COMMANDS)) == 2, 10)
        await process.stop()
        assert [len(outside.requests) for outside in outsides.values()] == [1, 1]
        results = sorted(record.value or b"" for record in made.records(COMMANDS))
        assert [f"of {provider}".encode() in results[number] for number, provider in enumerate(sorted(KycProvider))] == [True, True]


async def test_records_are_destroyed_through_their_own_port() -> None:
    outside = Outside()
    async with plant(SERVICE, ports={"kyc-records": outside}) as made:
        await tell(made, [KycDestructionRequested(kyc_session_id=SESSION, keys=("kyc/a", "kyc-raw/b"))])
        process = made.start(RoleName.EFFECTS)
        await eventually(lambda: len(made.records(COMMANDS)) == 1, 10)
        await process.stop()
        assert outside.deleted == ["kyc/a", "kyc-raw/b"]


async def tell(made: Plant, events: list[EventData]) -> None:
    await made.send(EVENTS, [event_record(data, number) for number, data in enumerate(events)])


def event_record(data: EventData, offset: int) -> Outgoing:
    envelope = Envelope(
        id=event_id(CommandId(SESSION), data.kind(), offset),
        kind=data.kind(),
        source="/mindlinks/kyc/commands",
        subject=SESSION,
        time=START,
        correlation_id=SESSION,
        causation_id=SESSION,
        actor=SYSTEM,
        sequence=sequence(offset + 1, 0),
        position=Position(Origin("commands/0"), offset),
        settled=offset,
    )
    return Outgoing(SESSION.encode(), data.to_json(), envelope.headers())
