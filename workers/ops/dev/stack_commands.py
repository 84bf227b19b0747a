"""``mindlinks stack``: the servers alone, for work on one process at a time."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from workers.ops.dev.running_stack import RUNNING, StackFile, holding, stack_file, until_released
from workers.ops.dev.standing import interruptible
from workers.ops.stack import Endpoints, StackError, asked_provider, running_stack
from workers.ops.terminal import Json, console, run_async, show_progress

STOP_SECONDS = 30.0


def commands() -> typer.Typer:
    stack = typer.Typer(help="The servers Mind-Links stands on: Kafka, DynamoDB, S3 and SES.", no_args_is_help=True)

    @stack.command(help="Start them and hold them until SIGTERM or `mindlinks stack down`. Example: mindlinks stack up --keep .stack/data")
    def up(
        as_json: Json = False,
        keep: Annotated[Path | None, typer.Option(help="Folder whose data the next start finds again.")] = None,
    ) -> None:
        run_async(interruptible(_hold(keep, as_json)), "WARNING")

    @stack.command(help="End the servers that `mindlinks stack up` holds in this folder. Example: mindlinks stack down")
    def down() -> None:
        file = stack_file()
        if file is None:
            console.print("no stack is up")
            return
        os.kill(file.pid, signal.SIGTERM)
        if not until_released(STOP_SECONDS):
            console.print(f"The stack has not ended within {STOP_SECONDS:.0f} s; {RUNNING} names its process.", style="red")
            raise typer.Exit(1)

    @stack.command(help="Where the servers answer; exit code 1 if none is up. Example: mindlinks stack status --json")
    def status(as_json: Json = False) -> None:
        file = stack_file()
        if file is None:
            console.print("no stack is up")
            raise typer.Exit(1)
        _say(file, as_json)

    return stack


async def _hold(keep: Path | None, as_json: bool) -> None:
    # Held until the servers have ended: whoever waits for the release may start others on their data and ports.
    with holding() as tell:
        async with running_stack(asked_provider(), keep=keep, on_progress=show_progress) as endpoints:
            if endpoints.dynamodb is None:
                raise StackError(
                    "The embedded stack has no servers to hold.", "It lives in the process that uses it.", "Ask for local or docker."
                )
            file = StackFile(os.getpid(), endpoints)
            tell(file)
            _say(file, as_json)
            await asyncio.Event().wait()


def _say(file: StackFile, as_json: bool) -> None:
    variables = _variables(file.endpoints)
    line = (
        json.dumps({"pid": file.pid} | variables) if as_json else "\n".join(f"export {name}={value}" for name, value in variables.items())
    )
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _variables(endpoints: Endpoints) -> dict[str, str]:
    """As the processes of Mind-Links read them."""
    named = {
        "MINDLINKS_KAFKA": endpoints.kafka,
        "AWS_ENDPOINT_URL_DYNAMODB": endpoints.dynamodb,
        "AWS_ENDPOINT_URL": endpoints.aws,
    }
    return {name: value for name, value in named.items() if value}
