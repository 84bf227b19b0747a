"""Pure policies: watermark, retry, partitioner."""

import pytest
from aiokafka.partitioner import DefaultPartitioner, murmur2
from hypothesis import given
from hypothesis import strategies as st

from workers.engine import partitioner
from workers.engine.retry import PROVIDER, TRANSIENT, Backoff
from workers.engine.watermark import Watermark


@given(st.integers(0, 50), st.lists(st.integers(1, 4), max_size=40), st.randoms(use_true_random=False))
def test_the_watermark_is_the_first_open_record_or_the_end(start: int, gaps: list[int], chance: object) -> None:
    """Against the plainest model: a list of what was received and a set of what was settled."""
    watermark, received, settled = Watermark(start), list[int](), set[int]()
    following = start
    for gap in gaps:
        offset = following + gap - 1
        assert watermark.received(offset, offset * 10)
        assert not watermark.received(offset, 0)
        received.append(offset)
        following = offset + 1
        for each in chance.sample(received, chance.randint(0, len(received))):  # type: ignore[attr-defined]  # hypothesis' random
            if each in settled:
                with pytest.raises(KeyError):
                    watermark.settle(each)
            elif chance.random() < 0.4:  # type: ignore[attr-defined]  # hypothesis' random
                watermark.settle(each)
                settled.add(each)
            still_open = [known for known in received if known not in settled]
            assert watermark.value == (still_open[0] if still_open else following)
            assert watermark.open == len(still_open)
            assert watermark.oldest == (still_open[0] * 10 if still_open else None)
            assert watermark.position == following


def test_what_was_never_received_cannot_be_settled() -> None:
    watermark = Watermark(5)
    with pytest.raises(KeyError):
        watermark.settle(5)
    assert not watermark.received(4, 0)
    assert watermark.value == 5


@given(st.binary(max_size=200))
def test_murmur2_is_kafkas(key: bytes) -> None:
    assert partitioner.murmur2(key) == murmur2(key) & 0xFFFFFFFF


@given(st.binary(min_size=1, max_size=64), st.integers(1, 64))
def test_a_key_goes_where_kafkas_clients_send_it(key: bytes, count: int) -> None:
    numbers = list(range(count))
    assert partitioner.partition_of(key, count) == DefaultPartitioner()(key, numbers, numbers)


@pytest.mark.parametrize(("key", "hashed"), [(b"21", -973932308), (b"foobar", -790332482), (b"a-little-bit-long-string", -985981536)])
def test_murmur2_of_the_vectors_of_kafkas_own_tests(key: bytes, hashed: int) -> None:
    assert partitioner.murmur2(key) == hashed & 0xFFFFFFFF


@given(st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_a_delay_lies_between_nothing_and_the_ceiling(attempt: int, chance: float) -> None:
    for backoff in (TRANSIENT, PROVIDER):
        assert 0 <= backoff.delay(attempt, chance) <= backoff.ceiling
        assert backoff.delay(attempt, chance) <= backoff.first * 2.0 ** min(attempt, 30)


def test_the_ceiling_doubles_and_stops() -> None:
    backoff = Backoff(first=1.0, ceiling=10.0)
    assert [backoff.delay(attempt, 1.0) for attempt in range(6)] == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    assert backoff.delay(5, 0.0) == 0.0
