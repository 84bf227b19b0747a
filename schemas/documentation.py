"""The page about the tables, written from their declarations."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from schemas.table import Attribute, Index, KeysOnly, Table

_OPENING = """\
# Tables

Generated from `schemas/` by `python -m schemas.render`; a test compares them. On disk each name is `<environment>-<table>`.

Times are ISO 8601 text in UTC with milliseconds, TTL values epoch seconds, money integer minor units. Beside what is
listed an item may have attributes with a leading underscore: the engine's bookkeeping, in no index. A sparse index holds
only rows that have its partition key. Rows that expired may still be there: every read filters the TTL attribute.
"""


def documentation(tables: Iterable[Table]) -> str:
    """One Markdown page: a chapter per owner, a section per table, its keys, care and indexes."""
    declared = tuple(tables)
    count = sum(len(table.indexes) for table in declared)
    return "\n".join((_OPENING, f"{len(declared)} tables, {count} indexes.\n", *_chapters(declared)))


def _chapters(tables: tuple[Table, ...]) -> Iterator[str]:
    for owner, owned in groupby(tables, key=lambda table: table.owner):
        yield f"## {owner.value}\n"
        for table in owned:
            yield from _section(table)


def _section(table: Table) -> Iterator[str]:
    yield f"### {table.name}\n"
    yield f"{table.purpose}\n"
    yield f"- Partition key {_attribute(table.key.hash)}{_sort_key(table.key.range)}"
    yield f"- {_care(table)}\n"
    if table.indexes:
        yield "| index | partition key | sort key | holds beside the keys | sparse |"
        yield "|---|---|---|---|---|"
        yield from (_row(index) for index in table.indexes)
        yield ""


def _sort_key(attribute: Attribute | None) -> str:
    return "" if attribute is None else f", sort key {_attribute(attribute)}"


def _attribute(attribute: Attribute) -> str:
    return f"`{attribute.name}` ({attribute.type.value})"


def _care(table: Table) -> str:
    facts = (
        f"Sensitivity {table.sensitivity.value}",
        f"TTL `{table.ttl}`" if table.ttl else "no TTL",
        "point-in-time recovery" if table.point_in_time_recovery else "no point-in-time recovery",
        "stream" if table.stream else "no stream",
        f"deleted: {table.deletes}" if table.deletes else "rows are never deleted by a worker",
        *([f"operators scan it: {table.scans}"] if table.scans else []),
    )
    return "; ".join(facts)


def _row(index: Index) -> str:
    sort_key = "" if index.range is None else f"`{index.range.name}`"
    held = "nothing" if isinstance(index.projection, KeysOnly) else ", ".join(f"`{name}`" for name in index.included)
    return f"| `{index.name}` | `{index.hash.name}` | {sort_key} | {held} | {'yes' if index.sparse else ''} |"
