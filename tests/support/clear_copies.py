"""Looks for texts in what a system has written, in every spelling in which they would still be readable."""

import base64
import json
import os
import unicodedata
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

SHORTEST = 6
"""Characters of a value that is looked for; a shorter one would stand somewhere by chance."""


@dataclass(frozen=True, slots=True)
class Copy:
    """``where`` says to people what was read."""

    where: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """What was found where, by its name and not by itself."""

    where: str
    what: str
    spelling: str


def found(copies: Iterable[Copy], values: Mapping[str, str]) -> list[Found]:
    """``values``: by a name that may be shown. Letters are compared without their case, except in base64."""
    looked_for = [(what, spelling, text) for what, value in values.items() for spelling, text in spellings(value).items()]
    hits: set[Found] = set()
    for copy in copies:
        exact = copy.content.decode("utf-8", "replace")
        folded = exact.casefold()
        hits |= {
            Found(copy.where, what, spelling)
            for what, spelling, text in looked_for
            if (text in exact if spelling.startswith("base64") else text.casefold() in folded)
        }
    return sorted(hits)


def spellings(value: str) -> Mapping[str, str]:
    """``base64 +n``: as it looks with n bytes in front of it, without the characters that it shares with its neighbours."""
    if len(value) < SHORTEST:
        raise ValueError(f"{value!r} is too short to be looked for")
    raw = value.encode()
    made = {
        "plain": value,
        "decomposed": unicodedata.normalize("NFD", value),
        "in JSON": json.dumps(value)[1:-1],
        "in a URL": quote(value, safe=""),
        "in a form": quote_plus(value),
        "hex": raw.hex(),
    }
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
        inner = encoded[(0, 2, 3)[shift] : None if (shift + len(raw)) % 3 == 0 else -1]
        made |= {f"base64 +{shift}": inner, f"base64url +{shift}": inner.replace("+", "-").replace("/", "_")}
    return made


# --- what is read --------------------------------------------------------------------------------------------------


def files(folder: Path, pattern: str = "**/*") -> Iterator[Copy]:
    """Every byte of every file that is no hole: Kafka keeps room in front of its indexes."""
    for file in sorted(folder.glob(pattern)):
        if file.is_file():
            yield Copy(f"file {file.relative_to(folder)}", b"".join(_extents(file)))


def _extents(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        position, end = 0, os.fstat(opened.fileno()).st_size
        while position < end:
            try:
                position = os.lseek(opened.fileno(), position, os.SEEK_DATA)
            except OSError:
                return
            hole = os.lseek(opened.fileno(), position, os.SEEK_HOLE)
            os.lseek(opened.fileno(), position, os.SEEK_SET)
            opened.seek(position)
            yield opened.read(hole - position)
            position = hole


def item(table: str, wire: Mapping[str, Any]) -> Copy:
    """One item of DynamoDB as the API gives it; binary values also inflated where they are deflated."""
    return Copy(f"table {table}", json.dumps(wire, ensure_ascii=False, default=_hex).encode() + b"\n".join(_inflated(wire)))


def _hex(value: object) -> str:
    assert isinstance(value, bytes)
    return value.hex()


def _inflated(part: Any) -> Iterator[bytes]:
    if isinstance(part, bytes):
        yield part
        for start in (0, 1):
            try:
                yield zlib.decompress(part[start:])
            except zlib.error:
                continue
    elif isinstance(part, Mapping):
        for each in part.values():
            yield from _inflated(each)
    elif isinstance(part, list):
        for each in part:
            yield from _inflated(each)
