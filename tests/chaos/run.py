"""One run of chaos: servers of its own that keep their data, workers, a producer, faults; then quiet, and the judgement."""

import asyncio
import os
import shutil
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.chaos.crew import Crew
from tests.chaos.judge import Outcome, judged
from tests.chaos.money import Money, judged_money
from tests.chaos.plan import TO_SERVERS, TO_WORKERS, Fault, Plan, steps
from tests.chaos.producer import publish
from tests.chaos.provider import Provider, serving
from tests.chaos.settling import until_settled
from tests.chaos.trouble import SESSION, Trouble
from tests.support import escrows, toy
from tests.support.delivery import Delivery, delivery
from tests.support.servers import apply_tables, apply_topics
from tests.support.stories import story, with_repeats
from tests.support.worker_process import Settings
from workers.engine.record import Outgoing
from workers.engine.runtime import RoleName
from workers.ops.stack import Endpoints, StackError
from workers.ops.stack.local import LocalStack

SHARED_MEMORY, ROOM = Path("/dev/shm"), 2 << 30
"""Bytes."""
MODULE = "tests.chaos.service"
ROLES = tuple(RoleName)
LEAST = ({Fault.KILL}, {Fault.BROKER_KILL, Fault.BROKER_STOP}, {Fault.STORE_KILL, Fault.STORE_STOP})
"""No run goes without one of each."""


@dataclass
class Report:
    """What was done and what came of it. ``broken``: the promise that was not kept; ``ended``: last words of workers that ended as
    none should."""

    plan: Plan
    figures: Counter[str] = field(default_factory=Counter)
    timeline: list[str] = field(default_factory=list)
    outcome: Outcome | None = None
    money: Money | None = None
    broken: str = ""
    ended: Sequence[str] = ()
    seconds: float = 0.0

    def lines(self) -> list[str]:
        done = f"seed {self.plan.seed}, {self.seconds:.0f} s: " + "; ".join(self.timeline)
        figures = ", ".join(f"{what} {count}" for what, count in sorted(self.figures.items()))
        said = [done, f"figures: {figures}"]
        if self.outcome:
            it, then = self.outcome, self.outcome.consequences
            said.append(
                f"commands {it.commands} (and {it.commands_repeated} repeated in the log), refused {it.refused}, "
                f"events {it.events} (and {it.events_repeated} seen twice), sums {it.sums}, reactions {then.reactions}, "
                f"effects {then.effects} ({then.unknown} reported unknown, none created twice), timers {then.timers}: every promise kept"
            )
        if self.money:
            said.append(
                f"{self.money.commands} commands about money: {self.money.escrows} escrows with {self.money.rows} rows, all balance"
            )
        if self.broken:
            said += [f"BROKEN: {self.broken}", *self.ended, f"again: {self.plan.line}"]
        return said


async def chaos(plan: Plan) -> Report:
    """Raises StackError where the servers do not start. ``dummy_credentials`` must be set."""
    report, began = Report(plan), asyncio.get_running_loop().time()
    with _folder(report) as folder:
        stack = LocalStack(keep=folder / "stack")
        try:
            endpoints = await asyncio.to_thread(stack.start_sync)
            await _on(stack, endpoints, folder, report)
        except StackError:
            raise
        except Exception as broken:  # noqa: BLE001  # whatever it is, the line that plays it again is told
            report.broken = "".join(traceback.format_exception(broken))[-6000:]
        finally:
            await asyncio.to_thread(stack.stop_sync)
    report.seconds = asyncio.get_running_loop().time() - began
    return report


@contextmanager
def _folder(report: Report) -> Iterator[Path]:
    """Goes at the end; after a broken promise it stays, with all logs and data."""
    folder = Path(tempfile.mkdtemp(prefix="mindlinks-chaos-", dir=_quick_place()))
    try:
        yield folder
    finally:
        if report.broken:
            report.broken += f"\nkept for you to look at: {folder}"
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _quick_place() -> Path | None:
    """Memory that outlives a killed server, where there is enough of it: on a disk DynamoDB Local waits for each write to be there,
    and most of a run would be waiting."""
    room = SHARED_MEMORY.is_dir() and os.access(SHARED_MEMORY, os.W_OK) and shutil.disk_usage(SHARED_MEMORY).free
    return SHARED_MEMORY if room and room > ROOM else None


async def _on(stack: LocalStack, endpoints: Endpoints, folder: Path, report: Report) -> None:
    assert endpoints.dynamodb is not None
    environment = await asyncio.to_thread(apply_tables, endpoints.dynamodb)
    await asyncio.to_thread(apply_topics, endpoints.kafka)
    sent = [toy.command_record(each) for each in story(Random(report.plan.seed), report.plan.keys, report.plan.commands)]
    money = escrows.story(Random(report.plan.seed), report.plan.money)
    provider = Provider(Random(report.plan.seed))
    async with (
        delivery(endpoints.kafka, endpoints.dynamodb, environment) as run,
        delivery(endpoints.kafka, endpoints.dynamodb, environment, "payment") as bank,
        serving(provider) as address,
    ):
        settings = Settings(
            endpoints.kafka, endpoints.dynamodb, environment, service=MODULE, roles=ROLES, session=SESSION, provider=address
        )
        crew = Crew(settings, folder, report.plan.workers)
        try:
            await crew.start()
            trouble = Trouble(stack, crew, endpoints.kafka, run.service)
            report.timeline = trouble.timeline
            await _troubled(trouble, {run: sent, bank: money}, report)
            trouble.note("all published, no more faults")
            await _rested(run, bank, trouble)
            trouble.note("settled")
            await crew.stop()
            trouble.note("workers stopped")
            await _rested(run, bank, trouble)
            # Everything since the beginning, and by clients that have been through nothing.
            whole, books = (Delivery(endpoints.kafka, each.service, each.store) for each in (run, bank))
            report.outcome = await judged(whole, environment, endpoints.dynamodb, escrows.ids(sent), provider.objects)
            report.money = await judged_money(books, escrows.ids(money))
        finally:
            report.figures += crew.figures + provider.figures
            report.ended = crew.ended
            await crew.end()
    assert not crew.ended, f"{len(crew.ended)} workers ended as none should"


async def _rested(run: Delivery, bank: Delivery, trouble: Trouble) -> None:
    await until_settled(run, ROLES, trouble.note)
    await until_settled(bank, (RoleName.COMMANDS,), trouble.note)


async def _troubled(trouble: Trouble, sent: Mapping[Delivery, Sequence[Outgoing]], report: Report) -> None:
    plan = report.plan
    try:
        async with asyncio.TaskGroup() as together:
            for run, records in sent.items():
                topic = run.commands[0].topic
                together.create_task(publish(run.log, topic, with_repeats(records), plan.seconds, report.figures))
            for faults, gap in ((TO_WORKERS, (2.0, 7.0)), (TO_SERVERS, (4.0, 11.0))):
                together.create_task(trouble.play(steps(plan, faults, gap), [each for each in LEAST if each & set(faults)], plan.seconds))
    finally:
        report.figures += trouble.figures
