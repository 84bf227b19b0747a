"""Which stack is up: found while its process holds it, waited for by whoever ends it, and never two in one folder."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from workers.ops.dev.running_stack import RUNNING, StackFile, holding, stack_file, until_released
from workers.ops.stack import Endpoints, StackError

FILE = StackFile(4711, Endpoints("127.0.0.1:9092", "http://127.0.0.1:8000", "http://127.0.0.1:5000", Path("data")))
HOLDER = "from workers.ops.dev.running_stack import holding\nwith holding():\n    print('held', flush=True)\n    input()\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_what_is_told_is_found_until_the_end() -> None:
    with holding() as tell:
        assert stack_file() is None
        tell(FILE)
        assert stack_file() == FILE
    assert stack_file() is None


def test_a_second_one_is_refused_and_the_first_keeps_what_it_told() -> None:
    with holding() as tell:
        tell(FILE)
        with pytest.raises(StackError, match="up here already"), holding():
            pass
        assert stack_file() == FILE


def test_who_waits_in_vain_is_told_so() -> None:
    with holding():
        assert not until_released(0.01)
    assert until_released(10)


def test_a_killed_process_holds_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path.cwd()) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert not until_released(0.01)
        holder.send_signal(signal.SIGKILL)
        assert until_released(10)
    assert RUNNING.exists()
    assert stack_file() is None
