"""The sketch of different visitors: close to the truth, and indifferent to order and repetition."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.services.analytics.uniques import EMPTY, SKETCH_BYTES, estimate, merged, registered


def visitors(count: int, prefix: str = "visitor") -> list[str]:
    return [f"{prefix}-{number}" for number in range(count)]


@pytest.mark.parametrize("count", [0, 1, 2, 10, 100, 1000, 5000, 20_000, 100_000])
def test_the_estimate_is_close(count: int) -> None:
    """Five standard errors of 1.6 %: with fixed visitors this is one fixed number each."""
    sketch = registered(EMPTY, visitors(count))
    assert abs(estimate(sketch) - count) <= max(1, count * 0.08)
    assert len(sketch) == SKETCH_BYTES == 3072


@given(st.lists(st.text(max_size=8), max_size=60), st.randoms(use_true_random=False), st.integers(0, 60))
def test_order_repetition_and_partition_do_not_matter(seen: list[str], shuffle: Random, cut: int) -> None:
    shuffled = [*seen, *seen]
    shuffle.shuffle(shuffled)
    whole = registered(EMPTY, seen)
    assert registered(EMPTY, shuffled) == whole
    assert merged([registered(EMPTY, seen[:cut]), registered(EMPTY, seen[cut:]), EMPTY]) == whole
    assert registered(whole, seen) == whole


def test_merging_counts_common_visitors_once() -> None:
    one, other = registered(EMPTY, visitors(3000)), registered(EMPTY, visitors(1000) + visitors(2000, "other"))
    assert abs(estimate(merged([one, other])) - 5000) <= 400


def test_a_sketch_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="3072 bytes"):
        estimate(b"\0" * 10)
