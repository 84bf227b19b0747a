"""A watchdog that runs one server and never lets it outlive the process that asked for it.

Run as a file, not as a module, with nothing but the standard library, so that it starts in milliseconds:

    python -I -S child.py PARENT_PID LOG_FILE SCRATCH_FOLDER|- COMMAND...

The server's own process id goes to standard output, its output to LOG_FILE. SIGTERM is passed on as SIGTERM, SIGUSR1 as SIGKILL.
If the parent dies, the server is killed and SCRATCH_FOLDER removed; if the watchdog itself dies, the kernel kills the server.
A watchdog, because PR_SET_PDEATHSIG alone follows the *thread* that forked: set from a pool's thread it would kill the server
when that thread ends.
"""

import contextlib
import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
POLL_SECONDS = 0.2


def die_with_parent() -> None:
    """Runs in the forked child, before exec. Elsewhere than on Linux the watchdog's own watch has to do."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def wait_for_either_end(server: "subprocess.Popen[bytes]", parent: int) -> None:
    """Returns when the server or the parent has ended."""
    if hasattr(os, "pidfd_open"):
        try:
            ends = [os.pidfd_open(server.pid), os.pidfd_open(parent)]
        except OSError:
            # The parent is gone, or the kernel is too old for it: the loop below tells which.
            ends = []
        # A process id is reused: only a parent that is still ours after the opening is the one watched.
        if ends and os.getppid() == parent:
            select.select(ends, [], [])
            return
    # The parent's end can't be waited for without a pidfd (not Linux): a watchdog that looks late is better than none.
    while os.getppid() == parent:
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(POLL_SECONDS)
            return


def main(parent: int, log_file: str, scratch: str, command: "list[str]") -> int:
    # preexec_fn is safe here: this process has one thread, so nothing holds a lock across the fork.
    with Path(log_file).open("ab") as log:
        server = subprocess.Popen(  # noqa: S603 - the command is the project's own
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=die_with_parent,  # noqa: PLW1509
        )
    signal.signal(signal.SIGTERM, lambda *_: server.send_signal(signal.SIGTERM))
    signal.signal(signal.SIGUSR1, lambda *_: server.send_signal(signal.SIGKILL))
    os.write(1, b"%d\n" % server.pid)
    wait_for_either_end(server, parent)
    if os.getppid() != parent:
        server.kill()
        server.wait()
        if scratch != "-":
            shutil.rmtree(scratch, ignore_errors=True)
    return server.wait()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:]) & 0xFF)
