"""Messages and traces as a tree: who caused whom. Pure.

webhook, client, timer ─> command ─> its write and events ─> reactions' commands, effects and their result commands, timers, messages
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from contracts.ids import effect_result_id
from contracts.notification.events import NotificationPlanned
from contracts.platform import CommandRefused, CommandSettled, TimerScheduled
from contracts.types import EffectId
from workers.engine.runtime import RoleName
from workers.ops.story import branches
from workers.ops.story.branches import Node, What
from workers.ops.story.heard import Heard
from workers.ops.story.traces import Traces

MOST_ATTEMPTS = 10
"""Domain attempts by which an effect's result is recognised."""


@dataclass(slots=True)
class _Growing:
    traces: Traces
    asked: str
    caused: dict[str, list[Heard]] = field(default_factory=dict)
    shown: set[str] = field(default_factory=set)


def trees(messages: Sequence[Heard], traces: Traces, asked: str) -> list[Node]:
    """One per message that nothing else in the story caused, the earliest first. No message is lost, whatever its headers say."""
    growing = _Growing(traces, asked)
    known = {each.id for each in messages}
    ordered = sorted(messages, key=lambda each: (each.at, each.place))
    for each in ordered:
        if each.envelope.causation_id != each.id:
            growing.caused.setdefault(each.envelope.causation_id, []).append(each)
    roots = [each for each in ordered if each.envelope.causation_id not in known or each.envelope.causation_id == each.id]
    # Those of a circle have no beginning: the earliest that is left is taken for one.
    return [_outside(each, _message(each, growing)) for each in (*roots, *ordered) if each.id not in growing.shown]


def _outside(heard: Heard, node: Node) -> Node:
    service, role = heard.sender
    if service != "ingress" or role == "api":
        node.via = "client" if service == "ingress" else node.via
        return node
    return Node(What.WEBHOOK, role, at=node.at, key="", children=[node])


def _message(heard: Heard, growing: _Growing) -> Node:
    growing.shown.add(heard.id)
    children = [each for each in growing.caused.get(heard.id, ()) if each.id not in growing.shown]
    node = branches.message(heard, growing.traces, growing.asked)
    if heard.is_command:
        events = [each for each in children if not each.is_command]
        node.outcome = _outcome(heard, events, growing.traces)
    else:
        node.children += list(_of_event(heard, children, growing))
    node.children += [_message(each, growing) for each in children if each.id not in growing.shown]
    node.children += branches.waiting(heard, growing.traces)
    return node


def _outcome(heard: Heard, events: Sequence[Heard], traces: Traces) -> str:
    """What became of a command, by what it said; or why it said nothing."""
    for each in events:
        if isinstance(each.data, CommandRefused):
            return f"refused: {each.data.reason}"
        if isinstance(each.data, CommandSettled):
            return each.data.outcome.value
    if events:
        return f"applied, {_write(heard, events, traces)}"
    group = f"{heard.service}-{RoleName.COMMANDS}"
    if (group, heard.place) in traces.parked or (group, heard.place) in traces.aside or heard.unreadable:
        return ""
    if group not in traces.readers.get(heard.place.partition.topic, ()):
        return "nobody reads it"
    return "no event: unchanged or recognised" if traces.passed(group, heard.place) else f"waits for {group}"


def _write(heard: Heard, events: Sequence[Heard], traces: Traces) -> str:
    versions = sorted({int(each.envelope.sequence.partition(".")[0]) for each in events if each.envelope.sequence})
    service = traces.services.get(heard.service)
    handler = service.handler_of.get(heard.envelope.kind) if service else None
    return f"write {versions[0]} of {handler.aggregate.table}" if versions and handler else "no write"


def _of_event(heard: Heard, children: Sequence[Heard], growing: _Growing) -> Iterator[Node]:
    traces = growing.traces
    for row in sorted(traces.effects.get(heard.id, ()), key=lambda each: each.name):
        names = {effect_result_id(EffectId(row.effect), each.name, n) for each in row.results for n in range(1, MOST_ATTEMPTS + 1)}
        results = [
            each for each in children if each.id in names or (each.sender == (row.service, "effects") and _only(row.effect, heard, traces))
        ]
        node = branches.effect(row, growing.asked)
        node.children += [_message(each, growing) for each in results if each.id not in growing.shown]
        yield node
    yield from branches.effects_to_come(heard, traces)
    if isinstance(heard.data, TimerScheduled):
        node = branches.timer(heard, heard.data, traces, growing.asked)
        fired = [each for each in children if each.sender[1] == RoleName.TIMERS]
        node.children += [_message(each, growing) for each in fired]
        yield node
    if isinstance(heard.data, NotificationPlanned) and heard.data.notification_id in traces.notifications:
        yield branches.notification(traces.notifications[heard.data.notification_id], heard.data)


def _only(effect: str, heard: Heard, traces: Traces) -> bool:
    return [row.effect for row in traces.effects.get(heard.id, ())] == [effect]
