"""What a lane remembers of outcomes that were acknowledged."""

from unittest.mock import Mock

import pytest

from contracts.position import Origin
from contracts.types import CommandId, Timestamp
from tests.support import toy
from workers.engine.lane import Entry, Lane
from workers.engine.outcome import Outcome
from workers.engine.root import Root

HERE = Origin("AbCdEf/3")
STORED, TRACELESS = (HERE, 5), (HERE, 9)


def lane() -> Lane:
    """Its root carries the outcome of the command at 5; that at 9 was refused on an absent root and left no trace."""
    made = Lane(Mock(), toy.root_ref("key"), "key")
    outcome = Outcome(HERE, 5, CommandId("c"), "k", "public", Timestamp("2026-01-31T09:30:00.000Z"), ())
    made.entry = Entry(Root(outcomes=(outcome,)))
    return made


@pytest.mark.parametrize(
    ("busy", "known", "remembered"),
    [(False, True, {STORED}), (True, True, {STORED, TRACELESS}), (False, False, {STORED, TRACELESS})],
    ids=["at rest", "a write is under way", "its row is not known"],
)
def test_only_what_a_row_carries_is_remembered(busy: bool, known: bool, remembered: set[tuple[str, int]]) -> None:
    made = lane()
    made.busy = busy
    if not known:
        made.entry = None
    made.remember_acknowledged({STORED, TRACELESS})
    assert made.acknowledged == remembered


def test_what_was_remembered_during_a_write_is_forgotten_at_rest() -> None:
    made = lane()
    made.busy = True
    made.remember_acknowledged({TRACELESS})
    made.busy = False
    made.remember_acknowledged({STORED})
    assert made.acknowledged == {STORED}
