"""What a command's events say of how it ended, short: by these words what was told to the world is held against what is right."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final
from zlib import crc32

import orjson

from contracts.platform import CommandRefused, CommandSettled, Settlement
from workers.engine.outcome import Said

_REFUSED: Final = f"{CommandRefused.__name__}:"
_SETTLED: Final = f"{CommandSettled.__name__}:"
_APPLIED: Final = f"{_SETTLED}{Settlement.APPLIED}"


def word(said: Said) -> str:
    """An event's name and a checksum of its data; of a refusal its reason, of a settlement how it ended."""
    match said.name:
        case CommandRefused.__name__:
            return refusal(orjson.loads(said.value)["reason"])
        case CommandSettled.__name__:
            return f"{_SETTLED}{orjson.loads(said.value)['outcome']}"
    return f"{said.name}#{crc32(said.value):08x}"


def refusal(reason: str) -> str:
    return f"{_REFUSED}{reason}"


def told(words: Iterable[str]) -> list[str]:
    """In any order the same. A settlement only answers whoever waits for one: others are told nothing by it."""
    return sorted(each for each in words if not each.startswith(_SETTLED))


def in_short(said: Iterable[Said]) -> str:
    """What was told by one command, as differences show it."""
    return " ".join(told(word(each) for each in said))


def is_part(some: Sequence[str], words: Sequence[str]) -> bool:
    """Whoever said ``some`` may have been about to say ``words``."""
    return Counter(some) <= Counter(words)


def without_effect(words: Sequence[str]) -> bool:
    """Nothing was told, or that it was refused."""
    return all(each.startswith(_REFUSED) for each in told(words))


def took_effect(words: Sequence[str]) -> bool:
    """For certain: a command of which nothing was told may have changed rows in silence."""
    return _APPLIED in words or not without_effect(words)
