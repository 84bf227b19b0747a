"""What the run with the poisoned key found, for eyes and for programs."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import Any

from rich.console import Console
from rich.table import Table

AIM = 1.2
PERCENTILES = (50, 95, 99)


@dataclass(frozen=True, slots=True)
class Spell:
    """``parked``: commands that waited when the decision was mended; ``drained``: seconds from then until none did. ``waits``: milliseconds
    from append to event, of every key but the sick one."""

    poisoned: bool
    commands: int
    parked: int
    drained: float
    waits: Sequence[int]


@dataclass(frozen=True, slots=True)
class Poisoning:
    rate: int
    seconds: int
    spells: Sequence[Spell]

    def percentiles(self, *, poisoned: bool) -> dict[int, float]:
        """Over all spells of the kind, in milliseconds."""
        cuts = quantiles([wait for spell in self.spells if spell.poisoned is poisoned for wait in spell.waits], n=100)
        return {each: round(cuts[each - 1], 1) for each in PERCENTILES}

    def ratios(self) -> dict[int, float]:
        """With poison to without, by percentile."""
        without, with_it = self.percentiles(poisoned=False), self.percentiles(poisoned=True)
        return {each: round(with_it[each] / max(without[each], 0.1), 2) for each in PERCENTILES}

    def to_json(self) -> dict[str, Any]:
        return {
            "rate": self.rate,
            "seconds": self.seconds,
            "ratio": {f"p{each}": ratio for each, ratio in self.ratios().items()},
            "spells": [_figures(each) for each in self.spells],
            "load_average": round(os.getloadavg()[0], 1),
        }

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.to_json(), indent=2) + "\n", encoding="utf-8")

    def show(self) -> None:
        console = Console(width=int(os.environ.get("COLUMNS", "140")))
        title = f"{self.rate:,} commands a second on 1,000 keys; milliseconds from append to event, of 999 of them"
        table = Table(title=title, title_justify="left")
        table.add_column("spell")
        for name in ("commands", "counted", "parked", "drained after s", *(f"p{each}" for each in PERCENTILES)):
            table.add_column(name, justify="right")
        for each in map(_figures, self.spells):
            drained = f"{each['drained']:.1f}" if each["parked"] else ""
            counts = (f"{each[name]:,}" for name in ("commands", "counted", "parked"))
            table.add_row("poison" if each["poisoned"] else "none", *counts, drained, *(f"{each[f'p{p}']:g}" for p in PERCENTILES))
        console.print(table)
        said = ", ".join(f"p{each} {ratio:.2f}" for each, ratio in self.ratios().items())
        console.print(
            f"With poison to without: {said} (aim: p99 within {AIM}). Every key's events came once, in order, the sick one's too."
        )
        console.print(f"Load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores. Read ratios, not figures.")


def _figures(spell: Spell) -> dict[str, Any]:
    cuts = quantiles(spell.waits, n=100)
    return {
        "poisoned": spell.poisoned,
        "commands": spell.commands,
        "counted": len(spell.waits),
        "parked": spell.parked,
        "drained": round(spell.drained, 1),
        **{f"p{each}": round(cuts[each - 1], 1) for each in PERCENTILES},
    }
