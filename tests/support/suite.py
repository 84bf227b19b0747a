"""``make test``: every test, in processes side by side: some compute, the others mostly wait for real servers of their own, so together
they take little longer than the longest. With arguments it is plain pytest."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

STREAMS: Mapping[str, Sequence[str]] = {
    "integration": ("tests/integration",),
    "system": ("tests/system",),
    "units": ("tests/unit", "tests/contracts", "tests/domain"),
    "models": ("tests/fuzz", "tests/simulation", "tests/bench", "tests/conformance"),
}
"""The first is shown as it goes, the others when they end."""
ROOT = Path(__file__).parents[2]
NOT_TESTS = frozenset({"support", "chaos", "payloads", "__pycache__"})
QUICK_JAVA = "-XX:TieredStopAtLevel=1"
"""Servers that live for a minute spend more on optimising their code than they ever gain by it."""


def unlisted() -> set[str]:
    """Folders of tests that no stream runs."""
    folders = {f"tests/{path.name}" for path in (ROOT / "tests").iterdir() if path.is_dir() and path.name not in NOT_TESTS}
    return folders - {folder for folders in STREAMS.values() for folder in folders}


class Stream:
    """One process of pytest. What it prints goes to ``told`` unless that is None. Killed at the end of the block."""

    def __init__(self, name: str, told: Path | None) -> None:
        self.name, self._told = name, told
        if told is None:
            self._process = subprocess.Popen(_pytest(STREAMS[name]), env=environment())
            return
        with told.open("w") as out:
            # A cache of its own: several would overwrite each other's.
            command = _pytest(["-q", "-p", "no:cacheprovider", *STREAMS[name]])
            self._process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=environment())

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()

    def ended(self) -> int:
        """Waits; then shows what was kept."""
        code = self._process.wait()
        if self._told:
            sys.stdout.write(f"\n{self.name} ({' '.join(STREAMS[self.name])}):\n{self._told.read_text()}")
            sys.stdout.flush()
        return code


def _pytest(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "pytest", *arguments]


def environment() -> dict[str, str]:
    return {"JAVA_TOOL_OPTIONS": QUICK_JAVA, **os.environ}


def main(arguments: list[str]) -> int:
    if arguments:
        return subprocess.run(_pytest(arguments), env=environment(), check=False).returncode
    if missing := unlisted():
        sys.stderr.write(f"no stream of tests/support/suite.py runs {', '.join(sorted(missing))}: add them there\n")
        return 2
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory()))
        streams = [running.enter_context(Stream(name, folder / name if n else None)) for n, name in enumerate(STREAMS)]
        return max([abs(stream.ended()) for stream in streams])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
