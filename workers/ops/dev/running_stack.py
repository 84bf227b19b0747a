"""Which stack `mindlinks stack up` holds: a file that is locked for as long as its process lives, so a dead one is never believed."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from workers.ops.stack import Endpoints, StackError

RUNNING = Path(".stack") / "running.json"
"""In the folder where the command was given."""


@dataclass(frozen=True, slots=True)
class StackFile:
    pid: int
    endpoints: Endpoints

    @classmethod
    @contextmanager
    def written(cls, pid: int, endpoints: Endpoints) -> Iterator["StackFile"]:
        """Raises StackError when another process holds a stack here already."""
        RUNNING.parent.mkdir(parents=True, exist_ok=True)
        with RUNNING.open("a+", encoding="utf-8") as opened:
            if not _locked(opened):
                raise StackError("A stack is up here already.", f"{RUNNING} is held by its process.", "mindlinks stack down ends it.")
            try:
                opened.truncate(0)
                opened.write(json.dumps({"pid": pid, "endpoints": asdict(endpoints)}, default=str))
                opened.flush()
                yield cls(pid, endpoints)
            finally:
                opened.truncate(0)


def stack_file() -> StackFile | None:
    """None when no process holds one."""
    if not RUNNING.exists():
        return None
    with RUNNING.open("r+", encoding="utf-8") as opened:
        if _locked(opened):
            return None
        told = json.loads(opened.read() or "null")
    if told is None:
        return None
    named = told["endpoints"]
    folder = Path(named["data_folder"]) if named["data_folder"] else None
    return StackFile(told["pid"], Endpoints(named["kafka"], named["dynamodb"], named["aws"], folder))


def _locked(opened: IO[str]) -> bool:
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
