"""The breaker and the token bucket, as tables and against the plainest models."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.engine.breaker import PROBE_LOOK, Breaker, BreakerLimits, Phase
from workers.engine.rate_limit import RateLimit, TokenBucket

LIMITS = BreakerLimits(keys=3, ratio=0.5, window=1000, pause=100, longest=450)
GOOD, BAD = False, True


def after(outcomes: Sequence[tuple[str, bool, int]], limits: BreakerLimits = LIMITS) -> Breaker:
    """Calls one after the other: key, whether it failed, when it ended."""
    breaker = Breaker(limits)
    for key, failed, at in outcomes:
        if breaker.wait(at) == 0:
            breaker.ended(breaker.begin(), key, failed=failed, now=at)
    return breaker


@pytest.mark.parametrize(
    ("outcomes", "phase"),
    [
        ([("a", BAD, 0), ("b", BAD, 1), ("c", BAD, 2)], Phase.OPEN),
        ([("a", BAD, 0), ("b", BAD, 1)], Phase.CLOSED),
        ([("a", BAD, at) for at in range(100)], Phase.CLOSED),
        ([("a", BAD, 0), ("b", BAD, 1), ("a", GOOD, 2), ("c", BAD, 3)], Phase.CLOSED),
        ([("a", BAD, 0), ("b", BAD, 1), ("c", BAD, 1000)], Phase.CLOSED),
        ([*((f"g{n}", GOOD, n) for n in range(4)), *((f"b{n}", BAD, n) for n in range(3))], Phase.CLOSED),
        ([*((f"g{n}", GOOD, n) for n in range(4)), *((f"b{n}", BAD, n) for n in range(4))], Phase.OPEN),
    ],
    ids=["enough", "too few", "one key again and again", "answered since", "too long ago", "below the ratio", "at the ratio"],
)
def test_it_opens_when_enough_distinct_keys_failed_last(outcomes: Sequence[tuple[str, bool, int]], phase: Phase) -> None:
    assert after(outcomes).phase is phase


def opened() -> Breaker:
    """At 0."""
    return after([("a", BAD, 0), ("b", BAD, 0), ("c", BAD, 0)])


def test_open_it_lets_one_probe_begin_after_its_pause() -> None:
    breaker = opened()
    assert [breaker.wait(now) for now in (0, 60, 99, 100)] == [100, 40, 1, 0]
    breaker.begin()
    assert (breaker.phase, breaker.wait(100), breaker.wait(10_000)) == (Phase.HALF_OPEN, PROBE_LOOK, PROBE_LOOK)


def test_an_answered_probe_closes_it_and_the_past_is_forgotten() -> None:
    breaker = opened()
    breaker.ended(breaker.begin(), "a", failed=False, now=100)
    assert (breaker.phase, breaker.wait(100)) == (Phase.CLOSED, 0)
    breaker.ended(breaker.begin(), "b", failed=True, now=101)
    assert breaker.phase is Phase.CLOSED


def test_failed_probes_make_the_pause_grow_up_to_a_ceiling_and_an_answer_makes_it_short_again() -> None:
    breaker, now, pauses = opened(), 0, []
    for _ in range(5):
        pauses.append(breaker.wait(now))
        now += pauses[-1]
        breaker.ended(breaker.begin(), "a", failed=True, now=now)
    assert pauses == [100, 200, 400, 450, 450]
    now += breaker.wait(now)
    breaker.ended(breaker.begin(), "a", failed=False, now=now)
    for key in "abc":
        breaker.ended(breaker.begin(), key, failed=True, now=now)
    assert breaker.wait(now) == 100


def test_a_probe_that_tells_nothing_lets_another_begin_at_once() -> None:
    breaker = opened()
    breaker.abandoned(breaker.begin())
    assert (breaker.phase, breaker.wait(100)) == (Phase.OPEN, 0)


@pytest.mark.parametrize("failed", [GOOD, BAD])
def test_what_began_before_it_opened_says_nothing_of_a_probe(failed: bool) -> None:
    breaker = Breaker(LIMITS)
    early = breaker.begin()
    for key in "abc":
        breaker.ended(breaker.begin(), key, failed=True, now=0)
    breaker.begin()
    breaker.ended(early, "d", failed=failed, now=100)
    breaker.abandoned(early)
    assert breaker.phase is Phase.HALF_OPEN


def test_a_clock_set_back_makes_no_pause_longer_than_the_ceiling() -> None:
    assert opened().wait(-1_000_000) == LIMITS.longest


outcome = st.tuples(st.sampled_from("abcdefgh"), st.booleans(), st.integers(0, 300))


@given(st.lists(outcome, max_size=60))
def test_it_opens_exactly_when_the_plainest_model_does(steps: list[tuple[str, bool, int]]) -> None:
    breaker, now, told = Breaker(LIMITS), 0, list[tuple[str, bool, int]]()
    for key, failed, passed in steps:
        now += passed
        breaker.ended(breaker.begin(), key, failed=failed, now=now)
        told.append((key, failed, now))
        last = {key: failed for key, failed, at in told if at > now - LIMITS.window}
        opens = sum(last.values()) >= LIMITS.keys and sum(last.values()) >= LIMITS.ratio * len(last)
        assert (breaker.phase is Phase.OPEN) == opens
        if opens:
            return


@given(st.lists(st.integers(0, 500), max_size=80), st.floats(0.1, 200), st.integers(1, 20))
def test_no_time_sees_more_calls_than_the_burst_and_its_share(gaps: list[int], per_second: float, burst: int) -> None:
    bucket, now, taken = TokenBucket(RateLimit(per_second, burst)), 0, list[int]()
    for gap in gaps:
        now += gap
        if bucket.take(now) == 0:
            taken.append(now)
    for first, start in enumerate(taken):
        for last in range(first, len(taken)):
            assert last - first + 1 <= burst + (taken[last] - start) * per_second / 1000 + 1e-6


@given(st.floats(0.1, 200), st.integers(1, 5))
def test_who_waits_as_long_as_told_gets_a_token(per_second: float, burst: int) -> None:
    bucket = TokenBucket(RateLimit(per_second, burst))
    assert [bucket.take(0) for _ in range(burst)] == [0] * burst
    pause = bucket.take(0)
    assert 0 < pause <= 1000 / per_second + 1
    # A millisecond more than told covers the rounding of a long sum.
    assert bucket.take(pause + 1) == 0


def test_a_bucket_whose_clock_is_set_back_keeps_what_it_has() -> None:
    bucket = TokenBucket(RateLimit(10, 2))
    assert bucket.take(1000) == 0
    assert bucket.take(0) == 0
    assert bucket.take(0) == 100
