"""All tables by name. A table that is not here does not exist for any tool."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from schemas import (
    analytics,
    auth,
    client,
    content,
    contract,
    contractor,
    kyc,
    lead,
    notification,
    payment,
    platform,
    user,
)
from schemas.table import InvalidDeclaration, Owner, Table


def by_name(tables: Iterable[Table]) -> Mapping[str, Table]:
    """The tables by name, in order of declaration; InvalidDeclaration if two share a name."""
    found: dict[str, Table] = {}
    for table in tables:
        if table.name in found:
            raise InvalidDeclaration(f"{table.name} is declared twice")
        found[table.name] = table
    return MappingProxyType(found)


TABLES: Final[Mapping[str, Table]] = by_name(
    (
        *auth.TABLES,
        *user.TABLES,
        *client.TABLES,
        *contractor.TABLES,
        *kyc.TABLES,
        *contract.TABLES,
        *payment.TABLES,
        *notification.TABLES,
        *content.TABLES,
        *lead.TABLES,
        *analytics.TABLES,
        *platform.TABLES,
    )
)


def table(name: str) -> Table:
    """The table of that name; KeyError with the name if none is declared."""
    return TABLES[name]


def tables_of(owner: Owner) -> tuple[Table, ...]:
    """What that owner alone writes, in order of declaration."""
    return tuple(declared for declared in TABLES.values() if declared.owner is owner)
