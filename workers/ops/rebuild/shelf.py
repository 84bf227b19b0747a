"""Commands of the log that the live worker has not processed yet, kept aside until it has: judged too early they would be applied twice."""

from collections.abc import Iterator
from dataclasses import dataclass
from sqlite3 import Connection

import orjson

from contracts.position import Origin
from workers.engine.decision import ItemRef
from workers.engine.quarantine import pack, unpack
from workers.engine.record import Partition, Record

SCHEMA = """
create table waiting (number integer primary key, root text not null, origin text not null, topic text not null, partition integer not null,
  offset integer not null, timestamp integer not null, record blob not null);
create index waiting_root on waiting (root);
"""
PAGE = 500
LAST = 1 << 62


@dataclass(frozen=True, slots=True)
class Shelved:
    """``number``: later commands of the log have higher ones."""

    number: int
    origin: Origin
    record: Record


@dataclass(frozen=True, slots=True)
class Waits:
    """How many commands the worker has yet to process, and of how many keys."""

    commands: int = 0
    keys: int = 0


class Shelf:
    """Lies in the shadow's file, so that a long backlog takes no memory."""

    def __init__(self, database: Connection) -> None:
        self._database = database

    def put(self, root: ItemRef, origin: Origin, record: Record) -> None:
        place, packed = orjson.dumps(list(root)), pack(record)
        values = (place.decode(), origin, *record.partition, record.offset, record.timestamp, packed)
        columns = "root, origin, topic, partition, offset, timestamp, record"
        self._database.execute(f"insert into waiting ({columns}) values (?, ?, ?, ?, ?, ?, ?)", values)

    def pages(self) -> Iterator[list[Shelved]]:
        """In the order of the log; what is taken meanwhile is left out of later pages."""
        last = 0
        columns = "number, origin, topic, partition, offset, timestamp, record"
        while rows := self._database.execute(
            f"select {columns} from waiting where number > ? order by number limit {PAGE}", (last,)
        ).fetchall():
            last = rows[-1][0]
            yield [_shelved(*row) for row in rows]

    def take(self, number: int) -> None:
        self._database.execute("delete from waiting where number = ?", (number,))

    def blocks(self, root: ItemRef, before: int = LAST) -> bool:
        """True while an earlier command of the root waits: one key, one order."""
        found = self._database.execute(
            "select 1 from waiting where root = ? and number < ? limit 1", (orjson.dumps(list(root)).decode(), before)
        )
        return found.fetchone() is not None

    @property
    def waits(self) -> Waits:
        commands, keys = self._database.execute("select count(*), count(distinct root) from waiting").fetchone()
        return Waits(int(commands), int(keys))


def _shelved(number: int, origin: str, topic: str, partition: int, offset: int, timestamp: int, packed: bytes) -> Shelved:
    key, value, headers = unpack(packed)
    return Shelved(number, Origin(origin), Record(Partition(topic, partition), offset, key, value, headers, timestamp))
