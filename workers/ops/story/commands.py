"""The command line of a story."""

import json
import sys
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from contracts.topics import TOPICS
from workers.ops.replay.selection import SelectionError
from workers.ops.replay.wishes import Said, selection_of
from workers.ops.story.branches import Node
from workers.ops.story.gathering import As, Gathered, Gathering, Narrow
from workers.ops.story.showing import said, show
from workers.ops.story.traces import traced
from workers.ops.story.tree import trees
from workers.ops.terminal import Json, console, run_async
from workers.ops.timers import Context

HELP = (
    "What an id set in motion: webhook, command, write, event, reaction, effect, timer and notification, as one tree with times, positions "
    "and outcomes. Topics have no index by correlation id: they are read, a key's own partitions first; --since, --until and --topic "
    "narrow that. Reads only and shows no value of a message. "
    "Examples: mindlinks story 1f0c...; mindlinks story 1f0c... --since 2026-01-31T09:00Z --json"
)
Found = tuple[Gathered, list[Node]]


def add(app: typer.Typer, context: Context) -> None:
    @app.command(help=HELP)
    def story(
        asked: Annotated[str, typer.Argument(metavar="ID", help="A correlation id, a key, or the id of a command, event, effect, timer.")],
        since: Annotated[str, typer.Option(help="Records appended at this time or later, ISO 8601.")] = "",
        until: Annotated[str, typer.Option(help="Records appended before this time.")] = "",
        topic: Annotated[list[str] | None, typer.Option(help="Only this topic; repeatable.")] = None,
        limit: Annotated[int, typer.Option(min=1, help="Stories of a key, the newest ones.")] = 20,
        fields: Annotated[bool, typer.Option("--fields", help="Name the fields of each message, and which are sealed.")] = False,
        as_json: Json = False,
    ) -> None:
        gathered, roots = run_async(_told(context, asked, _narrow(since, until, topic or [], limit)), "WARNING")
        if as_json:
            told = {"asked": asked, "is": gathered.found_as, "records": gathered.records, "partitions": gathered.partitions}
            sys.stdout.write(json.dumps({**told, "leftOut": gathered.left_out, "stories": [each.told() for each in roots]}) + "\n")
        elif roots:
            show(gathered, roots, fields=fields)
        if gathered.found_as is As.NOTHING:
            console.print(_nothing(gathered), markup=False, highlight=False, soft_wrap=True)
            raise typer.Exit(1)


def _narrow(since: str, until: str, topics: list[str], limit: int) -> Narrow:
    try:
        selection = selection_of(Said(topics=topics or tuple(TOPICS), since=since, until=until), {})
    except SelectionError as error:
        raise typer.BadParameter(str(error)) from error
    return Narrow(selection.topics, selection.since, selection.until, limit)


async def _told(context: Context, asked: str, narrow: Narrow) -> Found:
    columns = (TextColumn("records"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    async with context.composition.open_backbone(context.settings()) as backbone:
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("records", total=None)
            gathering = Gathering(
                backbone.reader, backbone.store, narrow, lambda read, of: bar.update(task, completed=read, total=of)
            )  # fmt: skip
            gathered = await gathering.gather(asked)
        messages = list(gathered.messages.values())
        traces = await traced(backbone.store, backbone.reader, context.composition.services, messages)
        return gathered, trees(messages, traces, asked)


def _nothing(gathered: Gathered) -> str:
    return (
        f"{said(gathered)}. No record has this id as key, id or correlation id. It may be mistyped, of another environment, older than the "
        "topics' retention, or outside --since, --until and --topic. mindlinks failures list --key KEY looks in the quarantine, with "
        "--decided among what was decided about."
    )
