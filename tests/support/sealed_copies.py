"""Finds every sealed text in what a system has written, and opens each as the one who may."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from contracts.clear import Clear, Redacted
from contracts.sealed import KYC_LINK, PASSWORD_HASH, VALUE, Reader, SealedText, bank_number
from contracts.types import Purpose
from tests.support.clear_copies import Copy
from workers.adapters.raw_sealing import OperationsSealer
from workers.adapters.sealing import Sealer
from workers.engine.quarantine import unpack

_SEALED: Final = re.compile(rb"s1\.[a-z]+\.[A-Za-z0-9:_-]{1,128}\.[1-9][0-9]{0,5}\.[A-Za-z0-9_-]+")
Texts = Mapping[SealedText, frozenset[str]]
"""With where each stands: one person's equal values are one text."""


async def sealed_texts(copies: Iterable[Copy], operations: OperationsSealer, leaving_out: str = "-") -> Texts:
    """Also those within records and deliveries that were put aside, which are sealed whole. ``leaving_out``: a subject."""
    places: dict[SealedText, set[str]] = {}
    waiting = list(copies)
    while waiting:
        copy = waiting.pop()
        for sealed in _within(copy, leaving_out):
            known = sealed in places
            places.setdefault(sealed, set()).add(copy.where)
            if not known and sealed.audience == f"{Purpose.READER}:{Reader.OPS}":
                waiting.append(Copy(f"put aside in {copy.where}", await _record(sealed, operations)))
    return {sealed: frozenset(where) for sealed, where in places.items()}


def _within(copy: Copy, leaving_out: str) -> Iterator[SealedText]:
    for found in _SEALED.finditer(copy.content):
        if f".{leaving_out}.".encode() not in found[0]:
            yield SealedText.parse(found[0].decode())


async def _record(sealed: SealedText, operations: OperationsSealer) -> bytes:
    raw = await operations.open(str(sealed))
    assert isinstance(raw, bytes)
    _, value, _ = unpack(raw)
    return value or b""


async def opened(sealed: SealedText, sealer: Sealer, contractor: str) -> Clear | Redacted:
    """As the reader it is for. ``contractor``: whose bank numbers there are. Raises ForgedSealError."""
    classes = {
        f"{Purpose.READER}:{Reader.SIGN_IN}": PASSWORD_HASH,
        f"{Purpose.READER}:{Reader.BANK_SYNC}": bank_number(contractor),
        f"{Purpose.READER}:{Reader.API}": KYC_LINK,
    }
    return await sealer.open_parsed(sealed, classes.get(sealed.audience, VALUE))
