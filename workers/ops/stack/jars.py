"""The jars of the local stack's servers: resolved by Maven once, then kept in a folder named after the pom they came from."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from workers.ops.stack.interface import Progress, StackError
from workers.ops.stack.java import find_java, find_maven

REPOSITORY = Path(__file__).resolve().parents[3]
POM = REPOSITORY / "deploy" / "local" / "pom.xml"
LIBRARY = REPOSITORY / ".stack" / "lib"
PARTIAL = ".partial"
REPORT_EVERY = 20


class Jars:
    """One folder of jars for each profile of the pom. A changed pom has other folders, so no stale jar is ever on a class path."""

    def __init__(self, library: Path = LIBRARY, pom: Path = POM) -> None:
        self._library = library
        self._pom = pom

    def folder(self, profile: str) -> Path:
        """Where the profile's jars are or will be. Raises StackError without a pom (an installed package has none)."""
        return self._library / f"{profile}-{self._pom_digest()}"

    def are_here(self, *profiles: str) -> bool:
        return all(self.folder(profile).is_dir() for profile in profiles)

    def resolve(self, profiles: tuple[str, ...], on_progress: Progress) -> None:
        """Returns once every profile's folder is whole; blocks, for minutes the first time. One process at a time resolves.

        A folder appears under its name only when complete: dying here costs the download, never leaves half a class path.
        """
        if self.are_here(*profiles):
            return
        maven = find_maven()
        self._library.mkdir(parents=True, exist_ok=True)
        with self._alone(on_progress):
            # Under the lock, so whatever is partial was left by a process that died.
            for left_over in self._library.glob(f"*{PARTIAL}"):
                shutil.rmtree(left_over, ignore_errors=True)
            for profile in profiles:
                if not self.are_here(profile):
                    self._download(maven, profile, on_progress)

    def _download(self, maven: Path, profile: str, on_progress: Progress) -> None:
        on_progress(f"{profile}: Maven resolves the jars of {self._pom.name} (once)")
        target = Path(tempfile.mkdtemp(prefix=f"{profile}-", suffix=PARTIAL, dir=self._library))
        command = [str(maven), "-B", "-f", str(self._pom), "-P", profile, "dependency:copy-dependencies", f"-DoutputDirectory={target}"]
        environment = {**os.environ, "JAVA_HOME": str(find_java().resolve().parent.parent)}
        with subprocess.Popen(  # noqa: S603 - the command is the project's own
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=environment,
        ) as run:
            assert run.stdout is not None
            last_lines = _follow(run.stdout, profile, on_progress)
        if run.returncode != 0 or not any(target.glob("*.jar")):
            shutil.rmtree(target, ignore_errors=True)
            raise _not_resolved(profile, run.returncode, last_lines)
        target.rename(self.folder(profile))
        on_progress(f"{profile}: {len(list(self.folder(profile).glob('*.jar')))} jars ready")

    def _pom_digest(self) -> str:
        try:
            return hashlib.sha256(self._pom.read_bytes()).hexdigest()[:12]
        except OSError as error:
            raise StackError(
                f"The list of jars for the local stack cannot be read: {error}.",
                "The local stack runs from a clone of the repository, where deploy/local/pom.xml names its servers.",
                "Run it in a clone, or set MINDLINKS_STACK to docker or embedded.",
            ) from None

    @contextmanager
    def _alone(self, on_progress: Progress) -> Iterator[None]:
        with (self._library / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                on_progress("another process is resolving the jars; waiting for it")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _follow(output: IO[str], profile: str, on_progress: Progress) -> list[str]:
    """Counts Maven's downloads for the one who waits, and keeps its last lines for an error."""
    last_lines: deque[str] = deque(maxlen=15)
    files = 0
    for line in output:
        if line.startswith("[ERROR]"):
            last_lines.append(line.rstrip())
        # "Downloaded from ..." after the level, once for each pom and jar.
        files += "Downloaded from" in line
        if files and "Downloaded from" in line and files % REPORT_EVERY == 0:
            on_progress(f"{profile}: {files} files downloaded")
    return list(last_lines)


def _not_resolved(profile: str, code: int, last_lines: list[str]) -> StackError:
    return StackError(
        f"Maven could not resolve the jars of {profile} (exit code {code}).",
        "Without them the server cannot start. Maven says:\n" + "\n".join(last_lines),
        "Check that Maven reaches its repository (network, proxy, ~/.m2/settings.xml) and start again; what is already there is kept.",
    )
