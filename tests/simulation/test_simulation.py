"""A short run of the simulator, and a quick part of its own exam; ``make simulate`` does more of both."""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from contracts.envelope import Envelope, text_headers
from tests.simulation.exam import PLANTED, examined
from tests.simulation.shrink import shrunk
from tests.simulation.simulation import Plan, Simulation, many_runs, run

SEEDS = 300
QUICK = [
    "commit_before_publish",
    "drain_returns_early",
    "effect_without_ledger",
    "event_id_by_chance",
    "fired_id_by_chance",
    "firing_ends_what_was_moved",
    "fuse_parks_first",
    "fuse_settles_in_its_window",
    "garbage_is_dropped",
    "head_not_kept",
    "hold_before_rows",
    "late_not_marked",
    "later_event_passes",
    "no_ring",
    "no_version_check",
    "outcomes_not_kept",
    "park_without_write",
    "passed_without_note",
    "poison_is_skipped",
    "publish_only_own",
    "refusal_not_written",
    "retry_reorders",
    "rows_before_head",
    "settled_ahead",
    "skipped_not_kept",
    "timer_fires_early",
    "timer_row_behind_cursor",
    "unknown_is_repeated",
    "unknown_is_written",
    "watermark_not_contiguous",
]
"""Found within a few seeds; the others take ``make simulate EXAM=1``."""
DIGESTS = "from tests.simulation.simulation import Plan, run; print(*(run(Plan(seed))[0].digest() for seed in range(6)))"


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with many_runs():
        yield


def test_no_seed_breaks_a_promise() -> None:
    broken = {seed: found for seed in range(SEEDS) if (found := run(Plan(seed))[1])}

    assert not broken, "\n".join(f"make simulate SEEDS=1 FIRST={seed}: {found[0]}" for seed, found in broken.items())


def test_bad_deploys_trip_the_fuse_and_timers_fire() -> None:
    """The promises of both are about nothing otherwise."""
    deploys = [run(Plan(seed, "registry+deploy"))[0] for seed in range(20)]
    diaries = [run(Plan(seed, "diary+timers"))[0] for seed in range(20)]

    tripped = [each for each in deploys if any(entry.what == "fuse" and entry.details[-1] for entry in each.journal)]
    fired = [each for each in diaries if any(item.get("state") == "fired" for item in each.store.items.values())]
    assert len(tripped) >= 10
    assert {each.deploy.fresh for each in tripped} == {True, False}
    assert len(fired) >= 15


def test_services_follow_one_another_and_race_for_addresses() -> None:
    """What is promised about reactions across services and about lost claims is about nothing otherwise."""
    people = [run(Plan(seed, "people"))[0] for seed in range(20)]
    accounts = [run(Plan(seed, "auth+effects"))[0] for seed in range(20)]

    sent = {(each.kind.split(".")[2], each.actor) for each in _all(people, "commands")}
    assert sent >= {("ApplyKycOutcome", "system:contractor"), ("StartKycSession", "system:kyc"), ("ReviewKycDocument", "system:kyc")}
    assert {"UserErased", "CommandRefused"} <= {each.kind.split(".")[2] for each in _all(accounts, "events")}


def _all(simulations: Iterable[Simulation], topics: str) -> Iterator[Envelope]:
    return (envelope for simulation in simulations for envelope in _envelopes(simulation, topics))


def _envelopes(simulation: Simulation, topics: str) -> Iterator[Envelope]:
    for partition, records in simulation.log.records.items():
        if partition.topic.endswith(topics):
            yield from (Envelope.from_headers(text_headers(record.headers)) for record in records)


@pytest.mark.parametrize("name", QUICK)
def test_a_planted_bug_is_found(name: str) -> None:
    assert examined(PLANTED[name]).took is not None, f"{PLANTED[name].says}: not found in {PLANTED[name].within} seeds"


def test_the_same_seed_is_the_same_run_whatever_the_hash_seed() -> None:
    root = Path(__file__).parents[2]
    answers = set()
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(root), "PYTHONWARNINGS": "ignore"}
        ran = subprocess.run([sys.executable, "-c", DIGESTS], cwd=root, env=environment, capture_output=True, text=True, check=True)
        answers.add(ran.stdout)

    assert len(answers) == 1
    assert len(set(answers.pop().split())) == 6


def test_another_seed_is_another_run() -> None:
    assert run(Plan(1))[0].digest() == run(Plan(1))[0].digest() != run(Plan(2))[0].digest()


def test_a_failing_run_is_made_smaller_and_still_fails() -> None:
    with PLANTED["outcomes_not_kept"].in_place():
        seed = next(seed for seed in range(50) if run(Plan(seed))[1])
        whole = run(Plan(seed))[0]
        small, broken = shrunk(Plan(seed))
        left = run(small)

    assert broken
    assert left[1]
    assert len(left[0].sent) < len(whole.sent)
