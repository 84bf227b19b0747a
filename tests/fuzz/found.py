"""Inputs that broke something once; each is a regression test for good. findings/<target>/<where it was raised>."""

from collections.abc import Sequence
from pathlib import Path

FINDINGS = Path(__file__).parent / "findings"


def inputs(target: str) -> Sequence[Path]:
    """Hidden files excepted."""
    return sorted(path for path in (FINDINGS / target).glob("*") if path.is_file() and not path.name.startswith("."))
