"""Which stack `mindlinks stack up` holds: a file that is locked for as long as its process lives, so a dead one is never believed."""

import fcntl
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from threading import Thread
from typing import IO

from workers.ops.stack import Endpoints, StackError

RUNNING = Path(".stack") / "running.json"
"""In the folder where the command was given."""


@dataclass(frozen=True, slots=True)
class StackFile:
    pid: int
    endpoints: Endpoints


@contextmanager
def holding() -> Iterator[Callable[[StackFile], None]]:
    """Nobody else holds a stack here meanwhile. What it is called with is what others find from then on.

    Raises StackError when another process holds one already.
    """
    RUNNING.parent.mkdir(parents=True, exist_ok=True)
    with RUNNING.open("a+", encoding="utf-8") as opened:
        if not _locked(opened):
            raise StackError("A stack is up here already.", f"{RUNNING} is held by its process.", "mindlinks stack down ends it.")
        opened.truncate(0)
        try:
            yield partial(_tell, opened)
        finally:
            opened.truncate(0)


def until_released(seconds: float) -> bool:
    """Waits until no process holds one, dead or done; False if one still does after ``seconds``."""
    with RUNNING.open("r+", encoding="utf-8") as opened:
        # A lock is waited for without a deadline; the thread that still waits at the end dies with this process.
        waiting = Thread(target=fcntl.flock, args=(opened.fileno(), fcntl.LOCK_EX), daemon=True)
        waiting.start()
        waiting.join(seconds)
        return not waiting.is_alive()


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


def _tell(opened: IO[str], file: StackFile) -> None:
    opened.write(json.dumps(asdict(file), default=str))
    opened.flush()


def _locked(opened: IO[str]) -> bool:
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
