"""One server of the local stack as a child process: start, wait until it answers, stop, kill, start again on the same port."""

import os
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections import deque
from pathlib import Path
from threading import Event

from workers.ops.stack import child
from workers.ops.stack.interface import StackError
from workers.ops.stack.ports import HOST, free_port, is_listening, require_free

READY_SECONDS = 60.0
POLL_SECONDS = 0.05
STOP_SECONDS = 20.0
TAIL_LINES = 25


class Server(ABC):
    """A server that ends with this process, however it dies. Its port and its data outlive stop and kill, until the stack ends.

    Not for several threads at once: LocalStack gives each server one.
    """

    name: str

    def __init__(self, folder: Path, port: int | None, scratch: Path | None = None) -> None:
        """`folder` holds the data and the log; `scratch`, if given, is removed should this process die."""
        self._asked_port = port
        self.port = port if port is not None else free_port()
        self.folder = folder
        self.log = folder / f"{self.name}.log"
        self._scratch = scratch
        self._watchdog: subprocess.Popen[bytes] | None = None
        self.pid: int | None = None

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def running(self) -> bool:
        return self._watchdog is not None and self._watchdog.poll() is None

    @abstractmethod
    def prepare(self) -> None:
        """What has to be there before the first start, in `folder`. Called at each start."""

    @abstractmethod
    def command(self) -> list[str]: ...

    @abstractmethod
    def answers(self) -> bool:
        """One real request; False while the server cannot serve it yet. Only asked once the port is open."""

    def start(self, cancelled: Event | None = None) -> None:
        """Returns once the server has answered a real request. Raises StackError, with nothing left running."""
        if self.running:
            return
        require_free(self.port, self.name)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.prepare()
        self._spawn()
        try:
            self._wait_until_it_answers(cancelled or Event())
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """Asks the server to end (SIGTERM) and waits; kills it after 20 s."""
        if self._watchdog is None:
            return
        self._watchdog.terminate()
        try:
            self._watchdog.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._forget()

    def kill(self) -> None:
        """SIGKILL, as a crash would be; returns when the process is gone and its port free."""
        if self._watchdog is None:
            return
        self._watchdog.send_signal(signal.SIGUSR1)
        try:
            self._watchdog.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._watchdog.pid, signal.SIGKILL)
            self._watchdog.wait()
        self._forget()

    def tail(self) -> str:
        """The last lines of the server's log, without the frames of Java's stack traces, which would push the reason out."""
        if not self.log.exists():
            return ""
        lines = (line for line in self.log.read_text(errors="replace").splitlines() if not line.startswith("\tat "))
        return "\n".join(deque(lines, maxlen=TAIL_LINES))

    def _spawn(self) -> None:
        # A session of its own: Ctrl-C in a terminal must reach this process alone, which drains first and stops the servers last.
        arguments = [str(os.getpid()), str(self.log), str(self._scratch or "-"), *self.command()]
        with self.log.open("ab") as log:
            watchdog = subprocess.Popen(  # noqa: S603 - the command is the project's own
                [sys.executable, "-I", "-S", child.__file__, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        assert watchdog.stdout is not None
        first_line = watchdog.stdout.readline()
        watchdog.stdout.close()
        self._watchdog = watchdog
        self.pid = int(first_line) if first_line.strip() else None

    def _wait_until_it_answers(self, cancelled: Event) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while self.running:
            if is_listening(self.port) and self.answers():
                return
            if cancelled.wait(POLL_SECONDS):
                raise StackError(f"The start of {self.name} was broken off.", "The stack was stopped while it started.", "Start it again.")
            if time.monotonic() > deadline:
                raise StackError(
                    f"{self.name} did not answer on {self.address} within {READY_SECONDS:.0f} s.",
                    f"It runs but serves nothing. The end of its log ({self.log}):\n{self.tail()}",
                    "Look for the reason there. A machine short of CPU or memory is the usual one.",
                )
        raise self._died()

    def _died(self) -> StackError:
        code = self._watchdog.returncode if self._watchdog is not None else None
        return StackError(
            f"{self.name} died while it started (exit code {code}).",
            f"The end of its log ({self.log}):\n{self.tail() or '(empty)'}",
            "If it names the port, start again; if it names the data folder, start with another or remove it; if memory, free some.",
        )

    def _forget(self) -> None:
        self._watchdog = None
        self.pid = None
