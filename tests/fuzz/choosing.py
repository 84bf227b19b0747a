"""Where a fuzzed story's choices come from: hypothesis, which shrinks them, or a fuzzer's bytes, which coverage steers."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")


class Exhausted(Exception):
    """No more bytes: the story ends here."""


class Chooser(Protocol):
    def pick(self, options: Sequence[T]) -> T:
        """One of ``options``, which are never empty; simpler ones stand first. Raises Exhausted where choices are finite."""
        ...


class DrawnChoices:
    """Choices that hypothesis draws."""

    def __init__(self, data: st.DataObject) -> None:
        self._data = data

    def pick(self, options: Sequence[T]) -> T:
        return options[self._data.draw(st.integers(0, len(options) - 1))] if len(options) > 1 else options[0]


class ByteChoices:
    """Choices that a string of bytes makes, one byte each: equal bytes tell equal stories, and a changed byte a related one."""

    def __init__(self, source: bytes) -> None:
        self._source, self._at = source, 0

    def pick(self, options: Sequence[T]) -> T:
        if len(options) == 1:
            return options[0]
        if self._at >= len(self._source):
            raise Exhausted
        self._at += 1
        return options[self._source[self._at - 1] % len(options)]
