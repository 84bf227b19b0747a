"""Ids that look like Stripe's and follow from a seed: the same calls in the same order get the same ids."""

from collections import Counter
from hashlib import sha256

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
LENGTHS = {"acct": 16, "req": 14, "btok": 24}


class Ids:
    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._drawn: Counter[str] = Counter()

    def draw(self, prefix: str) -> str:
        """`pi` -> `pi_3Nx...`. Drawing ids of one prefix does not change those of another."""
        self._drawn[prefix] += 1
        digest = sha256(f"{self._seed}:{prefix}:{self._drawn[prefix]}".encode()).digest()
        return f"{prefix}_{_base62(digest, LENGTHS.get(prefix, 24))}"


def _base62(digest: bytes, length: int) -> str:
    number = int.from_bytes(digest, "big")
    letters = []
    for _ in range(length):
        number, index = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[index])
    return "".join(letters)
