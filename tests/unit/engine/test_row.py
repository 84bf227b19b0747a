"""What the rows of all services have in common: what is left out at rest, and which commands are remembered."""

from collections.abc import Mapping

import pytest

from contracts.ids import within
from contracts.types import CommandId
from workers.engine.row import EMPTY, EMPTY_OR_ZERO, REMEMBERED, DecidedRow, Row


class Plain(Row):
    names: tuple[str, ...] = ()
    counts: Mapping[str, int] = {}
    count: int = 0
    done: bool = False
    note: str | None = None


class Sparse(Plain):
    leaves_out = EMPTY


class Sparsest(Plain):
    leaves_out = EMPTY_OR_ZERO


class DecidedPlain(Plain, DecidedRow):
    """Its first base chooses nothing, so the second one's choice holds."""


class DecidedSparsest(Sparsest, DecidedRow):
    pass


@pytest.mark.parametrize(
    ("row", "item"),
    [
        (Plain(), {"names": [], "counts": {}, "count": 0, "done": False}),
        (Sparse(), {"count": 0, "done": False}),
        (Sparsest(), {}),
        (DecidedPlain(), {"count": 0, "done": False}),
        (DecidedSparsest(), {}),
    ],
)
def test_what_says_nothing_is_left_out(row: Row, item: dict[str, object]) -> None:
    assert row.to_item() == item
    assert type(row).from_item(item) == row


@pytest.mark.parametrize("kind", [Plain, Sparse, Sparsest, DecidedSparsest])
def test_what_says_something_is_kept(kind: type[Plain]) -> None:
    row = kind(names=("",), counts={"": 0}, count=1, done=True, note="")
    assert row.to_item() == {"names": [""], "counts": {"": 0}, "count": 1, "done": True, "note": ""}
    assert kind.from_item(row.to_item()) == row


def test_the_last_commands_that_changed_a_row_are_remembered() -> None:
    commands = [CommandId(within("11111111-1111-4111-8111-111111111111", str(number))) for number in range(REMEMBERED + 2)]
    row = DecidedSparsest()
    for number, command in enumerate(commands):
        row = row.decided(command, count=number)
    assert (row.decided_by, row.count) == (tuple(commands[2:]), REMEMBERED + 1)
