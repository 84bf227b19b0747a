"""``mindlinks keys``: people's data keys. Destroys them, shows what became of them, brings them under another wrapping key."""

import getpass
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from contracts.types import UUID_PATTERN, Purpose
from workers.adapters.key_ring import KeyRing
from workers.adapters.key_wrapping import KeyOwner
from workers.adapters.subject_keys import SHARDS, KeyRow, KeyState
from workers.ops.audit import Audit
from workers.ops.composition import Backbone
from workers.ops.key_rights import rights_document
from workers.ops.rewrapping import Rewrapped, Rewrapping
from workers.ops.terminal import Json, console, run_async
from workers.ops.timers import Context

SUBJECT = re.compile(rf"{UUID_PATTERN[:-1]}$|^lead:[0-9a-f]{{64}}$")
"""A user, or an address without account. What is sealed for a reader is everybody's, so its keys are not destroyed here."""


class PersonsPurpose(StrEnum):
    SUBJECT = "subject"
    LEGAL = "legal"


@dataclass(frozen=True, slots=True)
class Status:
    """Counts of key rows, by the index, which may lag. ``under``: rows that hold a key, by wrapping key."""

    present: str
    under: Mapping[str, int] = field(default_factory=dict)
    destroyed: int = 0

    @property
    def elsewhere(self) -> int:
        return sum(count for key, count in self.under.items() if key != self.present)


def add(app: typer.Typer, context: Context) -> None:
    keys = typer.Typer(help="Data keys of people: what is sealed under one is unreadable once it is destroyed.", no_args_is_help=True)
    _add_destroy(keys, context)
    _add_reading(keys, context)
    _add_rewrap(keys, context)
    app.add_typer(keys, name="keys")


def _add_destroy(keys: typer.Typer, context: Context) -> None:
    @keys.command(
        help="Destroy one person's key, for good: every value sealed under it is unreadable in all topics, tables and copies. "
        'Example: mindlinks keys destroy 3b0c6b1e-7f7e-4b57-9a53-0f0a4c1f3a10 --why "asked by mail, case 812"'
    )
    def destroy(
        subject: Annotated[str, typer.Argument(help="userId, or lead:<emailHash> of an address without account.")],
        why: Annotated[str, typer.Option(help="For the audit trail and the tombstone.")],
        purpose: Annotated[PersonsPurpose, typer.Option(help="legal: what contracts and books keep beyond an erasure.")] = (
            PersonsPurpose.SUBJECT
        ),
        yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    ) -> None:
        owner = _owner(subject, Purpose(purpose.value))
        if not yes:
            typer.confirm(f"Destroy the {purpose} key of {subject}? Nobody can undo this.", abort=True, err=True)
        settings = context.settings()
        gone: list[int] = run_async(_with(context, lambda backbone: _destroyed(backbone, owner, why)))
        said = f"generation {', '.join(map(str, gone))}" if gone else "there was none; a tombstone keeps one from being made"
        console.print(
            f"{owner}: destroyed ({said}); nothing opens under it any more in {settings.key_lifetime:g} s", highlight=False, soft_wrap=True
        )


def _add_reading(keys: typer.Typer, context: Context) -> None:
    @keys.command(help="Show the generations of one person's keys, never a key. Example: mindlinks keys show lead:5f0c... --json")
    def show(subject: Annotated[str, typer.Argument(help="userId, or lead:<emailHash>.")], as_json: Json = False) -> None:
        owners = [_owner(subject, Purpose(purpose.value)) for purpose in PersonsPurpose]
        rows: list[KeyRow] = run_async(_with(context, lambda backbone: _rows(backbone, owners)), "WARNING")
        if as_json:
            _say([_told(row) for row in rows])
        else:
            _show(subject, rows)

    @keys.command(
        help="Count keys by wrapping key, and tombstones. Exit code 1 while some await rewrapping. Example: mindlinks keys status"
    )
    def status(as_json: Json = False) -> None:
        with _bar("keys", SHARDS) as advance:
            found: Status = run_async(_with(context, lambda backbone: status_of(backbone.keys, advance)), "WARNING")
        if as_json:
            told = {"present": found.present, "under": found.under, "destroyed": found.destroyed, "elsewhere": found.elsewhere}
            _say(told)
        else:
            _show_status(found)
        raise typer.Exit(1 if found.elsewhere else 0)

    @keys.command(help="Print who may open and seal what, as rights of KMS and DynamoDB. Example: mindlinks keys rights")
    def rights() -> None:
        sys.stdout.write(rights_document(context.composition.services.values()))


