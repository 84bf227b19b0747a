"""``make test``: every test, in two processes side by side. One half computes, the other mostly waits for real servers, so together they
take little longer than the slower one. With arguments it is plain pytest."""

import subprocess
import sys
import tempfile
from pathlib import Path

COMPUTING = ("tests/unit", "tests/contracts", "tests/domain", "tests/fuzz", "tests/simulation", "tests/bench", "tests/conformance")
WAITING = ("tests/integration", "tests/system")
ROOT = Path(__file__).parents[2]
NOT_TESTS = frozenset({"support", "chaos", "payloads", "__pycache__"})


def unlisted() -> set[str]:
    """Folders of tests that neither half runs."""
    folders = {f"tests/{path.name}" for path in (ROOT / "tests").iterdir() if path.is_dir() and path.name not in NOT_TESTS}
    return folders - {*COMPUTING, *WAITING}


def main(arguments: list[str]) -> int:
    pytest = [sys.executable, "-m", "pytest"]
    if arguments:
        return subprocess.run([*pytest, *arguments], check=False).returncode
    if missing := unlisted():
        sys.stderr.write(f"neither half of tests/support/suite.py runs {', '.join(sorted(missing))}: add them there\n")
        return 2
    with tempfile.TemporaryFile("w+", encoding="utf-8") as told:
        # A cache of its own: the two would overwrite each other's.
        computing = subprocess.Popen([*pytest, "-q", "-p", "no:cacheprovider", *COMPUTING], stdout=told, stderr=subprocess.STDOUT)
        try:
            waiting = subprocess.run([*pytest, *WAITING], check=False).returncode
            sys.stdout.write(f"\nthe other half ({' '.join(COMPUTING)}) ends:\n")
            sys.stdout.flush()
            computed = computing.wait()
        finally:
            computing.kill()
        told.seek(0)
        sys.stdout.write(told.read())
    return waiting or computed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
