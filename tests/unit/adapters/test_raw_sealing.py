"""What is put aside comes back whole for operations, and fits its row."""

from random import Random

import pytest

from contracts.sealed import VALUE, Reader, SealedText
from workers.adapters.key_ring import KeyRing
from workers.adapters.key_wrapping import LocalWrapping
from workers.adapters.raw_sealing import OperationsSealer
from workers.adapters.sealing import ForgedSealError, Sealer
from workers.adapters.subject_keys import SubjectKeys
from workers.engine.memory import MemoryStore, SystemClock

LARGEST_RECORD = 256 * 1024
LARGEST_ITEM = 400 * 1024


def sealers() -> tuple[Sealer, OperationsSealer]:
    sealer = Sealer(KeyRing(SubjectKeys(MemoryStore(), SystemClock()), [LocalWrapping(b"m" * 32)]))
    return sealer, OperationsSealer(sealer)


@pytest.mark.parametrize("raw", [b"", b"x", b"\xff\xfe\x00", b'{"email": "amina@nile-design.example"}' * 50, "أمينة".encode()])
async def test_bytes_come_back_whole(raw: bytes) -> None:
    _, operations = sealers()
    sealed = await operations.seal(raw)
    assert sealed.startswith("s1.reader.ops.1.")
    assert len(raw) < 3 or raw not in sealed.encode()
    assert await operations.open(sealed) == raw


async def test_the_largest_record_fits_its_row() -> None:
    _, operations = sealers()
    assert len(await operations.seal(Random(1).randbytes(LARGEST_RECORD))) < LARGEST_ITEM - 20_000
    assert len(await operations.seal(b'{"name": "Amina"}' * 10_000)) < 10_000


async def test_nobody_reads_it_as_something_else() -> None:
    sealer, operations = sealers()
    sealed = await operations.seal(b"text")
    with pytest.raises(ForgedSealError):
        await sealer.open(sealed, VALUE)
    assert SealedText.parse(sealed).subject == Reader.OPS
