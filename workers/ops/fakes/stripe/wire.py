"""JSON as Stripe sends it, and the templates that give every object all of its fields."""

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from functools import cache
from importlib.resources import files
from typing import TypeAlias, cast

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
JsonObject: TypeAlias = dict[str, "Json"]


@cache
def _loaded(name: str) -> JsonObject:
    text = (files(__package__) / "templates" / f"{name}.json").read_text(encoding="utf-8")
    return cast(JsonObject, json.loads(text))


def filled(template: str, **fields: Json) -> JsonObject:
    """A copy of the template with these fields set. A field the template does not have is a KeyError: a spelling mistake."""
    body = deepcopy(_loaded(template))
    if unknown := fields.keys() - body.keys():
        raise KeyError(f"template {template} has no field {sorted(unknown)}")
    return body | fields


def accepted_parameters(route: str) -> frozenset[str]:
    """The parameters of a route by the SDK's types; a route that is not listed takes only `expand`."""
    names = _loaded("parameters").get(route, ["expand"])
    return frozenset(cast(list[str], names))


def changed(before: Mapping[str, Json], after: Mapping[str, Json]) -> JsonObject:
    """Stripe's `previous_attributes`: the old values of what changed, nested objects reduced to what changed in them."""
    old: JsonObject = {}
    for name, value in before.items():
        new = after.get(name)
        if value == new:
            continue
        old[name] = changed(value, new) if isinstance(value, Mapping) and isinstance(new, Mapping) else value
    return old


def encoded(body: Mapping[str, Json]) -> bytes:
    """Indented by two, unescaped UTF-8: the form of Stripe's answers and webhooks, so signatures are tried on real-looking bytes."""
    return json.dumps(body, indent=2, ensure_ascii=False).encode()
