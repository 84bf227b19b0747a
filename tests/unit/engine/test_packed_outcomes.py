"""A hot root's outcomes ride through several writes: what the row carries already is not packed again, and is the same."""

from contracts.position import Origin
from contracts.types import CommandId, Timestamp
from workers.engine.outcome import Outcome, Said
from workers.engine.root import OUTCOMES, Root

HERE = Origin("AbCdEf/3")
AT = Timestamp("2026-01-31T09:30:00.000Z")


def outcome(offset: int) -> Outcome:
    return Outcome(HERE, offset, CommandId("c"), "k", "public", AT, (Said("E", "m.E.v1", b"{}"),), 2)


def test_outcomes_at_rest_are_taken_as_they_are_and_new_ones_packed() -> None:
    old, new = outcome(1), outcome(2)
    attributes = Root(version=3, outcomes=(old, new)).attributes({id(old): b"as it rests"})
    assert attributes[OUTCOMES] == [b"as it rests", new.pack()]


def test_an_equal_outcome_of_another_fold_is_packed_anew() -> None:
    resting, folded_again = outcome(1), outcome(1)
    attributes = Root(outcomes=(folded_again,)).attributes({id(resting): b"as it rests"})
    assert attributes[OUTCOMES] == [folded_again.pack()]
