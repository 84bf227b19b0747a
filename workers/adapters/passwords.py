"""Passwords -> bcrypt hashes and back to yes or no. Costly by design: in threads of its own, so many at a time and no more.

A password's HMAC-SHA256 is what bcrypt hashes: bcrypt reads 72 bytes, which a sentence in Arabic passes, and stops at a NUL. The
label keeps these digests apart from bare SHA-256 ones, which stolen lists hold.
"""

import asyncio
import base64
import hashlib
import hmac
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import bcrypt

from contracts.clear import Clear

DEFAULT_COST: Final = 12
"""2^12 rounds, a quarter to half a second."""
LEAST_COST: Final = 10
THREADS: Final = 2
WAITING: Final = 64
"""More than these would wait longer than their callers."""
RETRY_AFTER: Final = 5
_LABEL: Final = b"mindlinks password"

T = TypeVar("T")


class PasswordsBusy(Exception):
    """More passwords came at once than can be hashed in time. Nothing was done with this one: try again in some seconds."""


class BcryptPasswords:
    """Safe to share. Calls wait for a thread and never block the event loop; bcrypt lets go of the interpreter's lock."""

    def __init__(self, cost: int = DEFAULT_COST, *, threads: int = THREADS, waiting: int = WAITING) -> None:
        """Raises ValueError for a cost below 10 or above 31."""
        if not LEAST_COST <= cost <= 31:
            raise ValueError(f"MINDLINKS_BCRYPT_COST is {cost}: it lies within {LEAST_COST} and 31; each step doubles the time")
        self._cost, self._room = cost, waiting
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="bcrypt")

    async def hash(self, password: Clear) -> Clear:
        """Another one each time: it is salted. Raises PasswordsBusy."""
        return Clear(await self._in_pool(lambda: bcrypt.hashpw(_digest(password), bcrypt.gensalt(self._cost)).decode()))

    async def matches(self, password: Clear, hashed: Clear) -> bool:
        """Whether ``hashed`` was made of this password, by whatever cost. Raises PasswordsBusy."""
        return await self._in_pool(lambda: bcrypt.checkpw(_digest(password), hashed.reveal().encode()))

    def close(self) -> None:
        """Lets those under way finish."""
        self._pool.shutdown(cancel_futures=True)

    async def _in_pool(self, work: Callable[[], T]) -> T:
        if not self._room:
            raise PasswordsBusy(PasswordsBusy.__doc__)
        self._room -= 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._room += 1


def _digest(password: Clear) -> bytes:
    # Keyboards differ in how they compose an accent.
    text = unicodedata.normalize("NFC", password.reveal())
    return base64.b64encode(hmac.digest(_LABEL, text.encode(), hashlib.sha256))
