"""Write units from item sizes, since DynamoDB Local reports none for PartiQL (facts: never test cost against it)."""

import math
from collections.abc import Mapping
from typing import Any

UNIT = 1024


def item_size(item: Mapping[str, Any]) -> int:
    """Bytes as DynamoDB counts them (developer guide, "Item sizes and formats")."""
    return sum(len(name.encode()) + _size(value) for name, value in item.items())


def write_units(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> int:
    """Of one write outside a transaction, without indexes: the larger of the row before and after, in whole KB."""
    return max(math.ceil(item_size(item) / UNIT) for item in (before, after) if item)


def _size(value: Any) -> int:
    if isinstance(value, bool):
        return 1
    if isinstance(value, int):
        return (len(str(abs(value))) + 1) // 2 + 1
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, Mapping):
        return 3 + sum(len(name.encode()) + _size(each) + 1 for name, each in value.items())
    return 3 + sum(_size(each) + 1 for each in value)
