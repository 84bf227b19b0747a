"""The demo's last page: what is in the tables and topics now, and whether the totals are right."""

from collections.abc import Mapping, Sequence
from statistics import median

from rich.columns import Columns
from rich.console import Console
from rich.table import Table
from rich.text import Text

from contracts.topics import TOPICS
from workers.ops.demo.census import Rows
from workers.ops.demo.evidence import Check


def show_contents(console: Console, rows: Rows, records: Mapping[str, int], store: str, log: str) -> None:
    tables = _counts(f"Items in {store}", {table: len(found) for table, found in rows.items()})
    topics = _counts(f"Records in {log}", {topic: records.get(topic, 0) for topic in sorted(TOPICS)})
    console.print()
    console.print(Columns([tables, topics], padding=(0, 4)))


def _counts(title: str, counts: Mapping[str, int]) -> Table:
    """Empty ones are only counted."""
    table = Table(title=title, title_justify="left", show_edge=False)
    table.add_column("name")
    table.add_column("count", justify="right")
    for name, count in counts.items():
        if count:
            table.add_row(name, f"{count:,}")
    table.add_section()
    table.add_row(f"{sum(1 for count in counts.values() if not count)} others", "0", style="dim")
    table.add_row("all", f"{sum(counts.values()):,}")
    return table


def show_checks(console: Console, found: Sequence[Check]) -> None:
    failed = [check for check in found if not check.passed]
    console.print(Text(f"\n{len(found) - len(failed)} of {len(found)} totals are right", style="bold red" if failed else "bold green"))
    for check in failed:
        console.print(Text.assemble("  ", (check.what, "red"), f": {check.found!r} instead of {check.wanted!r}"))


def show_times(console: Console, latencies: Sequence[int], scenes: float, whole: float) -> None:
    """Latency: from a command's append to its first event's, as the log stamped them."""
    ordered = sorted(latencies) or [0]
    high = ordered[min(len(ordered) - 1, round(len(ordered) * 0.95))]
    said = f"{len(latencies)} commands; command to event {median(ordered):.0f} ms at the median, {high} ms at the 95th percentile"
    console.print(Text(f"{said}; story {scenes:.1f} s, all {whole:.1f} s", style="dim"))
