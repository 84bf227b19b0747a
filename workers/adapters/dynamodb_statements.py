"""Conditional writes as PartiQL statements: the first write of a row is an INSERT, later ones an UPDATE of what changed under its
condition, so that 25 rows travel in one request and each succeeds or fails alone."""

from functools import lru_cache
from typing import Any

from schemas.registry import table as declared
from schemas.table import Attribute, AttributeType
from workers.adapters.dynamodb_values import list_to_wire
from workers.engine.decision import Item, ItemRef
from workers.engine.ports import Absent, AttributeIs, VersionIs, Write
from workers.engine.root import VERSION

Statement = dict[str, Any]


def primary_key(ref: ItemRef) -> dict[str, Any]:
    key = declared(ref.table).key
    names: dict[str, Any] = {key.hash.name: ref.key}
    if key.range is not None and ref.range is not None:
        names[key.range.name] = key_value(key.range, ref.range)
    return names


def key_value(attribute: Attribute, text: str) -> str | int:
    return int(text) if attribute.type is AttributeType.NUMBER else text


def statement(environment: str, write: Write) -> Statement:
    """As BatchExecuteStatement and ExecuteTransaction take it; a failed condition brings the row back where the store can."""
    table = f"{environment}-{write.ref.table}"
    key = primary_key(write.ref)
    if write.after is None:
        return _delete(table, key, write)
    if isinstance(write.condition, Absent):
        return _insert(table, {**key, **write.after})
    return _update(table, key, write)


def _insert(table: str, item: Item) -> Statement:
    return {"Statement": _insert_text(table, tuple(item)), "Parameters": list_to_wire(item.values())}


def _update(table: str, key: Item, write: Write) -> Statement:
    assert write.after is not None
    before = write.before or {}
    name, value = _condition(write)
    # A statement without SET or REMOVE is refused.
    changed = _changed(before, write.after, key) or {name: value}
    removed = tuple(name for name in before if name not in write.after and name not in key)
    parameters = [*changed.values(), *key.values(), value]
    return {
        "Statement": _update_text(table, tuple(changed), removed, tuple(key), name),
        "Parameters": list_to_wire(parameters),
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def _changed(before: Item, after: Item, key: Item) -> dict[str, Any]:
    return {name: value for name, value in after.items() if name not in key and (name not in before or _differs(before[name], value))}


def _differs(old: Any, new: Any) -> bool:
    """True and 1 are equal in Python and not in a row, at any depth; comparing the types of the outermost is enough to be right about
    flags, and cheap."""
    return old != new or type(old) is not type(new)


def _delete(table: str, key: Item, write: Write) -> Statement:
    name, value = _condition(write)
    return {
        "Statement": f'DELETE FROM "{table}" WHERE {_where(tuple(key), name)}',
        "Parameters": list_to_wire((*key.values(), value)),
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def _condition(write: Write) -> tuple[str, Any]:
    match write.condition:
        case VersionIs(version):
            return VERSION, version
        case AttributeIs(name, value):
            return name, value
        case Absent():
            raise ValueError(f"{write.ref}: an update or delete needs a condition on what is there")


@lru_cache(maxsize=4096)
def _insert_text(table: str, names: tuple[str, ...]) -> str:
    attributes = ", ".join(f"'{name}': ?" for name in names)
    return f'INSERT INTO "{table}" VALUE {{{attributes}}}'


@lru_cache(maxsize=16_384)
def _update_text(table: str, changed: tuple[str, ...], removed: tuple[str, ...], key: tuple[str, ...], condition: str) -> str:
    sets = " ".join(f'SET "{name}"=?' for name in changed)
    removes = " ".join(f'REMOVE "{name}"' for name in removed)
    return f'UPDATE "{table}" {sets} {removes} WHERE {_where(key, condition)}'


def _where(key: tuple[str, ...], condition: str) -> str:
    return " AND ".join(f'"{name}"=?' for name in (*key, condition))
