"""Rows as the log makes them, in a file that is thrown away: however many there are, the memory stays level."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from contracts.position import Origin, Position
from workers.adapters.dynamodb_values import item_from_wire, item_to_wire
from workers.engine.decision import Item, ItemRef
from workers.engine.outcome import Outcome
from workers.ops.rebuild import shelf
from workers.ops.rebuild.shelf import Shelf
from workers.ops.rebuild.words import is_part, told

SCHEMA = """
create table row (place text primary key, root text not null, position text not null, item blob not null, found integer not null default 0)
  without rowid;
create index row_root on row (root);
create table told (position text primary key, said text not null) without rowid;
create table reached (root text not null, origin text not null, offset integer not null, primary key (root, origin)) without rowid;
create table unjudged (command text primary key, root text not null) without rowid;
create table repetition (position text primary key, original text not null, copy integer not null) without rowid;
create index repetition_original on repetition (original);
create table difference (number integer primary key, root text not null, key text not null, position text not null,
  rebuilt text not null, outcome blob);
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
        """Something else was told to the world than what is right; what was not told, or not all of it, still can be."""
        return not is_part(self.told.split(), self.rebuilt.split())


class Shadow:
    """Used by one task. Nothing here outlives the process: a rebuild that died is begun again."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.executescript("pragma journal_mode=off; pragma synchronous=off;" + SCHEMA + shelf.SCHEMA + "begin;")
        self._changes = 0
        self.shelf = Shelf(self._database)

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

    def put_absent(self, root: ItemRef, position: Position, item: Item) -> None:
        """A root that is there stays as it is."""
        if not self.get([root]):
            self.put(root, root, position, item)

    def delete(self, ref: ItemRef) -> None:
        self._change("delete from row where place = ?", (_place(ref),))

    def root_of(self, ref: ItemRef) -> ItemRef | None:
        row = self._database.execute("select root from row where place = ?", (_place(ref),)).fetchone()
        return _ref(row[0]) if row else None

    def rows_of(self, root: ItemRef) -> dict[ItemRef, tuple[Item, str]]:
        """The rows of one key, each with the position of the command that last changed it."""
        rows = self._database.execute("select place, item, position from row where root = ?", (_place(root),))
        return {_ref(place): (item_from_wire(orjson.loads(item)), position) for place, item, position in rows}

    def roots(self) -> Iterator[ItemRef]:
        for (root,) in self._database.execute("select distinct root from row order by root"):
            yield _ref(root)

    def all_rows(self) -> Iterator[tuple[ItemRef, Item]]:
        for place, item in self._database.execute("select place, item from row order by place"):
            yield _ref(place), item_from_wire(orjson.loads(item))

    def leave(self, command: str, root: ItemRef) -> None:
        """The command was not judged: rows that it made are nobody else's."""
        self._change("insert or replace into unjudged values (?, ?)", (command, _place(root)))

    def left(self, command: str) -> ItemRef | None:
        """The key of a command that was left; it may have been judged since."""
        row = self._database.execute("select root from unjudged where command = ?", (command,)).fetchone()
        return _ref(row[0]) if row else None

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

    def hear(self, position: Position, event: str, word: str) -> None:
        """One event, by its id, of the command at ``position``; the same one again changes nothing, whatever its sequence."""
        heard = dict(self._heard(position))
        heard[event] = word
        self._change("insert or replace into told values (?, ?)", (str(position), orjson.dumps(sorted(heard.items())).decode()))

    def is_told(self, position: Position) -> bool:
        """By the record there alone."""
        return bool(self._heard(position))

    def told(self, position: Position) -> Sequence[str]:
        """By the record there, and by copies of it, for a copy is judged in its original's place."""
        copies = self._database.execute("select position from repetition where original = ? and copy", (str(position),))
        places = [position, *(Position.parse(place) for (place,) in copies.fetchall())]
        return list(dict(event for place in places for event in self._heard(place)).values())

    def reach(self, root: ItemRef, position: Position) -> None:
        """A command of the root was told of at ``position``, so the root's books had it by then."""
        self._change("insert or replace into reached values (?, ?, ?)", (_place(root), position.origin, position.offset))

    def reached(self, root: ItemRef, origin: Origin) -> int:
        """The offset of the last one; -1 for none."""
        found = self._database.execute("select offset from reached where root = ? and origin = ?", (_place(root), origin)).fetchone()
        return int(found[0]) if found else -1

    def repeats(self, position: Position, original: Position, *, copy: bool) -> None:
        """A replay put the record at ``position`` into the log: for the one at ``original``, or for what that one repeats itself."""
        values = (str(position), self._first(original), copy)
        self._change("insert or replace into repetition (position, original, copy) values (?, ?, ?)", values)

    def original(self, copy: str) -> str | None:
        """In whose place the record stands that a replay copied to the position ``copy``; None where it copied none."""
        row = self._database.execute("select original from repetition where position = ? and copy", (copy,)).fetchone()
        return str(row[0]) if row else None

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
        return [(event, word) for event, word in orjson.loads(row[0])] if row else []

    # --- differences -----------------------------------------------------------------------------------------------

    def differs(self, root: ItemRef, key: str, position: Position, outcome: Outcome | None, rebuilt: Sequence[str]) -> None:
        values = (_place(root), key, str(position), " ".join(rebuilt), outcome.pack() if outcome else None)
        self._change("insert into difference (root, key, position, rebuilt, outcome) values (?, ?, ?, ?, ?)", values)

    def differences(self, root: ItemRef) -> list[Difference]:
        """Of one key, in the order of the log. A command whose events have come meanwhile differs no more."""
        rows = self._database.execute(
            "select key, position, rebuilt, outcome from difference where root = ? order by number", (_place(root),)
        ).fetchall()
        found = [
            Difference(
                key, position, " ".join(told(self.told(Position.parse(position)))), rebuilt, Outcome.unpack(packed) if packed else None
            )
            for key, position, rebuilt, packed in rows
        ]
        return [each for each in found if each.told != each.rebuilt]

    def differing_roots(self) -> list[ItemRef]:
        found = self._database.execute("select distinct root from difference").fetchall()
        return [root for (place,) in found if self.differences(root := _ref(place))]

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
