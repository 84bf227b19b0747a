"""The command log run again, the simplest way there is: every command once, in the order of its append, under the services' own decisions.

Effects are not called: what they found out is on the log as commands, too.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from contracts.catalogue import InvalidRecord, decode
from contracts.message import CommandData
from contracts.timestamps import from_milliseconds
from contracts.types import CommandId
from tests.support.oracle import Oracle
from workers.engine.decision import Item
from workers.engine.record import Record
from workers.engine.service import Service

Tables = Mapping[str, Sequence[Item]]


def rerun(services: Iterable[Service], records: Sequence[Record]) -> Tables:
    """``records`` in the order of their append. What nobody can read was put aside then, and is left out here."""
    oracles = {service.name: Oracle(service) for service in services}
    judged: set[tuple[str, str]] = set()
    for record in records:
        try:
            decoded = decode(record.key, record.value, record.headers, record.timestamp)
        except InvalidRecord:
            continue
        envelope, at = decoded.envelope, from_milliseconds(record.timestamp)
        # One effect's results to several keys share an id, which each root recognises for itself.
        if isinstance(decoded.data, CommandData) and (envelope.subject, envelope.id) not in judged:
            judged.add((envelope.subject, envelope.id))
            oracles[decoded.data.service].send(decoded.data, actor=envelope.actor, at=at, id=CommandId(envelope.id))
    tables: dict[str, list[Item]] = {}
    for oracle in oracles.values():
        for ref, row in oracle.items.items():
            tables.setdefault(ref.table, []).append(row)
    return tables


def differences(live: Tables, again: Tables) -> list[str]:
    """What differs, by table: rows are compared whole, in any order. One without ``createdAt`` only keeps books and counts as absent."""
    said: list[str] = []
    for table in sorted({*live, *again}):
        one, other = (sorted(_canonical(row) for row in rows.get(table, ()) if "createdAt" in row) for rows in (live, again))
        said += [f"{table}: only live: {row}" for row in one if row not in other]
        said += [f"{table}: only run again: {row}" for row in other if row not in one]
    return said


def _canonical(part: Any) -> str:
    if isinstance(part, Mapping):
        return "{" + ", ".join(f"{name}: {_canonical(part[name])}" for name in sorted(part) if not name.startswith("_")) + "}"
    if isinstance(part, list | tuple):
        return "[" + ", ".join(map(_canonical, part)) + "]"
    return repr(str(part)) if isinstance(part, str) else repr(part)
