"""What a table on an endpoint has that its declaration has not, or the other way round. Pure: it judges descriptions."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from schemas.render import create_table_request
from schemas.table import Table

# An answer of DescribeTable, or a CreateTable request: for keys, indexes and stream they have the same form.
Description = Any


class DifferenceKind(StrEnum):
    """`apply` mends the missing ones; for the rest a person decides."""

    MISSING_TABLE = "missing_table"
    MISSING_INDEX = "missing_index"
    MISSING_TTL = "missing_ttl"
    MISSING_STREAM = "missing_stream"
    MISSING_RECOVERY = "missing_recovery"
    UNKNOWN_TABLE = "unknown_table"
    EXTRA_INDEX = "extra_index"
    KEY = "key"
    INDEX_KEY = "index_key"
    PROJECTION = "projection"
    TTL = "ttl"
    STREAM = "stream"
    RECOVERY = "recovery"


@dataclass(frozen=True, slots=True)
class Difference:
    """What one table (by its name on disk) has that its declaration has not, or the other way round."""

    kind: DifferenceKind
    table: str
    subject: str = ""
    declared: str = "nothing"
    found: str = "nothing"

    @property
    def mended_by_apply(self) -> bool:
        return self.kind.name.startswith("MISSING_")

    def __str__(self) -> str:
        what = f"{self.table} {self.subject}".rstrip()
        advice = "`mindlinks tables apply` mends it" if self.mended_by_apply else "apply leaves it: a person must decide"
        return f"{what}: declared {self.declared}, found {self.found} ({self.kind.value}; {advice})"


def structural_differences(table: Table, environment: str, live: Description) -> Iterator[Difference]:
    name = table.name_in(environment)
    wanted = create_table_request(table, environment)
    if _key(wanted, wanted) != _key(live, live):
        yield Difference(DifferenceKind.KEY, name, "key", _key(wanted, wanted), _key(live, live))
    yield from _index_differences(name, wanted, live)
    declared, found = stream_of(wanted), stream_of(live)
    if declared != found:
        kind = DifferenceKind.STREAM if found else DifferenceKind.MISSING_STREAM
        yield Difference(kind, name, "stream", declared or "nothing", found or "nothing")


def _index_differences(name: str, wanted: Description, live: Description) -> Iterator[Difference]:
    declared, found = indexes_of(wanted), indexes_of(live)
    for index in sorted(declared.keys() - found.keys()):
        yield Difference(DifferenceKind.MISSING_INDEX, name, index, declared=_key(declared[index], wanted))
    for index in sorted(found.keys() - declared.keys()):
        yield Difference(DifferenceKind.EXTRA_INDEX, name, index, found=_key(found[index], live))
    for index in sorted(declared.keys() & found.keys()):
        ours, theirs = declared[index], found[index]
        if _key(ours, wanted) != _key(theirs, live):
            yield Difference(DifferenceKind.INDEX_KEY, name, index, _key(ours, wanted), _key(theirs, live))
        if _projection(ours) != _projection(theirs):
            yield Difference(DifferenceKind.PROJECTION, name, index, _projection(ours), _projection(theirs))


def indexes_of(table: Description) -> dict[str, Description]:
    return {index["IndexName"]: index for index in table.get("GlobalSecondaryIndexes") or ()}


def _key(keyed: Description, table: Description) -> str:
    """A table's or an index's key in words, with the types that the table's definitions give."""
    types = {definition["AttributeName"]: definition["AttributeType"] for definition in table["AttributeDefinitions"]}
    ordered = sorted(keyed["KeySchema"], key=lambda element: str(element["KeyType"]))  # HASH before RANGE
    return " / ".join(f"{element['AttributeName']} ({types[element['AttributeName']]})" for element in ordered)


def _projection(index: Description) -> str:
    projection = index["Projection"]
    return " ".join((projection["ProjectionType"], ", ".join(sorted(projection.get("NonKeyAttributes") or ())))).rstrip()


def stream_of(table: Description) -> str | None:
    specification = table.get("StreamSpecification") or {}
    return specification.get("StreamViewType") if specification.get("StreamEnabled") else None
