"""What is in the tables, read as an outsider would: by scan, or straight from memory where the store is in this process."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import aioboto3

from schemas.registry import TABLES
from workers.adapters.dynamodb_values import item_from_wire
from workers.engine.decision import Item
from workers.engine.memory import MemoryStore
from workers.engine.ports import Store
from workers.settings import Settings

Rows = Mapping[str, Sequence[Item]]


async def rows_of(store: Store, settings: Settings, tables: Sequence[str] = tuple(TABLES)) -> Rows:
    """All rows of each table, without the engine's own attributes. For small tables: every row is read."""
    if isinstance(store, MemoryStore):
        return {table: [_plain(item) for ref, item in store.items.items() if ref.table == table] for table in tables}
    async with aioboto3.Session().client("dynamodb", endpoint_url=settings.dynamodb, region_name=settings.region) as client:
        names = [TABLES[table].name_in(settings.environment) for table in tables]
        scanned = await asyncio.gather(*(_scan(client, name) for name in names))
    return dict(zip(tables, scanned, strict=True))


async def _scan(client: Any, name: str) -> list[Item]:
    return [item_from_wire(_plain(wire)) async for wire in _wires(client, name)]


async def _wires(client: Any, name: str) -> AsyncIterator[Mapping[str, Any]]:
    async for page in client.get_paginator("scan").paginate(TableName=name, ConsistentRead=True):
        for wire in page["Items"]:
            yield wire


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if not name.startswith("_")}
