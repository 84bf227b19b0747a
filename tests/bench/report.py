"""What was measured, for eyes and for programs."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench.latency import Latency
from tests.bench.measure import Measured

AIMS = {"c/a": 30.0, "c/a8": 12.0, "c/b": 20.0, "c/d": 0.8}
AIM_PER_CPU_SECOND, AIM_UNITS, AIM_P99 = 10_000, 1.2, 60.0
OURS, STUB, PUT = "c", "e", "d"


@dataclass(slots=True)
class Report:
    measured: list[Measured] = field(default_factory=list)
    latencies: list[Latency] = field(default_factory=list)
    first_event: float | None = None
    load_average: list[float] = field(default_factory=list)

    def add(self, measured: Measured) -> Measured:
        self.measured.append(measured)
        self.load_average.append(round(os.getloadavg()[0], 1))
        return measured

    def ratios(self) -> dict[str, dict[str, float]]:
        """By workload: ours to each of the others, commands per second."""
        found: dict[str, dict[str, float]] = {}
        for workload in dict.fromkeys(each.workload for each in self.measured):
            rates = {each.contender.split(":")[0]: each.per_second for each in self.measured if each.workload == workload}
            others = {name: rate for name, rate in rates.items() if name not in (OURS, STUB)}
            found[workload] = {f"{OURS}/{name}": round(rates[OURS] / rate, 2) for name, rate in others.items() if OURS in rates}
        return found

    def to_json(self) -> dict[str, Any]:
        return {
            "measured": [each.to_json() for each in self.measured],
            "ratios": self.ratios(),
            "latency_ms": [asdict(each) for each in self.latencies],
            "seconds_from_start_to_first_event": self.first_event,
            "load_average": self.load_average,
        }

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.to_json(), indent=2) + "\n", encoding="utf-8")

    def show(self, console: Console) -> None:
        console.print(_contenders(self.measured))
        console.print(_ratios(self.ratios()))
        console.print(_latencies(self.latencies))
        if self.first_event is not None:
            console.print(f"From the start of a process to its first event: {self.first_event:.1f} s.")
        console.print(
            f"Aims: {AIM_PER_CPU_SECOND:,} commands a CPU second against the stub; at most {AIM_UNITS} write units a command; p99 below "
            f"{AIM_P99:g} ms at a quarter of the highest load."
        )
        low, high = min(self.load_average, default=0), max(self.load_average, default=0)
        console.print(f"Load average during the runs: {low} to {high} on {os.cpu_count()} cores. Read ratios, not figures.")


def _contenders(measured: Sequence[Measured]) -> Table:
    table = Table(title="One stream of commands, one broker, the same tables", title_justify="left")
    for name in ("contender", "keys"):
        table.add_column(name)
    for name in ("commands", "per second", "per CPU s", "CPU us", "write units", "in transactions", "of indexes"):
        table.add_column(name, justify="right")
    for each in measured:
        rates = (f"{each.commands:,}", f"{each.per_second:,.0f}", f"{each.per_cpu_second:,.0f}", f"{1e6 / each.per_cpu_second:,.0f}")
        units = (f"{each.units:.2f}", f"{each.transaction_units:.2f}", f"{each.index_units:.2f}")
        table.add_row(each.contender, each.workload, *rates, *units)
    return table


def _ratios(ratios: dict[str, dict[str, float]]) -> Table:
    table = Table(title="Ours to the others, commands per second", title_justify="left")
    names = list(dict.fromkeys(name for each in ratios.values() for name in each))
    table.add_column("keys")
    for name in names:
        table.add_column(f"{name} (aim {AIMS[name]:g})" if name in AIMS else name, justify="right")
    for workload, each in ratios.items():
        table.add_row(workload, *(f"{each[name]:.2f}" if name in each else "" for name in names))
    return table


def _latencies(latencies: Sequence[Latency]) -> Table:
    table = Table(title="From append to event acknowledged, milliseconds", title_justify="left")
    for name in ("commands a second", "p50", "p95", "p99", "write units", "CPU waited for, s/s"):
        table.add_column(name, justify="right")
    for each in latencies:
        table.add_row(f"{each.rate:,}", f"{each.p50:g}", f"{each.p95:g}", f"{each.p99:g}", f"{each.units:.2f}", f"{each.starved:.2f}")
    return table
