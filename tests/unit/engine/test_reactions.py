"""Reactions: an event's commands carry the same ids whenever they are sent; records that nobody can read are put aside whole."""

from uuid import uuid4

import pytest

from contracts.ids import reaction_command_id
from contracts.notification.events import NotificationsRead
from contracts.position import Origin, Position
from contracts.topics import commands_topic, events_topic
from contracts.types import EventId
from tests.support import toy
from tests.support.faults import Rates
from tests.support.process import Plant, plant
from tests.support.raw_sealer import reopened
from tests.support.verdict import header
from tests.support.waiting import eventually
from workers.engine.decision import Item
from workers.engine.ports import StoreMisconfigured
from workers.engine.quarantine import FAILURES, unpack
from workers.engine.record import Outgoing
from workers.engine.runtime import RoleName
from workers.engine.service import Reaction, Service

EVENTS, COMMANDS = events_topic("notification"), commands_topic("notification")
GROUP = "notification-reactions"
KEY = str(uuid4())


def event(ids: int = 2, *, name: str | None = None, offset: int = 0) -> Outgoing:
    return toy.event_record(toy.read_event(KEY, ids), KEY, Position(Origin("commands/0"), offset), event=name)


def sent(made: Plant) -> list[str]:
    return [header(record, "ce_id") for record in made.records(COMMANDS)]


async def test_an_event_becomes_commands_with_derived_ids_and_its_correlation() -> None:
    name = EventId(str(uuid4()))
    async with plant(toy.SERVICE) as made:
        made.start(RoleName.REACTIONS)
        record = event(name=name)
        await made.send(EVENTS, [record])
        await made.until_settled(GROUP, EVENTS)
        ids = NotificationsRead.model_validate_json(record.value).ids
        assert sent(made) == [reaction_command_id(name, "RecordNotificationDelayed", each) for each in ids]
        first = made.records(COMMANDS)[0]
        assert (header(first, "ce_correlationid"), header(first, "ce_causationid")) == ("correlation", name)
        assert (header(first, "ce_actor"), first.key) == ("system:notification", KEY.encode())


async def test_a_redelivered_event_sends_the_same_again() -> None:
    async with plant(toy.SERVICE) as made:
        dying = made.start(RoleName.REACTIONS, Rates(commit_before=1.0))
        await made.send(EVENTS, [event(offset=n) for n in range(5)])
        await eventually(lambda: len(sent(made)) == 10)
        first = sent(made)
        await dying.stand_still()
        made.start(RoleName.REACTIONS)
        await made.until_settled(GROUP, EVENTS)
        assert sent(made) == [*first, *first]


async def test_an_append_without_answer_is_made_again_under_the_same_ids() -> None:
    async with plant(toy.SERVICE) as made:
        process = made.start(RoleName.REACTIONS)
        process.log.once = ["log_after", "log_before", "log_after"]
        await made.send(EVENTS, [event()])
        await made.until_settled(GROUP, EVENTS)
        assert len(sent(made)) == 3 * 2
        assert sent(made) == sent(made)[:2] * 3


async def test_an_event_published_again_sends_nothing() -> None:
    async with plant(toy.SERVICE) as made:
        made.start(RoleName.REACTIONS)
        record = event()
        await made.send(EVENTS, [record, record, record])
        await made.until_settled(GROUP, EVENTS)
        assert len(sent(made)) == 2


async def test_what_no_event_is_to_blame_for_stops_the_role_before_it() -> None:
    def broken(_event: object, _rows: object) -> list[object]:
        raise StoreMisconfigured

    service = Service(name="notification", reactions=(Reaction(NotificationsRead, broken),))  # type: ignore[arg-type]  # made to raise
    async with plant(service) as made:
        process = made.start(RoleName.REACTIONS)
        await made.send(EVENTS, [event()])
        await eventually(lambda: process.role.failure)
        assert made.open(GROUP, EVENTS) == 1
        with pytest.raises(StoreMisconfigured):
            await process.running


# --- quarantine ------------------------------------------------------------------------------------------------------


def failures(made: Plant) -> list[Item]:
    return [item for ref, item in made.store.items.items() if ref.table == FAILURES]


BROKEN = Outgoing(
    KEY.encode(), b"\xff not json", [("ce_id", b"1"), ("ce_type", b"mindlinks.notification.MarkNotificationsRead.v1"), ("x", b"\xfe")]
)


@pytest.mark.parametrize(("role", "topic"), [(RoleName.COMMANDS, COMMANDS), (RoleName.REACTIONS, EVENTS), (RoleName.PROJECTIONS, EVENTS)])
async def test_a_record_nobody_can_read_is_put_aside_whole_and_holds_nothing(role: RoleName, topic: str) -> None:
    group = f"notification-{role.value}"
    async with plant(toy.SERVICE) as made:
        made.start(role)
        good = toy.command_record(toy.tally_of(KEY)) if topic == COMMANDS else event()
        await made.send(topic, [BROKEN, good])
        await made.until_settled(group, topic)
        (row,) = failures(made)
        assert (row["role"], row["service"], row["key"]) == (group, "notification", KEY)
        assert unpack(reopened(row["record"])) == (BROKEN.key, BROKEN.value, BROKEN.headers)
        assert (row["topic"], row["position"].rpartition("/")[2]) == (topic, "0")
        assert row["reason"] == "not_utf8"


async def test_a_record_is_not_settled_before_its_row_is_there_and_has_one_row() -> None:
    async with plant(toy.SERVICE) as made:
        process = made.start(RoleName.COMMANDS)
        await eventually(lambda: process.role.assigned_once.is_set())
        process.store.once = ["write_unavailable", "busy", "unknown_after"]
        await made.send(COMMANDS, [BROKEN])
        await made.until_settled("notification-commands", COMMANDS)
        assert process.store.once == []
        assert len(failures(made)) == 1


async def test_a_command_of_another_service_is_put_aside() -> None:
    async with plant(toy.SERVICE) as made:
        made.start(RoleName.COMMANDS)
        await made.send(COMMANDS, [event()])
        await made.until_settled("notification-commands", COMMANDS)
        assert [row["reason"] for row in failures(made)] == ["not_a_command"]
