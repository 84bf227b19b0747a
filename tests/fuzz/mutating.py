"""Changes inside the JSON of an input: bytes alone rarely make another number or another date of a valid message."""

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final, TypeAlias

Place: TypeAlias = tuple[Any, Any]
"""A container and the key or index of one of its values."""

STRANGE: Final[Sequence[Callable[[Any], Any]]] = (
    lambda value: f"{value}\n",
    lambda value: f" {value}",
    lambda value: str(value).upper(),
    lambda value: str(value) * 40,
    lambda value: [value],
    lambda value: {"id": value},
    lambda _: None,
    lambda _: True,
    lambda _: 0,
    lambda _: -1,
    lambda _: 2**63,
    lambda _: 10**30,
    lambda _: 10**400,
    lambda _: 1.5,
    lambda _: 1e300,
    lambda _: float("nan"),
    lambda _: "",
    lambda _: "\u0000",
    lambda _: "\ud800",
    lambda _: "\u0661\u0662\u0663",
    lambda _: "a\u0301\u202e\U0001f600",
    lambda _: "9999-12-31T23:59:59.999Z",
    lambda _: "0001-01-01",
    lambda _: "11111111-1111-4111-8111-111111111111",
    lambda _: "s1.legal.a.1.A",
    lambda _: [],
    lambda _: {},
    lambda _: [[[[[[[[]]]]]]]],
    lambda _: 253_402_300_799,
)


def mutated(data: bytes, chance: Random) -> bytes | None:
    """One value of the input's JSON is another, missing, or there under another name. None for an input without JSON."""
    head, gap, body = data.rpartition(b"\n\n")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    places = list(_places(document))
    if not places:
        return None
    container, key = chance.choice(places)
    _change(container, key, chance, places)
    # Both spellings of what is not ASCII; a lone surrogate has only one.
    text = json.dumps(document, ensure_ascii=chance.random() < 0.5)
    return head + gap + text.encode(errors="surrogatepass")


def _change(container: Any, key: Any, chance: Random, places: Sequence[Place]) -> None:
    action = chance.random()
    if action < 0.7:
        container[key] = chance.choice(STRANGE)(container[key])
    elif action < 0.8:
        del container[key]
    elif action < 0.9:
        other, name = chance.choice(places)
        # A copy: a value inside itself could not be written.
        container[key] = json.loads(json.dumps(other[name]))
    elif isinstance(container, dict):
        container[f"{key}{chance.choice(('x', '', ' ', '.'))}"] = container[key]


def _places(document: Any) -> list[Place]:
    found: list[Place] = []
    todo = [document]
    while todo:
        container = todo.pop()
        keys = list(container) if isinstance(container, dict) else range(len(container)) if isinstance(container, list) else ()
        found += [(container, key) for key in keys]
        todo += [container[key] for key in keys]
    return found
