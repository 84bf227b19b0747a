"""``mindlinks stripe-events``: the nightly reading of Stripe's own list of events, which finds webhooks that were lost."""

import json
import re
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn

from contracts.timestamps import from_seconds
from workers.adapters.stripe_events import KEPT_SECONDS
from workers.ops.event_reading import Advance
from workers.ops.reading_checkpoint import AnotherReading, Reading
from workers.ops.terminal import Json, console, run_async
from workers.ops.timers import Context

UNITS: Final = {"h": 3600, "d": 24 * 3600}
FINDINGS: Final = ("quarantined", "incomplete")
"""What people have to look at."""


def add(app: typer.Typer, context: Context) -> None:
    @app.command(
        name="stripe-events",
        help="Read the events Stripe keeps, of the platform and of every connected account, and take each as its webhook would be: what "
        "was received is recognised, what was lost is found. For every night; without --since it reads on from the last reading, three "
        "days at least. Stopped, it goes on where it was when it runs again; two at once do no harm. "
        "Examples: mindlinks stripe-events --json; mindlinks stripe-events --since 10d",
    )
    def stripe_events(
        since: Annotated[str | None, typer.Option(help="How far back: 36h, 10d or 2026-11-20 (UTC); 30 days at most.")] = None,
        as_json: Json = False,
    ) -> None:
        first = None if since is None else moment_of(since, datetime.now(UTC))
        with Progress(SpinnerColumn(), TextColumn("{task.description}"), console=console, transient=True) as bar:
            task = bar.add_task("events: 0")

            def advance(at: Reading) -> None:
                bar.update(task, description=f"events: {at.events}, of {at.account or 'the platform'}")

            done: Reading | None = run_async(_read(context, first, advance), "WARNING")
        if as_json:
            sys.stdout.write(json.dumps(told(done)) + "\n")
        else:
            _show(done)
        if done and (done.lost or any(done.results.get(each) for each in FINDINGS)):
            raise typer.Exit(1)


async def _read(context: Context, since: int | None, advance: Advance) -> Reading | None:
    """None: another process took over."""
    settings = context.settings()
    async with (
        context.composition.open_backbone(settings) as backbone,
        context.composition.event_reading(settings, backbone) as reading,
    ):
        try:
            return await reading.read(since, advance)
        except AnotherReading:
            return None


def moment_of(text: str, now: datetime) -> int:
    """Seconds since the epoch. Raises BadParameter, also for what Stripe no longer keeps."""
    present = int(now.timestamp())
    if found := re.fullmatch(r"(\d{1,4})([hd])", text):
        moment = present - int(found[1]) * UNITS[found[2]]
    else:
        try:
            moment = int(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp())
        except ValueError:
            raise typer.BadParameter(f"--since takes hours, days or a day, as in 36h, 10d or 2026-11-20, not {text!r}") from None
    if not present - KEPT_SECONDS <= moment <= present:
        raise typer.BadParameter("Stripe keeps its events for 30 days: say a time since then, in the past")
    return moment


def told(done: Reading | None) -> dict[str, Any]:
    if done is None:
        return {"state": "left_to_another"}
    counts = {name: value for name, value in asdict(done).items() if name in ("accounts", "left", "events", "undelivered", "results")}
    times = {"since": from_seconds(done.since), "until": from_seconds(done.until)}
    return {"state": "finished"} | times | counts | {"lostSeconds": done.lost}


def _show(done: Reading | None) -> None:
    if done is None:
        console.print("another process reads Stripe's events, too: it goes on, this one stopped", highlight=False)
        return
    results = ", ".join(f"{count} {name}" for name, count in sorted(done.results.items())) or "none"
    where = f"of the platform and {done.accounts} connected accounts"
    console.print(
        f"{done.events} events {where}, {from_seconds(done.since)} to {from_seconds(done.until)}: {results}",
        highlight=False,
        soft_wrap=True,
    )
    if done.undelivered:
        console.print(f"{done.undelivered} of them Stripe still owed to an endpoint: webhooks get lost or refused", highlight=False)
    if done.left:
        console.print(f"{done.left} accounts give no access any more: their payees are asked about anew", highlight=False)
    if any(done.results.get(each) for each in FINDINGS):
        console.print("Some could not become a command: mindlinks failures list --service ingress", style="red", highlight=False)
    if done.lost:
        hours = done.lost // 3600 + 1
        console.print(
            f"Nobody read the events of {hours} h before that, and Stripe keeps them no more: compare its dashboard with "
            "mindlinks statement CONTRACT, contract by contract.",
            style="red",
            highlight=False,
            soft_wrap=True,
        )
