"""``mindlinks preview``: what a person would see of a message or a contract, as files to look at."""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.table import Table

from contracts.types import Channel, Locale
from workers.ops.preview.agreement import SeededContract, seeded_contracts
from workers.ops.preview.files import Written, write_contract, write_message
from workers.ops.preview.messages import Seeded, seeded
from workers.ops.terminal import Json, console, run_async


class Kind(StrEnum):
    """What can be looked at: the channels of messages, and the contract's document."""

    EMAIL = Channel.EMAIL.value
    SMS = Channel.SMS.value
    IN_APP = Channel.IN_APP.value
    PDF = "pdf"


@dataclass(frozen=True, slots=True)
class Previewable:
    """One line of ``--list``."""

    template: str
    locales: tuple[str, ...]
    channels: tuple[str, ...]


def add(app: typer.Typer) -> None:
    @app.command(
        help="Write what a person would see of a template of the seed: HTML, text, PDF, and pictures of them, filled with made-up people. "
        "Needs no server. Example: mindlinks preview contract-to-sign --locale ar --channel email --out preview"
    )
    def preview(
        template: Annotated[str | None, typer.Argument(help="Its name: see --list.")] = None,
        locale: Annotated[Locale, typer.Option(help="The reader's language.")] = Locale.EN,
        channel: Annotated[Kind | None, typer.Option(help="Every one that the template has when left out.")] = None,
        out: Annotated[Path, typer.Option(file_okay=False, help="A folder; files of the same name are replaced.")] = Path("preview"),
        listing: Annotated[bool, typer.Option("--list", help="Name what there is, and write nothing.")] = False,
        as_json: Json = False,
    ) -> None:
        if listing:
            _list(as_json)
        elif template is None:
            raise typer.BadParameter("name a template, or say --list")
        else:
            chosen = _chosen(template, locale, channel, as_json)
            out.mkdir(parents=True, exist_ok=True)
            _tell(run_async(_written(chosen, out), "WARNING"), as_json)


def previewable() -> Sequence[Previewable]:
    """By name."""
    known: dict[str, set[tuple[str, str]]] = {}
    for text in _texts():
        known.setdefault(text.name, set()).add((text.locale, _kind(text)))
    return [
        Previewable(name, tuple(sorted({locale for locale, _ in ways})), tuple(sorted({kind for _, kind in ways})))
        for name, ways in sorted(known.items())
    ]


def _texts() -> Iterator[Seeded | SeededContract]:
    yield from seeded()
    yield from seeded_contracts()


def _kind(text: Seeded | SeededContract) -> Kind:
    return Kind(text.channel) if isinstance(text, Seeded) else Kind.PDF


def _chosen(template: str, locale: Locale, kind: Kind | None, as_json: bool) -> Sequence[Seeded | SeededContract]:
    named = [text for text in _texts() if (text.name, text.locale) == (template, locale)]
    chosen = [text for text in named if kind in (None, _kind(text))]
    return chosen or _unknown(template, locale, kind, as_json)


async def _written(chosen: Sequence[Seeded | SeededContract], out: Path) -> Sequence[Written]:
    return [await (write_message(text, out) if isinstance(text, Seeded) else write_contract(text, out)) for text in chosen]


def _list(as_json: bool) -> None:
    known = previewable()
    if as_json:
        sys.stdout.write(json.dumps([asdict(each) for each in known]) + "\n")
        return
    table = Table("template", "locales", "channels", box=None)
    for each in known:
        table.add_row(each.template, ", ".join(each.locales), ", ".join(each.channels))
    console.print(table)


def _unknown(template: str, locale: Locale, kind: Kind | None, as_json: bool) -> NoReturn:
    """Says which there are. Exit code 2."""
    known = previewable()
    here = next((each for each in known if each.template == template), None)
    if here:
        reason = f"{template} has no {kind or 'text'} in {locale}: it has {', '.join(here.channels)} in {', '.join(here.locales)}."
    else:
        reason = f"There is no template {template}. There are: {', '.join(each.template for each in known)}."
    if as_json:
        sys.stdout.write(json.dumps({"error": reason, "templates": [asdict(each) for each in known]}) + "\n")
    console.print(reason, style="red", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(2)


def _tell(written: Sequence[Written], as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps([asdict(each) for each in written]) + "\n")
        return
    for each in written:
        for path in each.files:
            console.print(path, markup=False, highlight=False, soft_wrap=True)
        for note in each.notes:
            console.print(note, style="yellow", markup=False, highlight=False, soft_wrap=True)
