"""What the rows of all services have in common."""

from typing import Any, ClassVar, Self

from contracts.message import Value
from contracts.types import CommandId, Timestamp

REMEMBERED = 20
"""How many of the commands that may be asked for again a row remembers."""

EMPTY: tuple[object, ...] = ([], {})
EMPTY_OR_ZERO: tuple[object, ...] = (*EMPTY, 0)
"""``False`` is a zero too."""


class Row(Value):
    """A row of an aggregate as it rests. ``created_by``, ``created_at``, ``updated_at`` are the engine's to stamp: no decision sets them.

    ``leaves_out``: values that say no more than the attribute's absence; a field that may have one needs it as its default.
    """

    leaves_out: ClassVar[tuple[object, ...]] = ()

    created_by: CommandId | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None

    def to_item(self) -> dict[str, Any]:
        """Without what is absent, and without what ``leaves_out`` names."""
        return {name: value for name, value in super().to_item().items() if value not in self.leaves_out}

    def having(self, **values: object) -> Self:
        """With these fields instead of its own; they are not validated."""
        return self.model_copy(update=values)


class DecidedRow(Row):
    """``decided_by``: the last commands of the kinds that may be asked for again, lest an old one published once more undoes a newer."""

    leaves_out = EMPTY

    decided_by: tuple[CommandId, ...] = ()

    def decided(self, command: CommandId, **values: object) -> Self:
        return self.having(**values, decided_by=(*self.decided_by, command)[-REMEMBERED:])
