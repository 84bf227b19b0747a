"""What a fuzzer found once stays mended, and its targets can still find something."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.fuzz.found import FINDINGS, inputs
from tests.fuzz.mutating import mutated
from tests.fuzz.targets import TARGETS

MUTATIONS = 20
"""Of every seed, in every run of the suite."""


def _found() -> Iterator[tuple[str, Path]]:
    for target in TARGETS:
        yield from ((target, path) for path in inputs(target))


@pytest.mark.parametrize(("target", "path"), list(_found()), ids=lambda part: getattr(part, "name", part))
def test_a_finding_stays_mended(target: str, path: Path) -> None:
    TARGETS[target].run(path.read_bytes())


def test_every_finding_has_a_target() -> None:
    assert {path.name for path in FINDINGS.iterdir()} <= TARGETS.keys()


@pytest.mark.parametrize("target", TARGETS)
def test_seeds_and_changes_of_them_are_taken_or_refused(target: str) -> None:
    """A small run without a fuzzer, the same in every environment."""
    seeds, chance = list(TARGETS[target].seeds()), Random(0)
    assert seeds
    for seed in seeds:
        TARGETS[target].run(seed)
        # Stories are told in test_decisions.py; they take a thousand times as long.
        for _ in range(0 if target == "story" else MUTATIONS):
            TARGETS[target].run(mutated(seed, chance) or seed[: chance.randrange(len(seed) + 1)])
