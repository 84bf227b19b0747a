"""What is isolated in a value, and what needs no help."""

import pytest

from contracts.types import Direction
from workers.adapters.typesetter.bidi import END, LEFT_TO_RIGHT, RIGHT_TO_LEFT, isolated


def shown(text: str, direction: Direction) -> str:
    """With the isolates to be seen."""
    marked = isolated(text, direction).replace(LEFT_TO_RIGHT, "[>").replace(RIGHT_TO_LEFT, "[<")
    return marked.replace(END, "]").replace("\u00a0", "_")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("قبل 2026-02-15.", "قبل [>2026-02-15]."),
        ("هاتف +20 2 1234 5678", "هاتف [>+20_2_1234_5678]"),
        ("رسوم -2.5% فقط", "رسوم [>-2.5%] فقط"),
        ("السعر 1,250.00 USD", "السعر [>1,250.00] USD"),
        ("خلال 10 أيام", "خلال 10 أيام"),
        ("1. نطاق العمل", "1. نطاق العمل"),
        ("إصدار React 19.2 و 3.1", "إصدار React 19.2 و [>3.1]"),
        ("2026-02-15", "[>2026-02-15]"),
        ("٢٠٢٦", "٢٠٢٦"),
        ("", ""),
        ("Delivered in London, by 2026-02-15.", "[>Delivered in London, by 2026-02-15.]"),
        ("نص\nText.\nنص", "نص\n[>Text.]\nنص"),
    ],
)
def test_in_right_to_left_text(text: str, expected: str) -> None:
    assert shown(text, Direction.RTL) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("By 2026-02-15, +20 2 1234", "By 2026-02-15, +20 2 1234"),
        ("نص عربي.", "[<نص عربي.]"),
        ("Nile (النيل) LLC", "Nile (النيل) LLC"),
    ],
)
def test_in_left_to_right_text(text: str, expected: str) -> None:
    assert shown(text, Direction.LTR) == expected


def test_a_telephone_number_breaks_only_where_it_is_longer_than_any() -> None:
    long = " ".join(["1234"] * 10)
    assert isolated(f"نص {long}", Direction.RTL) == f"نص {LEFT_TO_RIGHT}{long}{END}"
