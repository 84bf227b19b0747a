"""What every command of ``mindlinks`` shares: where it writes, how it runs, how it ends."""

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Annotated, Any

import typer
from rich.console import Console

from workers.adapters import structured_logs
from workers.adapters.log_masking import MASKING

console = Console(stderr=True)
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


def run_async(work: Coroutine[Any, Any, Any], log_level: str = "INFO") -> Any:
    """Runs to the end; a fault is one clear line, not a trace."""
    structured_logs.configure(log_level)
    try:
        return asyncio.run(work)
    except* Exception as group:  # noqa: BLE001  # whatever it is, a person reads one line
        for error in _leaves(group):
            console.print(MASKING.text(f"{type(error).__name__}: {error}"), style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """What a group holds, however deep."""
    if not isinstance(error, BaseExceptionGroup):
        yield error
        return
    for each in error.exceptions:
        yield from _leaves(each)


def show_progress(line: str) -> None:
    console.print(line, style="dim", markup=False, highlight=False, soft_wrap=True)
