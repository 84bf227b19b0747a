"""``mindlinks failures``: what is in quarantine, listed and shown. What people decide about it is in ``failure_verbs``."""

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from random import Random
from typing import Annotated, Any

import typer
from rich.table import Column, Table

from workers.adapters.raw_sealing import OperationsSealer
from workers.adapters.sealing import Sealer
from workers.engine.parking import ParkedRow, ParkingLot
from workers.ops import failure_verbs
from workers.ops.quarantined import FailureLine, Failures, Group, Index
from workers.ops.terminal import Json, console, run_async
from workers.ops.timers import Context


@dataclass(frozen=True, slots=True)
class Parked:
    """One record in the waiting line of the failed one's key, as people see it."""

    position: str
    state: str
    attempts: int
    next_attempt_at: str

    @classmethod
    def of(cls, row: ParkedRow) -> "Parked":
        item = row.to_item()
        return cls(str(row.position), item["state"], row.attempts, item["nextAttemptAt"])


INGRESS = "ingress"
"""Deliveries of providers are put aside under this name."""
Lines = list[FailureLine]
_NOTHING = {
    False: "nothing waits for people here; --decided shows what they have decided about",
    True: "nothing here was decided about; without --decided: what waits for people",
}


def add(app: typer.Typer, context: Context) -> None:
    failures = typer.Typer(help="Records and deliveries in quarantine (table platform-failures).", no_args_is_help=True)
    app.add_typer(failures, name="failures")
    failure_verbs.add(failures, context)

    @failures.command(
        "list",
        help="What waits for people. Without a filter: fingerprints with counts, keys, first and last time. With one: its failures, newest "
        "first. With --decided what people have decided about instead: retried, resent, edited, skipped, discarded. "
        "Examples: mindlinks failures list; mindlinks failures list --service payment --json; mindlinks failures list --decided",
    )
    def list_(
        fingerprint: Annotated[str | None, typer.Option(help="ERROR/KIND/FUNCTION, as the list without a filter shows it.")] = None,
        service: Annotated[str | None, typer.Option(help="A service, or ingress.")] = None,
        key: Annotated[str | None, typer.Option(help="The record's key, or the provider's id of a delivery.")] = None,
        limit: Annotated[int, typer.Option(min=1, help="Failures at most, with a filter.")] = 100,
        decided: Annotated[bool, typer.Option("--decided", help="Those that people have decided about, instead of the open ones.")] = False,
        as_json: Json = False,
    ) -> None:
        filters = {Index.FINGERPRINT: fingerprint, Index.SERVICE: service, Index.KEY: key}
        chosen = [(index, value) for index, value in filters.items() if value]
        if len(chosen) > 1:
            raise typer.BadParameter("say one of --fingerprint, --service and --key")
        found = run_async(_found(context, chosen[0], limit, decided) if chosen else _grouped(context, decided), "WARNING")
        if as_json:
            sys.stdout.write(json.dumps([asdict(each) for each in found]) + "\n")
        else:
            console.print((_lines if chosen else _groups)(found) if found else _NOTHING[decided])

    @failures.command(
        help="One failure whole: where it stood, what it says, its error, what waits behind it, and where its story is. Sealed texts stay "
        "sealed. "
        "Examples: mindlinks failures show 1f0c...; mindlinks failures show 1f0c... --raw --json"
    )
    def show(
        failure: Annotated[str, typer.Argument(metavar="ID", help="As listed.")],
        raw: Annotated[
            bool, typer.Option("--raw", help="The bytes of what nobody could read, too: they may hold personal values in the clear.")
        ] = False,
        as_json: Json = False,
    ) -> None:
        told: dict[str, Any] = run_async(_shown(context, failure, raw), "WARNING")
        if as_json:
            sys.stdout.write(json.dumps(told) + "\n")
        else:
            _tell(told)


@asynccontextmanager
async def _opened(context: Context) -> AsyncIterator[Failures]:
    async with context.composition.open_backbone(context.settings()) as backbone:
        yield Failures(backbone.store, OperationsSealer(Sealer(backbone.keys)))


async def _found(context: Context, chosen: tuple[Index, str], limit: int, decided: bool) -> Lines:
    async with _opened(context) as failures:
        return await failures.listed(*chosen, limit, decided=decided)


async def _grouped(context: Context, decided: bool) -> list[Group]:
    async with _opened(context) as failures:
        return await failures.grouped([*context.composition.services, INGRESS], decided=decided)


async def _shown(context: Context, failure: str, raw: bool) -> dict[str, Any]:
    async with context.composition.open_backbone(context.settings()) as backbone:
        found = await Failures(backbone.store, OperationsSealer(Sealer(backbone.keys))).one(failure)
        told = found.told(raw=raw)
        if found.message is None:
            return told
        lot = ParkingLot(found.item["role"], backbone.store, backbone.clock, Random())  # noqa: S311  # nothing is written
        line = [asdict(Parked.of(row)) for row in await lot.line(found.message.envelope.subject)]
        return {**told, "line": line, "story": f"mindlinks story {found.message.envelope.correlation_id}"}


def _groups(found: list[Group]) -> Table:
    table = Table("count", "state", "keys", "roles", "first", "last", Column("fingerprint", overflow="fold"), box=None)
    for each in found:
        states = ", ".join(state if count == each.count else f"{count} {state}" for state, count in each.states.items())
        table.add_row(str(each.count), states, str(each.keys), ", ".join(each.roles), each.first_at, each.last_at, each.fingerprint)
    return table


def _lines(found: Lines) -> Table:
    # Names that people copy are never cut short.
    named = (Column("key", overflow="fold"), Column("fingerprint", overflow="fold"), Column("id", overflow="fold", no_wrap=True))
    table = Table("last", "state", "attempts", "role", *named, box=None)
    for each in found:
        table.add_row(each.last_at, each.state, str(each.attempts), each.role, each.key or "-", each.fingerprint, each.id)
    return table


def _tell(told: dict[str, Any]) -> None:
    for name, value in told.items():
        text = value if isinstance(value, str) else json.dumps(value, indent=2)
        console.print(f"{name}: {text}", markup=False, highlight=False, soft_wrap=True)
