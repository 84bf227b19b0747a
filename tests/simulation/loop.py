"""An event loop of our own: virtual time, and chance decides which ready callback runs next. No threads, no sockets, no waiting.

Callbacks carry the process they belong to in their context. Those of a dead process never run again, which is what a crash at an
await is; those of a frozen one wait until it thaws, which is what makes a stale owner.
"""

import asyncio
import heapq
import sys
import warnings
from asyncio import events
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from contextvars import Context, ContextVar
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")


class Process:
    """One worker process: what dies together."""

    def __init__(self, name: str, tell: Callable[..., None]) -> None:
        self.name, self.tell = name, tell
        self.alive = True
        self.frozen = False
        self.held: list[asyncio.Handle] = []
        self.clock_offset = 0
        """Milliseconds its clock is wrong by."""
        self.fuses = 0


OWNER: ContextVar[Process | None] = ContextVar("owner", default=None)


class Stuck(Exception):
    """The run does not end: more steps than any run should need."""


class SimulatedLoop(asyncio.AbstractEventLoop):
    """``order``: how often chance, rather than age, picks the next callback (0: as asyncio itself does)."""

    def __init__(self, random: Random, order: float = 1.0) -> None:
        self._random, self._order = random.random, order
        self._ready: list[asyncio.Handle] = []
        self._timers: list[tuple[float, int, asyncio.Handle]] = []
        self._tasks: list[asyncio.Task[Any]] = []
        self._now = 0.0
        self._sequence = 0
        self.steps = 0
        self.errors: list[str] = []

    # --- running -----------------------------------------------------------------------------------------------------

    def run(self, until: Callable[[], bool], most: int) -> None:
        """Returns when ``until`` holds or nothing is left to do. Raises Stuck after ``most`` steps."""
        before = events._get_running_loop()
        events._set_running_loop(self)
        end = self.steps + most
        try:
            while not until() and self._step():
                if self.steps > end:
                    raise Stuck(f"still busy after {most} steps, at {self._now:.3f} s")
        finally:
            events._set_running_loop(before)

    def _step(self) -> bool:
        ready = self._ready
        if not ready and not self._advance():
            return False
        last = len(ready) - 1
        if last and self._random() < self._order:
            index = int(self._random() * (last + 1))
            handle = ready[index]
            ready[index] = ready[last]
            ready.pop()
        else:
            handle = ready.pop(0)
        self.steps += 1
        if handle._cancelled:
            return True
        process = handle._context.get(OWNER)  # type: ignore[attr-defined]  # a loop may look into its handles
        if process is not None:
            if not process.alive:
                return True
            if process.frozen:
                process.held.append(handle)
                return True
        handle._run()
        return True

    def _advance(self) -> bool:
        """To the next timer that still matters."""
        while self._timers:
            when, _, handle = heapq.heappop(self._timers)
            if handle._cancelled:
                continue
            self._now = max(self._now, when)
            self._ready.append(handle)
            while self._timers and self._timers[0][0] <= self._now:
                handle = heapq.heappop(self._timers)[2]
                if not handle._cancelled:
                    self._ready.append(handle)
            return True
        return False

    def thaw(self, process: Process) -> None:
        process.frozen = False
        self._ready += process.held
        process.held = []

    def dispose(self) -> None:
        """Ends what never ended. Code of dead processes may run its ``finally`` here; nobody looks any more."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._dispose()

    def _dispose(self) -> None:
        hook, sys.unraisablehook = sys.unraisablehook, lambda _: None
        try:
            for task in self._tasks:
                if not task.done():
                    task._log_destroy_pending = False  # type: ignore[attr-defined]  # expected here, not worth a warning
                    with suppress(BaseException):
                        coroutine = task.get_coro()
                        assert coroutine is not None
                        coroutine.close()
            self._tasks.clear()
            self._ready.clear()
            self._timers.clear()
            self._ready.clear()
        finally:
            sys.unraisablehook = hook

    # --- what asyncio asks of a loop ------------------------------------------------------------------------------------

    def time(self) -> float:
        return self._now

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_soon(  # type: ignore[override]  # typeshed's variadic form would say no more
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._sequence += 1
        heapq.heappush(self._timers, (when, self._sequence, handle))
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Cancelled timers are passed over when their time comes."""

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(
        self, coro: Generator[Any, None, T] | Coroutine[Any, Any, T], *, name: str | None = None, context: Context | None = None
    ) -> asyncio.Task[T]:
        task: asyncio.Task[T] = asyncio.Task(coro, loop=self, name=name or "task", context=context)
        self._tasks.append(task)
        return task

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """What nobody caught; a run with any of these has failed."""
        error = context.get("exception")
        self.errors.append(f"{context.get('message')}: {type(error).__name__}: {error}" if error else str(context.get("message")))
