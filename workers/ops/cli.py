"""``mindlinks``: one command line for everything ops and developers do.

Exit codes: 0 done, 1 a fault or a difference found, 2 wrong use.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from contracts.topics import TOPICS
from schemas.registry import TABLES
from workers.adapters.log_masking import MASKING
from workers.ops import books, declared, effects_commands, erasure, failures, keys, preview, resume, stripe_events, timers
from workers.ops.composition import Composition
from workers.ops.demo import commands as demo_commands
from workers.ops.dev import commands as dev_commands
from workers.ops.dev import stack_commands
from workers.ops.doctor import commands as doctor_commands
from workers.ops.heap import settle_heap
from workers.ops.rebuild import commands as rebuild_commands
from workers.ops.replay import commands as replay_commands
from workers.ops.running import UnknownRole, run_ingress, run_workers
from workers.ops.story import commands as story_commands
from workers.ops.terminal import Json, console, run_async
from workers.settings import Settings


class _Context:
    """What every command gets: the composition, and settings read once."""

    def __init__(self, composition: Composition) -> None:
        self.composition = composition

    def settings(self) -> Settings:
        try:
            settings = Settings()
            MASKING.hide(settings.secrets)
            return settings
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            name = "_".join(str(part) for part in first["loc"]).upper()
            which = f"{name if name.startswith('AWS_') else f'MINDLINKS_{name}'} is wrong: " if name else ""
            console.print(f"[red]{which}{first['msg'].removeprefix('Value error, ')}. See .env.example for every setting.", soft_wrap=True)
            raise typer.Exit(2) from error


def build_cli(composition: Composition) -> typer.Typer:
    context = _Context(composition)
    app = typer.Typer(name="mindlinks", no_args_is_help=True, add_completion=False, help="Mind-Links: workers, ingress and operations.")
    _add_processes(app, context)
    app.add_typer(_tables(context), name="tables")
    app.add_typer(_topics(context), name="topics")
    app.add_typer(stack_commands.commands(), name="stack")
    dev_commands.add(app, composition, context.settings)
    demo_commands.add(app, composition)
    timers.add(app, context)
    failures.add(app, context)
    effects_commands.add(app, context)
    resume.add(app, context)
    keys.add(app, context)
    books.add(app, context, doctor_commands.whole(context), doctor_commands.HELP)
    preview.add(app)
    replay_commands.add(app, context)
    rebuild_commands.add(app, context)
    story_commands.add(app, context)
    erasure.add(app, context)
    stripe_events.add(app, context)
    return app


def _add_processes(app: typer.Typer, context: _Context) -> None:
    services = ", ".join(context.composition.services)

    @app.command(help=f"Run roles until SIGTERM. Services: {services}. Example: mindlinks run contract payment:effects")
    def run(
        roles: Annotated[list[str] | None, typer.Argument(help="SERVICE or SERVICE:ROLE")] = None,
        everything: Annotated[bool, typer.Option("--all", help="Every role of every service.")] = False,
        host: str = "127.0.0.1",
        health_port: Annotated[int | None, typer.Option(help="0 lets the system choose.")] = None,
    ) -> None:
        if bool(roles) == everything:
            raise typer.BadParameter("name roles, or say --all")
        settle_heap()
        try:
            run_async(
                run_workers(context.composition, context.settings(), roles or [], _ready("workers"), host=host, health_port=health_port)
            )
        except UnknownRole as error:
            raise typer.BadParameter(str(error)) from error

    @app.command(help="Serve HTTP: commands, receipts, webhooks. Example: mindlinks ingress --port 8080")
    def ingress(host: str = "127.0.0.1", port: Annotated[int | None, typer.Option(help="0 lets the system choose.")] = None) -> None:
        settings = context.settings()
        run_async(run_ingress(context.composition, settings, host, settings.http_port if port is None else port, _ready("ingress")))


def _ready(what: str) -> Callable[[int], None]:
    """One line of JSON on standard output as soon as the process answers, for whoever started it."""

    def say(port: int) -> None:
        sys.stdout.write(json.dumps({"ready": what, "port": port}) + "\n")
        sys.stdout.flush()

    return say


def _bar() -> Progress:
    return Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=console)


def _differences(found: list[Any], as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps([asdict(each) for each in found], default=str) + "\n")
    for each in [] if as_json else found:
        console.print(each, highlight=False)
    if found:
        raise typer.Exit(1)
    if not as_json:
        console.print("nothing differs")


def _tables(context: _Context) -> typer.Typer:
    tables = typer.Typer(help="DynamoDB tables as declared in schemas/.", no_args_is_help=True)

    @tables.command(help="Create what is missing; nothing is ever dropped. Example: mindlinks tables apply")
    def apply() -> None:
        with _bar() as bar:
            task = bar.add_task("tables", total=len(TABLES))
            run_async(declared.apply_tables(context.settings(), lambda progress: bar.update(task, completed=progress.finished)))

    @tables.command(help="Name what differs from the declaration; exit code 1 if anything does. Example: mindlinks tables diff --json")
    def diff(as_json: Json = False) -> None:
        _differences(run_async(declared.diff_tables(context.settings())), as_json)

    return tables


def _topics(context: _Context) -> typer.Typer:
    topics = typer.Typer(help="Kafka topics as declared in contracts/topics.py.", no_args_is_help=True)

    @topics.command(help="Create what is missing; partition counts never change. Example: mindlinks topics apply --replication 3")
    def apply(replication: Annotated[int, typer.Option(help="Copies of each partition; 3 in the cloud.")] = 1) -> None:
        with _bar() as bar:
            task = bar.add_task("topics", total=len(TOPICS))
            run_async(declared.apply_topics(context.settings(), replication, lambda _: bar.advance(task)))

    @topics.command(help="Name what differs from the declaration; exit code 1 if anything does. Example: mindlinks topics diff --json")
    def diff(as_json: Json = False) -> None:
        _differences(run_async(declared.diff_topics(context.settings())), as_json)

    return topics
