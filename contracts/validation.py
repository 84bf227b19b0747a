"""What is wrong with a message, said without repeating anything it holds: a refused value may be a personal one in the clear."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails


@dataclass(frozen=True, slots=True)
class Fault:
    """``where``: the field's path on the wire, empty for the whole; ``*`` for a key of a map, which its sender made up."""

    where: str
    what: str


def first_fault(error: ValidationError, model: type[BaseModel]) -> Fault:
    first = error.errors(include_url=False)[0]
    known = _names(model)
    where = ".".join(str(part) if isinstance(part, int) or part in known else "*" for part in first["loc"])
    return Fault(where, _without_value(first))


def _without_value(error: ErrorDetails) -> str:
    # Custom validators and the standard library put what they were given into their messages.
    given = error["input"]
    if not isinstance(given, Mapping) and len(str(given)) > 2 and str(given) in error["msg"]:
        return "is not valid"
    return error["msg"]


@cache
def _names(model: type[BaseModel]) -> frozenset[str]:
    """Of fields, and of the alternatives of unions, anywhere in the model."""
    schema = model.model_json_schema(by_alias=True)
    return frozenset([*_properties(schema), *schema.get("$defs", {})])


def _properties(schema: Any) -> Iterator[str]:
    if isinstance(schema, list):
        for each in schema:
            yield from _properties(each)
    elif isinstance(schema, Mapping):
        yield from schema.get("properties", ())
        for each in schema.values():
            yield from _properties(each)
