"""``mindlinks dev`` and ``mindlinks seed``."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from workers.ops.composition import Composition
from workers.ops.dev.environment import Development, Wish
from workers.ops.dev.seeding import OPERATIONS_ADDRESS, load_seed
from workers.ops.dev.standing import stand
from workers.ops.stack import Provider, StackError, asked_provider
from workers.ops.terminal import Json, console, run_async, show_progress
from workers.settings import Settings

ENVIRONMENT = "dev"
HTTP_PORT = 8080


def add(app: typer.Typer, composition: Composition, settings: Callable[[], Settings]) -> None:
    @app.command(
        help="Run everything on this machine until SIGTERM: servers, tables, topics, ingress, workers. Example: mindlinks dev --json"
    )
    def dev(
        port: Annotated[int, typer.Option(help="Of HTTP; 0 lets the system choose.")] = HTTP_PORT,
        as_json: Json = False,
        keep: Annotated[Path | None, typer.Option(help="Folder whose data and keys the next start finds again.")] = None,
    ) -> None:
        wish = Wish(composition, _provider(), ENVIRONMENT, port, keep, on_progress=show_progress)
        run_async(stand(wish, _as_json if as_json else _as_line), "WARNING")

    @app.command(help="Load the first templates and the group of admins; again changes nothing. Example: mindlinks seed")
    def seed(operations: Annotated[str, typer.Option(help="Address of the group of admins.")] = OPERATIONS_ADDRESS) -> None:
        new = run_async(_seed(composition, settings(), operations), "WARNING")
        console.print(f"{new} new" if new else "everything was there already")


def _provider() -> Provider:
    try:
        return asked_provider()
    except StackError as error:
        console.print(str(error), style="red", markup=False, highlight=False)
        raise typer.Exit(2) from None


async def _seed(composition: Composition, settings: Settings, operations: str) -> int:
    async with composition.open_backbone(settings) as backbone:
        with Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=console) as bar:
            task = bar.add_task("seed", total=None)
            return await load_seed(backbone, settings, lambda settled, total: bar.update(task, completed=settled, total=total), operations)


def _as_json(standing: Development) -> None:
    told = {
        "http": standing.http,
        "kafka": standing.endpoints.kafka,
        "dynamodb": standing.endpoints.dynamodb,
        "aws": standing.endpoints.aws,
        "environment": standing.settings.environment,
        "tables": f"{standing.settings.environment}-",
        "client": {"id": standing.keys.client_id, "secret": standing.keys.client_secret},
        "secrets": {"stripe": standing.keys.webhook_secrets, "stripe_connect": standing.keys.connect_webhook_secrets},
        "stripe": standing.stripe,
        "identity": standing.identity,
        "registry": standing.registry,
        "messaging": standing.messaging,
    }
    _say(json.dumps(told))


def _as_line(standing: Development) -> None:
    key = f"{standing.keys.client_id}.{standing.keys.client_secret}"
    _say(f"ready: {standing.http} (client key {key}), Kafka {standing.endpoints.kafka}, DynamoDB {standing.endpoints.dynamodb}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
