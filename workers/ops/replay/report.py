"""What a replay selects, would do and has done, for people."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from workers.ops.replay.census import Census
from workers.ops.replay.checkpoint import Checkpoint, State
from workers.ops.replay.differences import RowDifference
from workers.ops.replay.operating import Ended
from workers.ops.replay.plan import Mode, ReplayPlan
from workers.ops.replay.rehearsal import Prediction
from workers.ops.replay.tally import Tally
from workers.ops.terminal import console

KINDS_SHOWN = 12
LONGEST_VALUE = 100


class _PerSecond(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f}/s" if task.speed else "-/s")


def bar() -> Progress:
    parts = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _PerSecond(), TimeRemainingColumn())
    return Progress(*parts, console=console)


def show_census(plan: ReplayPlan, census: Census) -> None:
    _line(f"selected: {plan.selection}")
    keys = f"{'over ' if census.more_keys else ''}{census.keys:,}"
    _line(f"{census.records:,} records, {keys} keys, {census.bytes / 1024:,.0f} KiB")
    if census.span:
        _line(f"appended {census.span[0]} to {census.span[1]}")
    for kind, count in census.kinds.most_common(KINDS_SHOWN):
        _line(f"  {count:>9,}  {kind}")
    if (rest := len(census.kinds) - KINDS_SHOWN) > 0:
        _line(f"  and {rest} kinds more")
    how = {Mode.ENSURE: "each in its own place: applied if it never was", Mode.REDO: "as new commands: everything is done once more"}
    _line(f"--mode {plan.mode}: {how[plan.mode]}; to {plan.to or 'its consumers'}; effects: {plan.effects}")
    _line(f"about {_duration(census.seconds(plan.rate))} at {plan.rate:,.0f} records a second")


def show_prediction(found: Prediction) -> None:
    _verdicts(found.tally, "would be ")
    for reason, count in found.passed.most_common():
        _line(f"  {count:>9,}  would not be sent: {reason}")
    for why, count in found.stuck.most_common():
        _line(f"  {count:>9,}  of it: {why}")
    if found.caused:
        told = ", ".join(f"{count:,} {verdict}" for verdict, count in found.caused.most_common())
        _line(f"commands that reactions would send: {told}")
    _line(f"events: {found.tally.events:,}; timers scheduled: {found.timers:,}, due already: {found.timers_due:,}")
    if found.effects:
        table = Table("effects of", "would go out", "withheld", "in the ledger", box=None)
        for provider, calls in sorted(found.effects.items()):
            table.add_row(provider, f"{calls.out:,}", f"{calls.withheld:,}", f"{calls.known:,}")
        console.print(table)
    else:
        _line("effects: none")


def show_differences(found: Iterable[tuple[str, Sequence[RowDifference]]], limit: int) -> None:
    """The first ``limit`` keys."""
    shown = more = 0
    for key, rows in found:
        if shown == limit:
            more += 1
            continue
        shown += 1
        _line(f"key {key}")
        for each in rows:
            _line(f"  {each.table} {each.row}")
            for name, (before, after) in each.changes.items():
                _line(f"    {name}: {_short(before)} -> {_short(after)}")
    if not shown:
        _line("no row would change")
    if more:
        _line(f"and {more:,} keys more; --diffs N shows more of them, --json all")


def show_ended(ended: Ended) -> None:
    at = ended.at
    _line(f"replay {at.plan.id}: {at.state}, {at.sent:,} of {at.records:,} records sent")
    for reason, count in at.passed.items():
        _line(f"  {count:>9,}  not sent: {reason}")
    if at.state is State.PAUSED:
        _line(f"go on with: mindlinks replay resume {at.plan.id}")
        return
    _verdicts(ended.tally, "")
    _line(f"events: {ended.tally.events:,}; commands caused and judged by now: {ended.tally.caused:,}")
    if not ended.settled and not at.state.over:
        _line("its consumer is not through yet, so the counts are not final. Is it running? mindlinks replay show tells later")


def show_list(found: Sequence[Checkpoint]) -> None:
    table = Table("begun", "id", "state", "mode", "sent", "of", "who", "why", box=None)
    for each in found:
        plan = each.plan
        at = each.to_item()["begunAt"]
        table.add_row(at, plan.id, each.state, plan.mode, f"{each.sent:,}", f"{each.records:,}", plan.who, plan.why)
    console.print(table)


def told_ended(ended: Ended) -> dict[str, Any]:
    at, plan = ended.at, ended.at.plan
    item = at.to_item()
    return {
        "replay": plan.id,
        "state": at.state.value,
        "mode": plan.mode.value,
        "effects": plan.effects,
        "to": plan.to,
        "who": plan.who,
        "why": plan.why,
        "selection": item["selection"],
        "begunAt": item["begunAt"],
        "records": at.records,
        "sent": at.sent,
        "passed": dict(at.passed),
        "settled": ended.settled,
        **ended.tally.told(),
    }


def _verdicts(tally: Tally, would: str) -> None:
    """Those that occur; applied and recognised in any case."""
    counts = {"applied": tally.applied, "recognised": tally.recognised, "unchanged": tally.unchanged, "parked": tally.parked}
    for name, count in counts.items():
        if count or name in ("applied", "recognised"):
            _line(f"  {count:>9,}  {would}{name}")
    for reason, count in tally.refused.most_common():
        _line(f"  {count:>9,}  {would}refused: {reason}")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _short(value: Any) -> str:
    text = "-" if value is None else str(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 3]}..."


def _line(text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
