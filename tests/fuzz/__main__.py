"""``make fuzz SECONDS=60 TARGETS="decode story"``: each target for that long, its executions and findings; exit 1 with a finding.

The shortest input of each finding is kept under tests/fuzz/findings/<target>/ and replayed by ``make test`` from then on.
"""

import argparse
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.fuzz.found import inputs
from tests.fuzz.targets import TARGETS

GRACE = 120
"""Seconds beyond its time that a target may take to start and to end."""
EXECUTIONS = re.compile(r"number_of_executed_units: (\d+)")
NO_FUZZER = "The fuzzer atheris is not installed: nothing was run. Install the extra: pip install -e '.[fuzz]'\n"


def run(target: str, seconds: int) -> tuple[str, bool]:
    """A line for the table, and whether all was well."""
    before = {path: path.read_bytes() for path in inputs(target)}
    with TemporaryDirectory() as directory:
        command = [sys.executable, "-m", "tests.fuzz.guided", target, directory, str(seconds)]
        ended = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=seconds + GRACE, env=os.environ, check=False
        )
    output = ended.stdout + ended.stderr
    counted = EXECUTIONS.search(output)
    found = [path for path in inputs(target) if before.get(path) != path.read_bytes()]
    line = f"{target:<18}{counted[1] if counted else '?':>12} executions {len(found):>4} findings"
    if ended.returncode or found:
        line += "\n" + "\n".join([*(f"  {path.relative_to(Path.cwd())}" for path in found), _told(output)])
    return line, ended.returncode == 0 and not found and counted is not None


def _told(output: str) -> str:
    noise = ("INFO", "WARNING", "###", "stat::")
    return "\n".join(f"  {line}" for line in output.splitlines() if line and not line.startswith(noise) and "# Uses:" not in line)[-6000:]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--side-by-side", type=int, default=2, help="targets at a time")
    parser.add_argument("targets", nargs="*", help="all by default")
    given = parser.parse_args(arguments)
    if importlib.util.find_spec("atheris") is None:
        sys.stderr.write(NO_FUZZER)
        return 2
    well = True
    with ThreadPoolExecutor(given.side_by_side) as pool:
        for line, fine in pool.map(lambda target: run(target, given.seconds), given.targets or TARGETS):
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
            well = well and fine
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
