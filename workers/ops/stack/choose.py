"""Which provider of the stack to use, and the ways to hold one for a while."""

import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from workers.ops.stack.docker import DockerStack
from workers.ops.stack.embedded import EmbeddedStack
from workers.ops.stack.interface import Endpoints, Progress, Provider, Stack, StackError, silent
from workers.ops.stack.local import LocalStack

VARIABLE = "MINDLINKS_STACK"
ORDER = (Provider.DOCKER, Provider.LOCAL, Provider.EMBEDDED)


@dataclass(frozen=True, slots=True)
class Choice:
    """A provider's stack, not started, and one line that says why it is this one."""

    stack: Stack
    reason: str


def provider_named(name: str) -> Provider:
    """The provider of that name. Raises StackError, which lists the names there are."""
    try:
        return Provider(name.strip().lower())
    except ValueError:
        raise StackError(
            f"{VARIABLE}={name!r} names no provider of the stack.",
            "It says what Kafka and DynamoDB run on.",
            f"Set it to one of {', '.join(Provider)}; auto takes the first that works.",
        ) from None


def asked_provider(environment: Mapping[str, str] = os.environ) -> Provider:
    """What MINDLINKS_STACK asks for; auto where it is not set."""
    return provider_named(environment.get(VARIABLE) or Provider.AUTO)


def make_stack(provider: Provider, *, keep: Path | None = None, on_progress: Progress = silent) -> Stack:
    """A stack of one named provider; `keep` means something to local alone."""
    if provider is Provider.DOCKER:
        return DockerStack(on_progress=on_progress)
    if provider is Provider.LOCAL:
        return LocalStack(keep=keep, on_progress=on_progress)
    return EmbeddedStack()


def choose(provider: Provider, *, keep: Path | None = None, on_progress: Progress = silent) -> Choice:
    """The stack asked for, or with AUTO the first that could start here. Starts nothing.

    With `keep`, AUTO tries local alone: the other two keep nothing. Raises StackError if what was asked for cannot start.
    """
    if provider is not Provider.AUTO:
        return _named(provider, keep, on_progress)
    obstacles: list[str] = []
    for candidate in (Provider.LOCAL,) if keep is not None else ORDER:
        stack = make_stack(candidate, keep=keep, on_progress=on_progress)
        obstacle = stack.why_not()
        if obstacle is None:
            because = "; ".join(obstacles) or "it works here and comes first"
            return Choice(stack, f"stack {candidate}: {because}")
        obstacles.append(f"not {candidate}: {obstacle.happened}")
        if keep is not None:
            raise obstacle
    raise AssertionError("embedded always works")


def _named(provider: Provider, keep: Path | None, on_progress: Progress) -> Choice:
    stack = make_stack(provider, keep=keep, on_progress=on_progress)
    if (obstacle := stack.why_not()) is not None:
        raise obstacle
    return Choice(stack, f"stack {provider}: asked for")


@contextmanager
def running_stack_sync(provider: Provider, *, keep: Path | None = None, on_progress: Progress = silent) -> Iterator[Endpoints]:
    """A started stack for the length of a with block, stopped at its end whatever happens in it. Raises StackError."""
    choice = choose(provider, keep=keep, on_progress=on_progress)
    on_progress(choice.reason)
    try:
        yield choice.stack.start_sync()
    finally:
        choice.stack.stop_sync()


@asynccontextmanager
async def running_stack(provider: Provider, *, keep: Path | None = None, on_progress: Progress = silent) -> AsyncIterator[Endpoints]:
    """As running_stack_sync, with the event loop free meanwhile. A cancelled start is broken off and cleaned up."""
    choice = choose(provider, keep=keep, on_progress=on_progress)
    on_progress(choice.reason)
    try:
        yield await choice.stack.start()
    finally:
        await choice.stack.stop()
