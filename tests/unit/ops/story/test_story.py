"""``mindlinks story`` over a small system in memory: one tree of what an id set in motion, found by each of its ids."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from contracts.envelope import Envelope
from contracts.ids import effect_id, timer_id
from contracts.position import Position
from contracts.replay import Replay
from contracts.timestamps import from_milliseconds
from contracts.types import EventId
from tests.support import toy
from tests.support.command_context import CommandContext, invoked
from tests.support.ward import COMMANDS, EVENTS, SERVICES, Ward, ward
from workers.engine.memory.reading import MemoryReader
from workers.engine.record import Outgoing
from workers.engine.runtime import RoleName
from workers.ops.composition import Backbone
from workers.ops.story import commands, showing
from workers.ops.story.branches import Node, What
from workers.ops.story.gathering import As, Gathered, Gathering, Narrow
from workers.ops.story.traces import traced
from workers.ops.story.tree import trees
from workers.ops.terminal import console

KEY, OTHER = "00000001-0000-4000-8000-000000000000", "00000002-0000-4000-8000-000000000000"
SECRET = "30000000-0000-4000-8000-00000000000e"
"""Whatever stands as a value in a message."""


@pytest.fixture
async def told() -> AsyncIterator[Ward]:
    async with ward() as made:
        yield made


async def story(told: Ward, asked: str, narrow: Narrow | None = None) -> tuple[Gathered, list[Node]]:
    reader = MemoryReader(told.made.log)
    gathered = await Gathering(reader, told.made.store, narrow or Narrow()).gather(asked)
    messages = list(gathered.messages.values())
    return gathered, trees(messages, await traced(told.made.store, reader, SERVICES, messages), asked)


def every(nodes: list[Node]) -> Iterator[Node]:
    for node in nodes:
        yield node
        yield from every(node.children)


def named(roots: list[Node], what: What, name: str = "") -> Node:
    found = [node for node in every(roots) if node.what is what and name in node.name]
    assert len(found) == 1, [(node.what, node.name, node.outcome) for node in every(roots)]
    return found[0]


def shape(node: Node) -> Any:
    return (str(node.what), node.name.partition(".")[2] or node.name, [shape(child) for child in node.children])


async def test_a_command_its_write_its_event_the_reaction_and_what_that_did(told: Ward) -> None:
    (command,) = await told.works(toy.tally_of(KEY, SECRET))
    gathered, (root,) = await story(told, command)
    assert shape(root) == (
        "command",
        "MarkNotificationsRead",
        [("event", "NotificationsRead", [("command", "RecordNotificationDelayed", [])])],
    )
    assert (root.outcome, root.key, root.id) == ("applied, write 1 of notification-notifications", KEY, command)
    delayed = named([root], What.COMMAND, "RecordNotificationDelayed")
    assert (delayed.via, delayed.outcome) == ("reaction of notification", "no event: unchanged or recognised")
    assert root.place.startswith("notification.commands/")
    assert [each.at for each in every([root])] == sorted(each.at for each in every([root]))
    assert gathered.records > 0


async def test_every_id_finds_the_same_story(told: Ward) -> None:
    (command,) = await told.works(toy.claiming_of(KEY))
    _, (root,) = await story(told, command)
    event, effect = named([root], What.EVENT).id, named([root], What.EFFECT).id
    assert effect == effect_id(EventId(event), "toy.once")
    found = {asked: await story(told, asked) for asked in (KEY, command, event, effect)}
    assert {asked: gathered.found_as for asked, (gathered, _) in found.items()} == {
        KEY: As.KEY,
        command: As.MESSAGE,
        event: As.MESSAGE,
        effect: As.EFFECT,
    }
    assert all(shape(each) == shape(root) for _, (each,) in found.values())
    marked = {asked: [node.id for node in every(roots) if node.asked] for asked, (_, roots) in found.items()}
    assert (marked[command], marked[event], marked[effect]) == ([command], [event], [effect])


async def test_a_key_reads_its_own_partitions_first_and_a_stranger_all_of_them(told: Ward) -> None:
    await told.works(*(toy.tally_of(told.name()) for _ in range(40)))
    gathered, roots = await story(told, told.name())
    assert (gathered.found_as, roots) == (As.NOTHING, [])
    everything = sum(map(len, told.made.log.records.values()))
    assert gathered.records == everything
    (command,) = await told.works(toy.claiming_of(KEY))
    narrowed, (root,) = await story(told, command, Narrow(topics=(COMMANDS,)))
    assert narrowed.records < 2 * everything
    assert [child.what for child in root.children] == [], "events were not looked at"


async def test_only_the_newest_stories_of_a_key_are_told(told: Ward) -> None:
    ids: list[str] = []
    for _ in range(5):
        ids += await told.works(toy.claiming_of(KEY))
        told.made.clock.advance(60)
    gathered, roots = await story(told, KEY, Narrow(limit=2))
    assert ([root.id for root in roots], gathered.left_out) == (ids[3:], 3)
    since = from_milliseconds(told.made.clock.now() - 150_000)
    narrowed, roots = await story(told, KEY, Narrow(since=since))
    assert ([root.id for root in roots], narrowed.left_out) == (ids[3:], 0)


async def test_an_effect_and_its_result(told: Ward) -> None:
    (command,) = await told.works(toy.claiming_of(KEY))
    _, (root,) = await story(told, command)
    effect = named([root], What.EFFECT)
    assert (effect.name, effect.outcome, effect.trouble) == ("toy.once at toy", "confirmed, 1 try", False)


async def test_an_effect_that_nobody_has_come_to_yet(told: Ward) -> None:
    (command,) = await told.works(toy.claiming_of(KEY), roles=[RoleName.COMMANDS])
    _, (root,) = await story(told, command)
    assert "waits for notification-effects" in named([root], What.WAITS).outcome
    assert not [node for node in every([root]) if node.what is What.EFFECT]


async def test_a_command_that_waits_and_one_that_was_refused(told: Ward) -> None:
    (refused,) = await told.works(toy.nothing_of(KEY))
    _, (root,) = await story(told, refused)
    assert root.outcome == "refused: toy_absent"
    waiting = told.name()
    await told.made.send(COMMANDS, [toy.command_record(toy.nothing_of(KEY), command_id=waiting)])
    _, (root,) = await story(told, waiting)
    assert root.outcome == "waits for notification-commands"


async def test_published_twice_is_shown_once(told: Ward) -> None:
    (command,) = await told.works(toy.claiming_of(KEY))
    for topic in (COMMANDS, EVENTS):
        for stored in [records for partition, records in told.made.log.records.items() if partition.topic == topic and records]:
            stored.append(replace(stored[-1], offset=len(stored)))
    _, (root,) = await story(told, command)
    assert (root.notes, named([root], What.EVENT).notes) == (["seen 2 times"], ["seen 2 times"])


async def test_waiting_timers_and_what_they_send(told: Ward) -> None:
    row = told.name()
    (command,) = await told.works(toy.side_row_of(KEY, row, toy.TIMER))
    _, (root,) = await story(told, command)
    timer = named([root], What.TIMER)
    due = from_milliseconds(root.at + 86_400_000)
    assert timer.outcome == f"waits until {due}; sends RecordNotificationDelayed to the same key"
    assert timer.id == timer_id("toy.timer", row)
    told.made.clock.advance(86_500)
    await told.works(toy.tally_of(OTHER), roles=list(RoleName))
    gathered, (root,) = await story(told, command)
    timer = named([root], What.TIMER)
    assert timer.outcome.startswith(f"was due {due}; fired")
    assert [child.name for child in timer.children] == ["notification.RecordNotificationDelayed"]
    assert gathered.found_as is As.MESSAGE


async def test_parked_ones_and_those_behind_them(told: Ward) -> None:
    first, behind = await told.parks(toy.side_row_of(KEY, reason=toy.BUG), toy.claiming_of(KEY))
    _, (root,) = await story(told, first)
    parked = named([root], What.PARKED)
    assert (parked.name, "ValueError/" in parked.outcome, "tries, next" in parked.outcome) == ("in notification-commands", True, True)
    _, (root,) = await story(told, behind)
    assert named([root], What.PARKED).outcome == "waits behind an earlier one of its key"
    assert root.outcome == ""


async def test_a_late_event_says_so(told: Ward) -> None:
    (command,) = await told.works(toy.claiming_of(KEY))
    for partition, stored in told.made.log.records.items():
        if partition.topic == EVENTS:
            stored[:] = [replace(each, headers=(*each.headers, ("ce_late", b"1"))) for each in stored]
    _, (root,) = await story(told, command)
    assert named([root], What.EVENT).notes == ["late: its command had been parked"]


async def test_what_nobody_can_read_shows_why_and_not_what(told: Ward) -> None:
    name = told.name()
    bad = Outgoing(
        b"somebody@example.org", b'{"email": "somebody@example.org"}', toy.command_record(toy.tally_of(KEY), command_id=name).headers
    )
    await told.works(toy.nothing_of(KEY))
    await told.made.send(COMMANDS, [bad])
    role = told.made.start(RoleName.COMMANDS)
    await told.made.until_settled("notification-commands", COMMANDS)
    await role.stop()
    _, (root,) = await story(told, name)
    assert root.name == "notification.unreadable record"
    assert root.notes == ["nobody can read it: key_mismatch"]
    aside = named([root], What.QUARANTINED)
    assert (aside.name, "key_mismatch/" in aside.outcome) == ("by notification-commands", True)
    assert "somebody" not in json.dumps(root.told())


async def test_a_copy_of_a_replay_is_the_record_it_repeats(told: Ward) -> None:
    (command,) = await told.works(toy.claiming_of(KEY))
    partition, (record,) = next((p, r) for p, r in told.made.log.records.items() if p.topic == COMMANDS and r)
    envelope = Envelope.from_headers({name: (value or b"").decode() for name, value in record.headers})
    origin = told.made.log.assigned(told.made.log.group("notification-commands"), partition).origin
    replay = Replay("replay-7", of=Position(origin, 0), at=from_milliseconds(record.timestamp))
    await told.made.send(COMMANDS, [Outgoing(record.key or b"", record.value or b"", envelope._replace(replay=replay).headers())])
    _, (root,) = await story(told, command)
    assert root.notes == ["handed over once more by replay replay-7"]
    assert root.place.endswith("/0")


async def test_a_webhook_stands_above_its_command(told: Ward) -> None:
    name, data = told.name(), toy.nothing_of(KEY)
    envelope = Envelope(
        name, data.kind(), "/mindlinks/ingress/ses", KEY, from_milliseconds(told.made.clock.now()), name, name, "system:ses"
    )
    await told.made.send(COMMANDS, [Outgoing(KEY.encode(), data.to_json(), envelope.headers())])
    await told.works()
    _, (root,) = await story(told, name)
    assert shape(root)[:2] == ("webhook", "ses")
    assert [child.id for child in root.children] == [name]


async def test_causes_in_a_circle_lose_nobody(told: Ward) -> None:
    """Whatever a foreign publisher writes into its headers."""
    one, two = told.name(), told.name()
    for name, cause in ((one, two), (two, one)):
        data = toy.nothing_of(KEY)
        envelope = Envelope(name, data.kind(), "/elsewhere", KEY, from_milliseconds(1), "round", cause, "public")
        await told.made.send(COMMANDS, [Outgoing(KEY.encode(), data.to_json(), envelope.headers())])
    gathered, roots = await story(told, "round")
    assert gathered.found_as is As.CORRELATION
    assert sorted(node.id for node in every(roots)) == sorted((one, two))


# --- the command ---------------------------------------------------------------------------------------------------


class _Context(CommandContext):
    """The same, on the log of a ward."""

    def __init__(self, told: Ward) -> None:
        super().__init__(told.made.store)
        inner = self.composition.open_backbone

        @asynccontextmanager
        async def opened(settings: Any) -> AsyncIterator[Backbone]:
            async with inner(settings) as backbone:
                yield replace(backbone, log=told.made.log, reader=MemoryReader(told.made.log))

        self.composition.open_backbone = opened  # type: ignore[method-assign]  # this one object's
        self.composition.services = SERVICES


async def _worked() -> tuple[Ward, str]:
    async with ward() as made:
        (command,) = await made.works(toy.tally_of(KEY, SECRET))
        return made, command


def run(told: Ward, *arguments: str) -> Any:
    return invoked(commands.add, _Context(told), "story", *arguments)


def test_as_json_and_no_value_is_shown() -> None:
    told, command = asyncio.run(_worked())
    answer = run(told, command, "--json")
    document = json.loads(answer.stdout)
    assert (answer.exit_code, document["is"], len(document["stories"])) == (0, "message", 1)
    (root,) = document["stories"]
    assert root["fields"] == ["recipientId", "ids"]
    assert SECRET not in answer.stdout
    assert root["children"][0]["what"] == "event"


@pytest.mark.parametrize("wanted", [[], ["--fields"]])
def test_a_person_sees_a_tree_of_at_most_140_columns(wanted: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    told, command = asyncio.run(_worked())
    paper = Console(file=io.StringIO(), width=showing.WIDTH)
    monkeypatch.setattr(showing, "Console", lambda **_: paper)
    answer = run(told, command, *wanted)
    assert isinstance(paper.file, io.StringIO)
    lines = paper.file.getvalue().splitlines()
    assert answer.exit_code == 0, answer.output
    assert lines[0].startswith("command notification.MarkNotificationsRead")
    assert any("└── event notification.NotificationsRead" in line for line in lines)
    assert max(map(len, lines)) <= showing.WIDTH
    assert ("{recipientId, ids}" in paper.file.getvalue()) == bool(wanted)
    assert SECRET not in paper.file.getvalue()


def test_an_id_that_nobody_knows_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    told, _ = asyncio.run(_worked())
    said: list[Any] = []
    monkeypatch.setattr(console, "print", lambda *what, **_: said.extend(what))
    assert run(told, "nobody").exit_code == 1
    assert "mistyped" in said[-1]
    assert "read " in said[-1]


def test_a_topic_or_time_that_is_none_is_wrong_use() -> None:
    told, command = asyncio.run(_worked())
    assert run(told, command, "--topic", "nothing").exit_code == 2
    assert run(told, command, "--since", "yesterday").exit_code == 2
