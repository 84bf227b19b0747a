"""Running the application under uvicorn inside an event loop that belongs to someone else."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from starlette.types import ASGIApp

DRAIN_SECONDS: Final = 20
"""How long requests in flight may take once serving is to end."""
BACKLOG: Final = 1024


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_started()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the process's business: it drains more than this server."""
        yield


async def serve(app: ASGIApp, host: str, port: int, on_ready: Callable[[int], None]) -> None:
    """Serves until cancelled, then takes no more connections, finishes what is in flight and returns by CancelledError.

    ``port`` 0 lets the system choose; ``on_ready`` is told which. Raises OSError when the address cannot be had.
    """
    with socket.create_server((host, port), backlog=BACKLOG) as listener:
        bound: int = listener.getsockname()[1]
        config = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", server_header=False, timeout_graceful_shutdown=DRAIN_SECONDS
        )
        server = _Server(config, lambda: on_ready(bound))
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await asyncio.shield(running)
        except asyncio.CancelledError:
            server.should_exit = True
            await running
            raise
