"""Isolates what Unicode's bidirectional algorithm would turn around in a value, whose author marked nothing up.

In right-to-left text it shows a date 2026-02-15 as 15-02-2026 and a number +20 2 1234 as 1234 2 20+; a whole sentence of the other
direction loses its full stop to the wrong end. Isolates are characters: they need no markup, and print nothing.
"""

import re
from typing import Final

from contracts.types import Direction

LEFT_TO_RIGHT, RIGHT_TO_LEFT, END = "\u2066", "\u2067", "\u2069"
_OPENING: Final = {Direction.LTR: LEFT_TO_RIGHT, Direction.RTL: RIGHT_TO_LEFT}

_RTL_LETTER: Final = "[\u05d0-\u05ea\u0620-\u064a\u066e-\u06d3\u06fa-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]"
_LETTER: Final = r"[^\W\d_]"
# More than plain digits, which every direction shows alike: a sign, inner separators, groups, a percent sign.
_NUMBER: Final = r"[+\-\u2212]?[0-9]+(?:[.,:/\-\u2013 ][0-9]+)*%?"
_PIECE: Final = re.compile(f"(?P<rtl>{_RTL_LETTER})|(?P<ltr>{_LETTER})|(?P<number>{_NUMBER})")


def isolated(text: str, direction: Direction) -> str:
    """``text`` for a paragraph of ``direction``, line by line; unchanged where nothing needs it."""
    return "\n".join(_line(line, direction) for line in text.split("\n"))


def _line(line: str, direction: Direction) -> str:
    found = {piece.lastgroup for piece in _PIECE.finditer(line)}
    own, other = ("rtl", "ltr") if direction is Direction.RTL else ("ltr", "rtl")
    if other in found and own not in found:
        return _OPENING[Direction(other)] + line + END
    return _with_numbers(line) if direction is Direction.RTL else line


def _with_numbers(line: str) -> str:
    """A number after left-to-right letters keeps their direction by itself; isolated, it would leave their phrase."""
    parts, position, after_letters = list[str](), 0, False
    for piece in _PIECE.finditer(line):
        if piece.lastgroup == "number" and not after_letters and not piece[0].isdigit():
            parts += [line[position : piece.start()], LEFT_TO_RIGHT, _unbroken(piece[0]), END]
            position = piece.end()
        after_letters = piece.lastgroup == "ltr" or (piece.lastgroup == "number" and after_letters)
    return "".join((*parts, line[position:]))


def _unbroken(number: str) -> str:
    """A telephone number in one line, unless it is longer than any."""
    return number.replace(" ", "\u00a0") if len(number) <= 24 else number
