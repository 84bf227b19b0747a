"""``mindlinks failures retry|edit|skip|discard|export``: people's decisions, said on the command line."""

import difflib
import getpass
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Annotated, Any

import typer
from rich.progress import track

from workers.adapters.raw_sealing import OperationsSealer
from workers.adapters.sealing import Sealer
from workers.engine.decision import Item
from workers.ops.decision_rows import Decided, Person
from workers.ops.failed_record import NotDecided, edited
from workers.ops.failure_decisions import FailureDecisions
from workers.ops.quarantined import FailureNotFound, Failures, Index
from workers.ops.terminal import Json, console, run_async
from workers.ops.timers import Context

Why = Annotated[str, typer.Option("--why", help="For the audit trail.")]
Yes = Annotated[bool, typer.Option("--yes", help="Ask nothing.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="As listed.")]


@dataclass(frozen=True, slots=True)
class Told:
    """``refused``: why, one a failure."""

    decided: list[Decided]
    refused: list[str]


def add(failures: typer.Typer, context: Context) -> None:
    @failures.command(
        help="Try one failure again, or all open ones of a key or fingerprint in the order of the log. "
        "Examples: mindlinks failures retry 1f0c... --why 'mended'; mindlinks failures retry --fingerprint KeyError/... --why 'mended'"
    )
    def retry(
        failure: Annotated[str | None, typer.Argument(metavar="ID", help="As listed.")] = None,
        key: Annotated[str | None, typer.Option(help="Every open failure of this key.")] = None,
        fingerprint: Annotated[str | None, typer.Option(help="Every open failure of this fingerprint.")] = None,
        why: Why = "",
        yes: Yes = False,
        as_json: Json = False,
    ) -> None:
        named = [(index, value) for index, value in ((Index.KEY, key), (Index.FINGERPRINT, fingerprint)) if value]
        if len(named) + bool(failure) != 1:
            raise typer.BadParameter("say one of ID, --key and --fingerprint")
        person = _person(why)
        ids: list[str] = [failure] if failure else run_async(_open_ones(context, *named[0]), "WARNING")
        if not failure and not yes:
            typer.confirm(f"Try {len(ids)} failures again?", abort=True)
        _tell(_each(context, ids, lambda deciding, each: deciding.retry(each, person)), as_json)

    @failures.command(
        help="Pass one failure over: what waits behind it goes on; it may be asked for again. "
        "Example: mindlinks failures skip 1f0c... --why 'superseded by ...'"
    )
    def skip(failure: Id, why: Why = "", as_json: Json = False) -> None:
        _tell(_each(context, [failure], lambda deciding, each: deciding.skip(each, _person(why))), as_json)

    @failures.command(help="Drop one failure for good. Example: mindlinks failures discard 1f0c... --why 'sent by a test'")
    def discard(failure: Id, why: Why = "", as_json: Json = False) -> None:
        _tell(_each(context, [failure], lambda deciding, each: deciding.discard(each, _person(why))), as_json)

    _add_edit(failures, context)
    _add_export(failures, context)


def _add_edit(failures: typer.Typer, context: Context) -> None:
    @failures.command(
        help="Send a failed command otherwise: shows what changes, validates it, sends it as a new command caused by the old one, and "
        "passes that over. Examples: mindlinks failures edit 1f0c... --set amount=1200 --why 'typing error'; "
        "mindlinks failures edit 1f0c... --data corrected.json --why '...'"
    )
    def edit(
        failure: Id,
        values: Annotated[list[str] | None, typer.Option("--set", metavar="FIELD=JSON", help="A field and its value; repeat it.")] = None,
        data: Annotated[Path | None, typer.Option(help="The whole data as a JSON file.")] = None,
        why: Why = "",
        yes: Yes = False,
        as_json: Json = False,
    ) -> None:
        if bool(values) == bool(data):
            raise typer.BadParameter("say --set or --data")
        person = _person(why)
        model, before = run_async(_message(context, failure), "WARNING")
        after = _read(data) if data else {**before, **dict(map(_assigned, values or ()))}
        command = _validated(model, after)
        console.print("\n".join(_difference(before, json.loads(command.to_json()))), markup=False, highlight=False)
        if not yes:
            typer.confirm("Send this?", abort=True)
        _tell(_each(context, [failure], lambda deciding, each: deciding.edit(each, command, person)), as_json)


def _add_export(failures: typer.Typer, context: Context) -> None:
    @failures.command(help="Failures as JSON, one a line; sealed texts stay sealed. Example: mindlinks failures export --service payment")
    def export(
        service: Annotated[str, typer.Option(help="A service, or ingress.")],
        out: Annotated[Path | None, typer.Option(help="A file; standard output when left out.")] = None,
    ) -> None:
        lines: list[str] = run_async(_exported(context, service), "WARNING")
        text = "".join(f"{line}\n" for line in lines)
        if out:
            out.write_text(text, encoding="utf-8")
            console.print(f"{len(lines)} failures in {out}")
        else:
            sys.stdout.write(text)


@asynccontextmanager
async def _deciding(context: Context) -> AsyncIterator[tuple[Failures, FailureDecisions]]:
    async with context.composition.open_backbone(context.settings()) as backbone:
        failures = Failures(backbone.store, OperationsSealer(Sealer(backbone.keys)))
        world = (backbone.store, backbone.log, backbone.reader, backbone.clock)
        yield failures, FailureDecisions(failures, *world, Random(), context.composition.services)  # noqa: S311  # spreads retries


def _each(context: Context, ids: Sequence[str], decide: Callable[[FailureDecisions, str], Awaitable[Decided]]) -> Told:
    """One that cannot be decided does not stop those behind it."""

    async def all_of_them() -> Told:
        told = Told([], [])
        async with _deciding(context) as (_, deciding):
            for each in track(ids, "failures", console=console, transient=True):
                try:
                    told.decided.append(await decide(deciding, each))
                except (NotDecided, FailureNotFound) as error:
                    told.refused.append(str(error))
        return told

    found: Told = run_async(all_of_them(), "WARNING")
    return found


async def _open_ones(context: Context, index: Index, value: str) -> list[str]:
    """In the order of the log, partition by partition. A decision that was begun counts: it is finished."""
    async with _deciding(context) as (failures, _):
        items = [(await failures.one(line.id)).item for line in await failures.listed(index, value, decided=False)]
    return [item["id"] for item in sorted(items, key=_place)]


def _place(item: Item) -> tuple[str, int]:
    origin, _, offset = item.get("position", "").rpartition("/")
    return origin, int(offset or 0)


async def _message(context: Context, failure: str) -> Any:
    async with _deciding(context) as (_, deciding):
        return await deciding.message(failure)


async def _exported(context: Context, service: str) -> list[str]:
    async with _deciding(context) as (failures, _):
        return [json.dumps((await failures.one(line.id)).told(raw=False)) for line in await failures.listed(Index.SERVICE, service)]


def _person(why: str) -> Person:
    if not why.strip():
        raise typer.BadParameter("the audit trail needs a reason: say --why")
    return Person(getpass.getuser(), why)


def _read(file: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"{file}: {error}") from None
    if not isinstance(found, dict):
        raise typer.BadParameter(f"{file} is no JSON object")
    return found


def _assigned(text: str) -> tuple[str, Any]:
    """``field=JSON``; what is no JSON counts as text."""
    field, equals, value = text.partition("=")
    if not equals:
        raise typer.BadParameter(f"{text}: a field and its value, as in amount=1200")
    try:
        return field, json.loads(value)
    except ValueError:
        return field, value


def _validated(model: Any, data: Mapping[str, Any]) -> Any:
    try:
        return edited(model, data)
    except NotDecided as error:
        raise typer.BadParameter(str(error)) from None


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    failed, sent = (json.dumps(each, indent=2, sort_keys=True).splitlines() for each in (before, after))
    return list(difflib.unified_diff(failed, sent, "failed", "to be sent", lineterm="", n=1))


def _tell(told: Told, as_json: bool) -> None:
    """Exit code 1 if anything was refused."""
    if as_json:
        sys.stdout.write(json.dumps([asdict(each) for each in told.decided]) + "\n")
    for each in () if as_json else told.decided:
        command, note = f" as {each.command}" if each.command else "", f"; {each.note}" if each.note else ""
        console.print(f"{each.failure} {each.state}{command}{note}", markup=False, highlight=False, soft_wrap=True)
    for error in told.refused:
        console.print(f"not decided: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
    if told.refused:
        raise typer.Exit(1)
