"""Rows as the log makes them, in a file that is thrown away: however many there are, the memory stays level."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from contracts.position import Position
from workers.adapters.dynamodb_values import item_from_wire, item_to_wire
from workers.engine.decision import Item, ItemRef
from workers.engine.outcome import Outcome

SCHEMA = """
create table row (place text primary key, root text not null, position text not null, item blob not null, found integer not null default 0)
  without rowid;
create index row_root on row (root);
create table told (position text primary key, said text not null) without rowid;
create table repetition (position text primary key, original text not null, copy integer not null) without rowid;
create index repetition_original on repetition (original);
create table difference (number integer primary key, root text not null, key text not null, position text not null,
  told text not null, rebuilt text not null, outcome blob);
create index difference_root on difference (root);
"""
ROWS_A_COMMIT = 5_000


@dataclass(frozen=True, slots=True)
class Difference:
    """One command that ended otherwise than its events say. ``key``: the record's. ``told``: what they say, empty when there are none.
    ``outcome``: what should have been said; None for nothing."""

    key: str
    position: str
    told: str
    rebuilt: str
    outcome: Outcome | None

    @property
    def contradicts(self) -> bool:
        """Something else was told to the world than what is right; when nothing was told, it can still be."""
        return bool(self.told)


class Shadow:
    """Used by one task. Nothing here outlives the process: a rebuild that died is begun again."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.executescript("pragma journal_mode=off; pragma synchronous=off;" + SCHEMA + "begin;")
        self._changes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._database.close()

    # --- rows ------------------------------------------------------------------------------------------------------

    def get(self, refs: Iterable[ItemRef]) -> dict[ItemRef, Item]:
        found: dict[ItemRef, Item] = {}
        for ref in refs:
            row = self._database.execute("select item from row where place = ?", (_place(ref),)).fetchone()
            if row:
                found[ref] = item_from_wire(orjson.loads(row[0]))
        return found

    def put(self, ref: ItemRef, root: ItemRef, position: Position, item: Item) -> None:
        """``position``: of the command that made it so."""
        values = (_place(ref), _place(root), str(position), orjson.dumps(item_to_wire(item)))
        self._change("insert or replace into row (place, root, position, item) values (?, ?, ?, ?)", values)

    def delete(self, ref: ItemRef) -> None:
        self._change("delete from row where place = ?", (_place(ref),))

    def root_of(self, ref: ItemRef) -> ItemRef | None:
        row = self._database.execute("select root from row where place = ?", (_place(ref),)).fetchone()
        return _ref(row[0]) if row else None

    def rows_of(self, root: ItemRef) -> dict[ItemRef, tuple[Item, str]]:
        """The rows of one key, each with the position of the command that last changed it."""
        rows = self._database.execute("select place, item, position from row where root = ?", (_place(root),))
        return {_ref(place): (item_from_wire(orjson.loads(item)), position) for place, item, position in rows}

    def all_rows(self) -> Iterator[tuple[ItemRef, Item]]:
        for place, item in self._database.execute("select place, item from row order by place"):
            yield _ref(place), item_from_wire(orjson.loads(item))

    def mark(self, refs: Iterable[ItemRef]) -> None:
        """These are in the live table."""
        for ref in refs:
            self._change("update row set found = 1 where place = ?", (_place(ref),))

    def unmarked(self) -> Iterator[tuple[ItemRef, ItemRef, Item]]:
        """Row, root and item of what the live tables lack."""
        for place, root, item in self._database.execute("select place, root, item from row where found = 0"):
            yield _ref(place), _ref(root), item_from_wire(orjson.loads(item))

    def count(self) -> int:
        (count,) = self._database.execute("select count(*) from row").fetchone()
        return int(count)

    # --- what was told ---------------------------------------------------------------------------------------------

    def hear(self, position: Position, index: str, word: str) -> None:
        """One event of the command at ``position``; the same one again changes nothing."""
        heard = dict(self._heard(position))
        heard[index] = word
        self._change("insert or replace into told values (?, ?)", (str(position), orjson.dumps(sorted(heard.items())).decode()))

    def told(self, position: Position) -> Sequence[str]:
        """By the record there, and by copies of it, for a copy is judged in its original's place."""
        copies = self._database.execute("select position from repetition where original = ? and copy", (str(position),))
        places = [position, *(Position.parse(place) for (place,) in copies.fetchall())]
        return [word for place in places for _, word in self._heard(place)]

    def repeats(self, position: Position, original: Position, *, copy: bool) -> None:
        """A replay put the record at ``position`` into the log: for the one at ``original``, or for what that one repeats itself."""
        values = (str(position), self._first(original), copy)
        self._change("insert or replace into repetition (position, original, copy) values (?, ?, ?)", values)

    def redone(self, position: Position) -> list[Sequence[str]]:
        """What was told by each later command that does the one at ``position`` once more."""
        rows = self._database.execute("select position from repetition where original = ? and not copy", (self._first(position),))
        later = [each for (place,) in rows.fetchall() if (each := Position.parse(place)).offset > position.offset]
        return [self.told(each) for each in later]

    def _first(self, position: Position) -> str:
        row = self._database.execute("select original from repetition where position = ?", (str(position),)).fetchone()
        return str(row[0]) if row else str(position)

    def _heard(self, position: Position) -> Sequence[tuple[str, str]]:
        row = self._database.execute("select said from told where position = ?", (str(position),)).fetchone()
        return [(index, word) for index, word in orjson.loads(row[0])] if row else []

    # --- differences -----------------------------------------------------------------------------------------------

    def differs(
        self, root: ItemRef, key: str, position: Position, told: Sequence[str], outcome: Outcome | None, rebuilt: Sequence[str]
    ) -> None:
        values = (_place(root), key, str(position), " ".join(told), " ".join(rebuilt), outcome.pack() if outcome else None)
        self._change("insert into difference (root, key, position, told, rebuilt, outcome) values (?, ?, ?, ?, ?, ?)", values)

    def differences(self, root: ItemRef) -> list[Difference]:
        """Of one key, in the order of the log."""
        rows = self._database.execute(
            "select key, position, told, rebuilt, outcome from difference where root = ? order by number", (_place(root),)
        )
        return [
            Difference(key, position, told, rebuilt, Outcome.unpack(packed) if packed else None)
            for key, position, told, rebuilt, packed in rows
        ]

    def differing_roots(self) -> list[ItemRef]:
        return [_ref(root) for (root,) in self._database.execute("select distinct root from difference")]

    def _change(self, statement: str, values: tuple[Any, ...]) -> None:
        self._database.execute(statement, values)
        self._changes += 1
        if self._changes % ROWS_A_COMMIT == 0:
            self._database.execute("commit")
            self._database.execute("begin")


def digest(item: Mapping[str, Any]) -> bytes:
    """Equal rows, equal digests, in whatever order their attributes come."""
    return orjson.dumps(item_to_wire(item), option=orjson.OPT_SORT_KEYS)


def _place(ref: ItemRef) -> str:
    return orjson.dumps(list(ref)).decode()


def _ref(place: str) -> ItemRef:
    table, key, range_key = orjson.loads(place)
    return ItemRef(table, key, range_key)