def _add_rewrap(keys: typer.Typer, context: Context) -> None:
    @keys.command(
        help="Bring every key under the present wrapping key; stopped, it goes on where it was. "
        "Values stay as they are, processes go on. Example: mindlinks keys rewrap --json"
    )
    def rewrap(
        again: Annotated[bool, typer.Option("--again", help="Also keys under the present one, as after its yearly rotation.")] = False,
        as_json: Json = False,
    ) -> None:
        with _bar("shards of keys", SHARDS) as advance:
            done: Rewrapped = run_async(_with(context, lambda backbone: _rewrapped(backbone, again, advance)), "WARNING")
        if as_json:
            _say({"under": done.under, "rewrapped": done.rewrapped, "already": done.already, "destroyed": done.destroyed})
        else:
            console.print(
                f"{done.rewrapped} rewrapped, {done.already} were under {done.under} already, {done.destroyed} are destroyed",
                highlight=False,
                soft_wrap=True,
            )


# --- what the commands do ------------------------------------------------------------------------------------------


async def _with(context: Context, work: Callable[[Backbone], Any]) -> Any:
    async with context.composition.open_backbone(context.settings()) as backbone:
        return await work(backbone)


def _owner(subject: str, purpose: Purpose) -> KeyOwner:
    if not SUBJECT.fullmatch(subject):
        raise typer.BadParameter("a subject is a userId in lower case, or lead:<emailHash> with 64 hex digits")
    return KeyOwner(subject, purpose)


async def _destroyed(backbone: Backbone, owner: KeyOwner, why: str) -> list[int]:
    """In the trail before it happens: a destruction nobody wrote down can't be found again."""
    await Audit(backbone.store, backbone.clock).note(
        "keys-destroy", getpass.getuser(), why, {"subject": owner.subject, "purpose": owner.purpose.value}
    )
    return await backbone.keys.destroy(owner.subject, owner.purpose, why)


async def _rows(backbone: Backbone, owners: list[KeyOwner]) -> list[KeyRow]:
    return [row for owner in owners for row in await backbone.keys.keys.generations(owner)]


async def _rewrapped(backbone: Backbone, again: bool, advance: Callable[[int], None]) -> Rewrapped:
    rewrapping = Rewrapping(backbone.keys, backbone.store)
    started = await rewrapping.begun(again=again)
    await Audit(backbone.store, backbone.clock).note("keys-rewrap", getpass.getuser(), "", {"under": started.under, "shard": started.shard})
    return await rewrapping.run(started, advance)


async def status_of(ring: KeyRing, advance: Callable[[int], None]) -> Status:
    """Raises KeysUnavailable, also while the wrapping service is away."""
    present, under, destroyed = await ring.wrappings[0].present(), Counter[str](), 0
    for number in range(SHARDS):
        async for row in ring.keys.listed(number):
            if row.state is KeyState.DESTROYED:
                destroyed += 1
            else:
                under[row.wrapped_under or ""] += 1
        advance(number + 1)
    return Status(present, dict(under), destroyed)


# --- what a person sees --------------------------------------------------------------------------------------------


def _bar(what: str, total: int) -> "_Bar":
    return _Bar(what, total)


class _Bar:
    """A progress bar, as a context manager that gives the function which moves it."""

    def __init__(self, what: str, total: int) -> None:
        self._progress = Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=console)
        self._task = self._progress.add_task(what, total=total)

    def __enter__(self) -> Callable[[int], None]:
        self._progress.start()
        return lambda done: self._progress.update(self._task, completed=done)

    def __exit__(self, *_: object) -> None:
        self._progress.stop()


def _say(told: object) -> None:
    sys.stdout.write(json.dumps(told) + "\n")


def _told(row: KeyRow) -> dict[str, object]:
    return {
        "purpose": row.owner.purpose.value,
        "generation": row.generation,
        "state": row.state.value,
        "createdAt": row.created_at,
        "destroyedAt": row.destroyed_at,
        "why": row.why,
        "wrappedUnder": row.wrapped.wrapped_under if row.wrapped else None,
    }


def _show(subject: str, rows: list[KeyRow]) -> None:
    if not rows:
        console.print(f"{subject} never had a key: nothing was ever sealed for it", highlight=False)
        return
    table = Table("purpose", "generation", "state", "created", "destroyed", "why", "wrapped under", box=None)
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in _told(row).values()))
    console.print(table)


def _show_status(found: Status) -> None:
    table = Table("keys", "wrapped under", box=None)
    for key, count in sorted(found.under.items()):
        table.add_row(str(count), f"{key} (present)" if key == found.present else key)
    table.add_row(str(found.destroyed), "destroyed")
    console.print(table)
    if found.elsewhere:
        console.print(f"{found.elsewhere} await rewrapping: mindlinks keys rewrap", highlight=False)
