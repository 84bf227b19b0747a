"""``mindlinks effects``: calls to the outside that were given up, listed, and tried again."""

import getpass
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Column, Table

from workers.ops.audit import NotAudited
from workers.ops.decision_rows import Person
from workers.ops.effects_redriving import EffectLine, EffectNotFound, EffectsRedriving, Listed, NotRedriven, Redriven
from workers.ops.terminal import Json, console, run_async
from workers.ops.timers import Context

_NOTHING = {
    Listed.FAILED: "no effect was given up; mindlinks effects list --state open shows those that are tried by themselves",
    Listed.OPEN: "no effect is open: all were answered or given up (mindlinks effects list)",
    Listed.UNKNOWN: "of every effect it is known whether it happened",
}


def add(app: typer.Typer, context: Context) -> None:
    effects = typer.Typer(help="Calls to the outside (ledger platform-effects).", no_args_is_help=True)
    app.add_typer(effects, name="effects")

    @effects.command(
        "list",
        help="Effects that were given up and wait for a person, the oldest first. No index knows them, so the whole ledger is read, and so "
        "it is for --state unknown; --state open asks an index. "
        "Examples: mindlinks effects list; mindlinks effects list --service payment --state open --json",
    )
    def list_(
        service: Annotated[str | None, typer.Option(help="A service; all when left out.")] = None,
        state: Annotated[Listed, typer.Option(help="failed: given up. open: still at work. unknown: nobody knows what came of it.")] = (
            Listed.FAILED
        ),
        as_json: Json = False,
    ) -> None:
        found: list[EffectLine] = run_async(_listed(context, _services(context, service), state), "WARNING")
        if as_json:
            sys.stdout.write(json.dumps([asdict(each) for each in found]) + "\n")
        else:
            console.print(_table(found) if found else _NOTHING[state])

    @effects.command(
        help="Let effects that were given up go on: their role calls within seconds, under the same idempotency key. What may have been "
        "called before and must not be called twice is reported as unknown instead. Mend the cause first. "
        "Example: mindlinks effects retry 5d1f6a52-0c1e-4a55-9d8e-0a3c6a0c7c11 --why 'fixed in 1.4.2'"
    )
    def retry(
        ids: Annotated[list[str], typer.Argument(metavar="ID...", help="As listed.")],
        why: Annotated[str, typer.Option("--why", help="For the audit trail.")] = "",
        as_json: Json = False,
    ) -> None:
        if not why.strip():
            raise typer.BadParameter("the audit trail needs a reason: say --why")
        done, refused = run_async(_each(context, ids, Person(getpass.getuser(), why)), "WARNING")
        _tell(done, refused, as_json)


def _services(context: Context, named: str | None) -> Sequence[str]:
    known = [name for name, service in context.composition.services.items() if service.effects]
    if named is not None and named not in known:
        raise typer.BadParameter(f"there is no service {named} with effects; those are {', '.join(known)}")
    return [named] if named else known


@asynccontextmanager
async def _redriving(context: Context) -> AsyncIterator[EffectsRedriving]:
    async with context.composition.open_backbone(context.settings()) as backbone:
        yield EffectsRedriving(backbone.store, backbone.clock)


async def _listed(context: Context, services: Sequence[str], state: Listed) -> list[EffectLine]:
    async with _redriving(context) as redriving:
        with console.status("reading the ledger"):
            return await redriving.listed(services, state)


async def _each(context: Context, ids: Sequence[str], person: Person) -> tuple[list[Redriven], list[str]]:
    """One that is not failed does not stop those behind it."""
    done: list[Redriven] = []
    refused: list[str] = []
    async with _redriving(context) as redriving:
        for each in ids:
            try:
                done.append(await redriving.retry(each, person))
            except (NotRedriven, EffectNotFound, NotAudited) as error:
                refused.append(str(error))
    return done, refused


def _tell(done: Sequence[Redriven], refused: Sequence[str], as_json: bool) -> None:
    """Exit code 1 if anything was refused."""
    if as_json:
        sys.stdout.write(json.dumps([asdict(each) for each in done]) + "\n")
    for each in () if as_json else done:
        text = f"{each.id} ({each.effect} of key {each.key}) is {each.state}: {each.meaning}"
        console.print(text, markup=False, highlight=False, soft_wrap=True)
    for error in refused:
        console.print(f"not retried: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
    if refused:
        raise typer.Exit(1)


def _table(found: Sequence[EffectLine]) -> Table:
    # Names that people copy are never cut short.
    named = (Column("key", overflow="fold"), Column("why", overflow="fold"), Column("id", overflow="fold", no_wrap=True))
    table = Table("since", "effect", "state", "tries", "due", *named, box=None)
    for each in found:
        table.add_row(each.since, each.effect, each.state, str(each.tries), each.due or "-", each.key, each.why or "-", each.id)
    return table
