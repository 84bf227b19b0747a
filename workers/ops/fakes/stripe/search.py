"""Search by query: https://docs.stripe.com/search. Understands `AND` of equalities on fields and on metadata."""

import re
from collections.abc import Iterable

from workers.ops.fakes.stripe.errors import NotExecuted
from workers.ops.fakes.stripe.listing import Listed, limit
from workers.ops.fakes.stripe.parameters import Parameters
from workers.ops.fakes.stripe.wire import Json, JsonObject

_CLAUSE = re.compile(r"""^(?P<field>\w+)(?:\[(?P<q>["'])(?P<key>.+?)(?P=q)\])?\s*:\s*(?P<v>["'])(?P<value>.*)(?P=v)$""")


def search(oldest_first: Iterable[Listed], parameters: Parameters, url: str) -> JsonObject:
    clauses = _clauses(parameters.required("query"))
    bodies = [item.body() for item in list(oldest_first)[::-1]]
    found = [body for body in bodies if all(_read(body, field, key) == value for field, key, value in clauses)]
    start, size = int(parameters.text("page") or 0), limit(parameters)
    more = len(found) > start + size
    following: Json = str(start + size) if more else None
    return {"object": "search_result", "data": found[start : start + size], "has_more": more, "next_page": following, "url": url}


def _clauses(query: str) -> list[tuple[str, str | None, str]]:
    parsed = []
    for text in re.split(r"\s+AND\s+", query.strip()):
        if (clause := _CLAUSE.match(text)) is None:
            raise NotExecuted(f"We were unable to parse your search query near: {text}", param="query")
        parsed.append((clause["field"], clause["key"], clause["value"]))
    return parsed


def _read(body: JsonObject, field: str, key: str | None) -> str | None:
    value = body.get(field)
    if key is not None:
        value = value.get(key) if isinstance(value, dict) else None
    return None if value is None else str(value)
