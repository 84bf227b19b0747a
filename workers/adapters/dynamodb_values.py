"""Attribute values as DynamoDB writes them in JSON. Integers only: there are no floats in this system.

Whole rows handle texts on the spot: most attributes are texts, and the call would cost more than the work.
"""

import base64
from collections.abc import Iterable, Mapping
from typing import Any


def to_wire(value: Any) -> dict[str, Any]:
    """Raises TypeError for a value no item may hold."""
    kind = type(value)
    if kind is str:
        return {"S": value}
    if kind is bool:
        return {"BOOL": value}
    if kind is int:
        return {"N": str(value)}
    if kind is bytes:
        return {"B": base64.b64encode(value).decode()}
    if isinstance(value, Mapping):
        return {"M": {name: to_wire(each) for name, each in value.items()}}
    if isinstance(value, list | tuple):
        return {"L": [to_wire(each) for each in value]}
    if isinstance(value, str):
        return {"S": str(value)}
    raise TypeError(f"an item cannot hold {value!r}")


def from_wire(wire: Mapping[str, Any]) -> Any:
    ((kind, value),) = wire.items()
    match kind:
        case "S" | "BOOL":
            return value
        case "N":
            return int(value)
        case "B":
            return base64.b64decode(value)
        case "M":
            return {name: from_wire(each) for name, each in value.items()}
        case "L":
            return [from_wire(each) for each in value]
        case "NULL":
            return None
        case "SS" | "NS" | "BS":
            return list(value)
    raise TypeError(f"unknown attribute type {kind}")


def item_to_wire(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: {"S": value} if type(value) is str else to_wire(value) for name, value in item.items()}


def list_to_wire(values: Iterable[Any]) -> list[dict[str, Any]]:
    return [{"S": value} if type(value) is str else to_wire(value) for value in values]


def item_from_wire(wire: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value["S"] if "S" in value else from_wire(value) for name, value in wire.items()}
