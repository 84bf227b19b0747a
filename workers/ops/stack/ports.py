"""TCP ports for servers on the loopback address."""

import random
import socket
from pathlib import Path

from workers.ops.stack.interface import StackError

HOST = "127.0.0.1"
LOWEST = 15_000
EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def is_free(port: int) -> bool:
    """True if a server could listen there now. SO_REUSEADDR, as the servers set it: a connection in TIME_WAIT is no hindrance."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def is_listening(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=1):
            return True
    except OSError:
        return False


def free_port() -> int:
    """A port that is free now, below the range from which the kernel takes the near ends of connections.

    A port out of that range (which bind to 0 gives) would not survive a server's restart: a client that keeps calling the
    closed port is in time given that very port as its own end, connects to itself, and the server cannot have it back.
    """
    highest = _lowest_ephemeral()
    for port in random.SystemRandom().sample(range(LOWEST, highest), k=200):
        if is_free(port):
            return port
    raise StackError(
        f"No free TCP port between {LOWEST} and {highest} on {HOST}.",
        "The servers of the local stack have nowhere to listen.",
        "End processes that hold ports there (ss -tlnp shows them), then start again.",
    )


def require_free(port: int, server: str) -> None:
    """Raises StackError if somebody listens at the port that the server was told to use."""
    if not is_free(port):
        raise StackError(
            f"Port {port}, asked for by {server}, is taken.",
            f"Another process listens on {HOST}:{port}, so {server} cannot start there.",
            f"End that process (ss -tlnp 'sport = :{port}' names it), ask for another port, or ask for none to get a free one.",
        )


def _lowest_ephemeral() -> int:
    try:
        lowest = int(EPHEMERAL_RANGE.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return 32_768
    return lowest if lowest > LOWEST + 1_000 else 32_768
