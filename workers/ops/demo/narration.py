"""Tells the story while it happens: one line per command with its events, its cause and how long it took."""

from collections import defaultdict

from rich.console import Console
from rich.table import Table
from rich.text import Text

from contracts.client import InvitationSent
from contracts.ids import address_recipient_id
from contracts.message import CommandData
from contracts.notification.events import NotificationPlanned, NotificationSent, NotificationStored
from contracts.platform import CommandRefused, CommandSettled, TimerCancelled, TimerScheduled
from contracts.types import Channel
from workers.ops.demo.cast import Cast
from workers.ops.demo.observer import Observer, Seen
from workers.ops.dev.seeding import SOURCE as SEEDED

COMMAND_WIDTH, EVENTS_WIDTH, CAUSE_WIDTH, LATENCY_WIDTH = 38, 52, 36, 8


class Narrator:
    """Called after each batch the observer has read; prints what is complete and not yet told."""

    def __init__(self, console: Console, cast: Cast) -> None:
        self._console, self._cast = console, cast
        self._told: set[str] = set()
        self.latencies: list[int] = []

    def scene(self, number: int, title: str) -> None:
        self._console.print(Text(f"\n{number}. {title}", style="bold"))

    def tell(self, log: Observer) -> None:
        by_command: dict[str, list[Seen]] = defaultdict(list)
        for seen in log.events.values():
            by_command[seen.envelope.causation_id].append(seen)
        for command_id, events in by_command.items():
            command = log.commands.get(command_id)
            if command is None or command_id in self._told:
                continue
            self._told.add(command_id)
            if command.envelope.source != SEEDED:
                self._tell(log, command, sorted(events, key=lambda each: each.envelope.sequence or ""))

    def _tell(self, log: Observer, command: Seen, events: list[Seen]) -> None:
        latency = max(0, min(each.at for each in events) - command.at)
        self.latencies.append(latency)
        if command.service == "notification":
            self._tell_message(log, events, latency)
            return
        line = _row(style="")
        line.add_row(_command(command), _events(events), Text(_cause(log, command), style="dim"), Text(f"{latency} ms", style="cyan"))
        self._console.print(line)

    def _tell_message(self, log: Observer, events: list[Seen], latency: int) -> None:
        """Only how a message ended: what led there is the same for each."""
        for event in events:
            if isinstance(event.data, NotificationSent | NotificationStored):
                channel, recipient = _delivered(event.data)
                line = _row(style="dim")
                to = f"{event.data.template} to the {self._who(log, recipient)}, {channel}"
                line.add_row("  message", Text(to), _planned_by(log, event.data.notification_id), f"{latency} ms")
                self._console.print(line)

    def _who(self, log: Observer, recipient: str) -> str:
        invited = {address_recipient_id(invitation.email_hash) for invitation in log.all(InvitationSent)}
        return "invited address" if recipient in invited else self._cast.who(recipient)


def _row(style: str) -> Table:
    row = Table.grid(padding=(0, 1))
    for width in (COMMAND_WIDTH, EVENTS_WIDTH, CAUSE_WIDTH):
        row.add_column(width=width, style=style)
    row.add_column(width=LATENCY_WIDTH, justify="right", style=style)
    return row


def _command(seen: Seen) -> Text:
    assert isinstance(seen.data, CommandData)
    return Text.assemble("  ", (f"{seen.service}.", "dim"), (seen.name, "bold"))


def _events(events: list[Seen]) -> Text:
    said = Text()
    for event in events:
        if isinstance(event.data, CommandSettled):
            said.append(f"{event.data.outcome} ", style="dim")
        elif isinstance(event.data, CommandRefused):
            said.append(f"refused: {event.data.reason} ", style="bold red")
        elif isinstance(event.data, TimerScheduled | TimerCancelled):
            mark = "set" if isinstance(event.data, TimerScheduled) else "off"
            said.append(f"timer {event.data.timer} {mark} ", style="dim")
        else:
            said.append(f"{event.name} ", style="green")
    return said


def _cause(log: Observer, command: Seen) -> str:
    """Who asked: an upstream system, a webhook, or an event that somebody reacted to."""
    source, cause = command.envelope.source, log.events.get(command.envelope.causation_id)
    if source.startswith("/mindlinks/ingress/api"):
        return f"HTTP, {command.envelope.actor.partition(':')[0]}"
    if source.startswith("/mindlinks/ingress/"):
        return f"webhook of {source.rpartition('/')[2]}"
    verb = "called for" if source.endswith("/effects") else "after"
    return f"{verb} {cause.name}" if cause else verb


def _delivered(data: NotificationSent | NotificationStored) -> tuple[str, str]:
    if isinstance(data, NotificationSent):
        return ("e-mail" if data.channel is Channel.EMAIL else data.channel), data.recipient_id
    return "in the app", data.user_id


def _planned_by(log: Observer, notification: str) -> str:
    """The event that the message is about."""
    for seen in log.events.values():
        if isinstance(seen.data, NotificationPlanned) and seen.data.notification_id == notification:
            plan = log.commands.get(seen.envelope.causation_id)
            source = log.events.get(plan.envelope.causation_id) if plan else None
            return f"after {source.name}" if source else ""
    return ""
