"""Which fields of a model are marked, and what their clear values look like: the contract's limits, for whoever seals."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel, TypeAdapter

from contracts.types import Mark, Purpose


@dataclass(frozen=True, slots=True)
class MarkedField:
    """``shape`` checks and normalises the clear value; it never sees a sealed one."""

    purpose: Purpose
    shape: TypeAdapter[str]


@cache
def marked_fields(model: type[BaseModel]) -> Mapping[str, MarkedField]:
    """By name on the wire, of the model itself and of the values inside it (``parent.field``). A map or list of sealed texts goes
    by its own name: all its values have one shape."""
    hints = get_type_hints(model, include_extras=True)
    return {path: marked for name, field in model.model_fields.items() for path, marked in _within(field.alias or name, hints[name])}


def _within(path: str, annotation: Any) -> Iterator[tuple[str, MarkedField]]:
    if get_origin(annotation) is Annotated:
        clear, *metadata = get_args(annotation)
        mark = next((part for part in metadata if isinstance(part, Mark)), None)
        if mark is None:
            yield from _within(path, clear)
            return
        shape = Annotated[(clear, *metadata[: metadata.index(mark)])] if metadata[0] is not mark else clear
        yield path, MarkedField(mark.purpose, TypeAdapter(shape))
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from ((f"{path}.{name}", marked) for name, marked in marked_fields(annotation).items())
    else:
        for part in get_args(annotation):
            yield from _within(path, part)
