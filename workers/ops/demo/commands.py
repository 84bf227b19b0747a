"""``mindlinks demo``."""

import time

import typer
from rich.console import Console

from workers.ops.composition import Composition
from workers.ops.demo.playing import play
from workers.ops.dev.environment import Wish
from workers.ops.dev.opening import development, unless_broken
from workers.ops.dev.standing import interruptible
from workers.ops.stack import LocalStack, Provider, StackError, asked_provider
from workers.ops.terminal import console, run_async, show_progress

ENVIRONMENT = "demo"
WIDTH = 140
"""Columns, where the output is no terminal."""


def add(app: typer.Typer, composition: Composition) -> None:
    @app.command(
        help="Play two people's story from sign-up to payout on the real system and check it. MINDLINKS_STACK=embedded needs Python alone."
    )
    def demo() -> None:
        began = time.monotonic()
        try:
            provider, why = demo_provider()
        except StackError as error:
            console.print(str(error), style="red", markup=False, highlight=False)
            raise typer.Exit(2) from None
        if why:
            show_progress(why)
        if not run_async(_play(Wish(composition, provider, ENVIRONMENT, brief=True, on_progress=show_progress), began), "ERROR"):
            console.print("interrupted")
            raise typer.Exit(1)


def demo_provider() -> tuple[Provider, str]:
    """What MINDLINKS_STACK asks for; else real servers where they can run, else memory, with the reason. Raises StackError."""
    asked = asked_provider()
    if asked is not Provider.AUTO:
        return asked, ""
    obstacle = LocalStack().why_not()
    if obstacle is None:
        return Provider.LOCAL, "stack local: a real Kafka broker and DynamoDB Local"
    return Provider.EMBEDDED, f"stack embedded, everything in memory, for local cannot run here: {obstacle.happened}"


async def _play(wish: Wish, began: float) -> bool:
    return await interruptible(_played(wish, began))


async def _played(wish: Wish, began: float) -> None:
    told = Console()
    if not told.is_terminal:
        told = Console(width=WIDTH)
    async with development(wish) as standing:
        await unless_broken(standing, play(standing, told, began))
