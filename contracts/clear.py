"""Personal values in the clear, and what stands in their place once the key is destroyed.

A clear value exists between a sealed text and the one call that needs it. Whatever would keep or show it by the way fails.
"""

import hmac
from collections.abc import Callable
from enum import StrEnum
from typing import Final, NoReturn, final

MASK: Final = "Clear(***)"


class Redacted(StrEnum):
    """What every reader gets for a text whose key was destroyed. It says so where it is printed, in every language."""

    ERASED = "[redacted]"


class ClearValueError(TypeError):
    """A personal value was about to leave the process in the clear: pickled, copied into a message or dumped as JSON."""

    def __init__(self) -> None:
        super().__init__(
            "a personal value in the clear is neither pickled nor serialised: seal it, or call reveal() in the one place that may"
        )


@final
class Clear:
    """A personal value in the clear. Printing masks it, serialising it in any way raises; ``reveal`` is the only way out.

    Equal values are equal, compared in constant time. It has no hash, so that it becomes no key of a table of values.
    """

    __slots__ = ("__text",)
    __hash__ = None  # type: ignore[assignment]  # this is how Python says that a class has none

    def __init__(self, text: str) -> None:
        self.__text = text

    def reveal(self) -> str:
        """The value. Whoever calls this hands it to the provider that is to have it, and keeps it nowhere."""
        return self.__text

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Clear):
            return NotImplemented
        return hmac.compare_digest(self.__text.encode(), other.__text.encode())

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, specification: str) -> str:
        return MASK

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise ClearValueError

    def __deepcopy__(self, memo: object) -> NoReturn:
        raise ClearValueError

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: Callable[[object], object]) -> NoReturn:
        raise ClearValueError
