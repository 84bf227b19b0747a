"""Counts different visitors without keeping any: HyperLogLog (Flajolet et al. 2007), 4096 six-bit registers, standard error 1.6 %.

Merging is a register maximum: order and repetition do not matter, and nothing of a person can be read back.
"""

import hashlib
import math
from collections.abc import Iterable

PRECISION = 12
REGISTERS = 1 << PRECISION
REGISTER_BITS = 6
SKETCH_BYTES = REGISTERS * REGISTER_BITS // 8
ALPHA = 0.7213 / (1 + 1.079 / REGISTERS)
EMPTY = bytes(SKETCH_BYTES)


def registered(sketch: bytes, visitors: Iterable[str]) -> bytes:
    """The sketch with these visitors (their hashes) in it."""
    registers = _unpacked(sketch)
    for visitor in visitors:
        index, rank = _position(visitor)
        registers[index] = max(registers[index], rank)
    return _packed(registers)


def merged(sketches: Iterable[bytes]) -> bytes:
    registers = bytearray(REGISTERS)
    for sketch in sketches:
        registers = bytearray(map(max, registers, _unpacked(sketch)))
    return _packed(registers)


def estimate(sketch: bytes) -> int:
    """Small counts by linear counting. A 64-bit hash needs no correction of large ones."""
    registers = _unpacked(sketch)
    empty = registers.count(0)
    raw = ALPHA * REGISTERS * REGISTERS / math.fsum(2.0**-rank for rank in registers)
    if raw <= 2.5 * REGISTERS and empty:
        return round(REGISTERS * math.log(REGISTERS / empty))
    return round(raw)


def _position(visitor: str) -> tuple[int, int]:
    """Register by the first bits of the hash, rank by the leading zeros of the rest, from 1."""
    number = int.from_bytes(hashlib.sha256(visitor.encode()).digest()[:8], "big")
    rest_bits = 64 - PRECISION
    rest = number & ((1 << rest_bits) - 1)
    return number >> rest_bits, rest_bits - rest.bit_length() + 1


def _unpacked(sketch: bytes) -> bytearray:
    """One byte per register. Four registers share three bytes, first register in the highest bits."""
    if len(sketch) != SKETCH_BYTES:
        raise ValueError(f"a sketch has {SKETCH_BYTES} bytes, this has {len(sketch)}")
    registers = bytearray(REGISTERS)
    for group in range(REGISTERS // 4):
        word = int.from_bytes(sketch[group * 3 : group * 3 + 3], "big")
        registers[group * 4 : group * 4 + 4] = bytes((word >> 18, word >> 12 & 63, word >> 6 & 63, word & 63))
    return registers


def _packed(registers: bytearray) -> bytes:
    sketch = bytearray(SKETCH_BYTES)
    for group in range(REGISTERS // 4):
        first, second, third, fourth = registers[group * 4 : group * 4 + 4]
        sketch[group * 3 : group * 3 + 3] = (first << 18 | second << 12 | third << 6 | fourth).to_bytes(3, "big")
    return bytes(sketch)
