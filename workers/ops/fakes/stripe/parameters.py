"""Form-encoded parameters of API v1: `metadata[contractId]=..&expand[0]=..` becomes a tree that is read by name and type."""

import re
from collections.abc import Iterable
from typing import TypeAlias

from workers.ops.fakes.stripe.errors import NotExecuted, missing_parameter, unknown_parameter

Tree: TypeAlias = dict[str, "str | Tree"]
_SEGMENT = re.compile(r"\[([^\]]*)\]")


def decode(pairs: Iterable[tuple[str, str]]) -> "Parameters":
    """Later values of one name win, as at Stripe. `a[]` counts up like `a[0]`, `a[1]`."""
    root: Tree = {}
    for name, value in pairs:
        head, _, rest = name.partition("[")
        path = [head, *_SEGMENT.findall(f"[{rest}")] if rest else [head]
        node = root
        for step in path[:-1]:
            below = node.setdefault(step, {})
            if isinstance(below, str):
                raise NotExecuted(f"Invalid object: {step}", code="parameter_invalid_object", param=name)
            node = below
        node[path[-1] or str(len(node))] = value
    return Parameters(root)


class Parameters:
    """One level of the tree. Every reader raises NotExecuted for a value of the wrong type; an empty text is 'not given'."""

    def __init__(self, tree: Tree, within: str = "") -> None:
        self._tree = tree
        self._within = within

    def _named(self, name: str) -> str:
        return f"{self._within}[{name}]" if self._within else name

    def refuse_unknown(self, accepted: frozenset[str]) -> None:
        for name in self._tree:
            if name not in accepted:
                raise unknown_parameter(name)

    def text(self, name: str) -> str | None:
        value = self._tree.get(name)
        if isinstance(value, dict):
            raise NotExecuted(f"Invalid string: {name}", code="parameter_invalid_string", param=self._named(name))
        return value or None

    def required(self, name: str) -> str:
        if (value := self.text(name)) is None:
            raise missing_parameter(self._named(name))
        return value

    def integer(self, name: str) -> int | None:
        value = self.text(name)
        if value is None:
            return None
        if not re.fullmatch(r"-?\d{1,18}", value):
            raise NotExecuted(f"Invalid integer: {value}", code="parameter_invalid_integer", param=self._named(name))
        return int(value)

    def flag(self, name: str) -> bool | None:
        value = self.text(name)
        if value not in (None, "true", "false"):
            raise NotExecuted(f"Invalid boolean: {value}", param=self._named(name))
        return None if value is None else value == "true"

    def one_of(self, name: str, allowed: frozenset[str]) -> str | None:
        value = self.text(name)
        if value is not None and value not in allowed:
            raise NotExecuted(f"Invalid {name}: must be one of {', '.join(sorted(allowed))}", param=self._named(name))
        return value

    def within(self, name: str) -> "Parameters":
        value = self._tree.get(name, {})
        if isinstance(value, str):
            raise NotExecuted("Invalid object", code="parameter_invalid_object", param=self._named(name))
        return Parameters(value, self._named(name))

    def given(self) -> tuple[str, ...]:
        return tuple(self._tree)

    def items(self, name: str) -> tuple[str, ...]:
        below = self.within(name)
        return tuple(below.required(index) for index in below.given())

    def strings(self, name: str) -> dict[str, str]:
        """A map such as metadata: at most 50 keys of 40 characters, values of 500, as Stripe has it."""
        value = self._tree.get(name, {})
        below = self.within(name) if value else Parameters({}, name)
        pairs = {key: below.text(key) or "" for key in below.given()}
        if len(pairs) > 50 or any(len(key) > 40 or len(text) > 500 for key, text in pairs.items()):
            raise NotExecuted("Metadata takes at most 50 keys of 40 characters with values of 500 characters.", param=name)
        return {key: text for key, text in pairs.items() if text}
