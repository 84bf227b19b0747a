"""One target under libFuzzer, in a process of its own: ``python -m tests.fuzz.guided TARGET DIRECTORY SECONDS``.

Keeps going after a finding: one input per kind of failure, the shortest that was met, is written to the findings.
"""

import sys
import traceback
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from random import Random

import atheris  # type: ignore[import-untyped]  # ships no types

from tests.fuzz.found import FINDINGS
from tests.fuzz.mutating import mutated

with atheris.instrument_imports(include=["contracts", "workers.ingress", "workers.services", "workers.engine"]):
    from tests.fuzz.targets import TARGETS


LONGEST_INPUT = 64 * 1024
PATIENCE = 20
"""Seconds that one input may take."""


def fingerprint(error: BaseException) -> str:
    """Where it was raised, and what."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}-{Path(frame.filename).stem}-{frame.name}"


def keeping(target: str, run: Callable[[bytes], None]) -> Callable[[bytes], None]:
    shortest: dict[str, int] = {}

    def fuzzed(data: bytes) -> None:
        try:
            run(data)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is a finding
            name = fingerprint(error)
            if len(data) >= shortest.get(name, len(data) + 1):
                return
            if name not in shortest:
                traceback.print_exception(error, limit=-4)
            shortest[name] = len(data)
            path = FINDINGS / target / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    return fuzzed


def mutate(data: bytes, most: int, seed: int) -> bytes:
    """Half of the changes are made inside the JSON, where there is any."""
    chance = Random(seed)
    changed = mutated(data, chance) if chance.random() < 0.5 else None
    if changed is not None and len(changed) <= most:
        return changed
    guided: bytes = atheris.Mutate(data, most)
    return guided


def main(target: str, directory: Path, seconds: int) -> None:
    """Never returns: libFuzzer ends the process."""
    corpus = directory / "corpus"
    corpus.mkdir(parents=True)
    for seed in TARGETS[target].seeds():
        (corpus / sha256(seed).hexdigest()[:16]).write_bytes(seed)
    artifacts = FINDINGS / target
    artifacts.mkdir(parents=True, exist_ok=True)
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST_INPUT}",
        f"-timeout={PATIENCE}",
        f"-artifact_prefix={artifacts}/",
        "-print_final_stats=1",
        "-verbosity=0",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], keeping(target, TARGETS[target].run), custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
