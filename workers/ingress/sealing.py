"""The one pass that turns what translators left to seal into sealed texts. Nothing clear leaves it."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from contracts.sealed import PASSWORD_HASH, KeysUnavailable, Reader, SubjectErased
from contracts.types import Purpose
from workers.adapters.passwords import RETRY_AFTER as PASSWORDS_RETRY
from workers.adapters.passwords import PasswordsBusy
from workers.ingress.clear_fields import ToHash, ToSeal, Wire
from workers.ingress.dependencies import Passwords, Sealer
from workers.ingress.problems import Problem

KEYS_RETRY: Final = 5
"""Seconds until a caller should repeat what no key was to be had for."""


@asynccontextmanager
async def keys_answer() -> AsyncIterator[None]:
    """Turns a missing key into the problem document that says when to come again."""
    try:
        yield
    except KeysUnavailable as error:
        raise Problem("keys_unavailable", "No key is to be had at the moment.", retry_after=KEYS_RETRY) from error


class Sealing:
    """Safe to call side by side."""

    def __init__(self, sealer: Sealer, passwords: Passwords) -> None:
        self._sealer, self._passwords = sealer, passwords

    async def seal(self, wire: Wire) -> Wire:
        """The same data with a sealed text for every placeholder. Raises Problem: ``keys_unavailable``, ``busy``, or ``erased`` for
        somebody whose key is gone for good."""
        try:
            async with keys_answer():
                hashed = {place: await self._hashed(found) for place, found in _placeholders(wire)}
                sealed = await self._sealed(hashed)
        except SubjectErased as error:
            raise Problem("erased", "This person was erased; nothing can be kept about them.") from error
        except PasswordsBusy as error:
            raise Problem("busy", "Too many passwords are being hashed.", retry_after=PASSWORDS_RETRY) from error
        filled: Wire = _filled(wire, sealed)
        return filled

    async def _hashed(self, found: ToSeal | ToHash) -> ToSeal:
        if isinstance(found, ToSeal):
            return found
        return ToSeal(Purpose.READER, Reader.SIGN_IN, PASSWORD_HASH, await self._passwords.hash(found.password))

    async def _sealed(self, placeholders: Mapping[int, ToSeal]) -> Mapping[int, str]:
        """One task per key: the first of them fetches it, the others find it cached."""
        by_key: dict[tuple[Purpose, str], dict[int, ToSeal]] = defaultdict(dict)
        for place, found in placeholders.items():
            by_key[found.purpose, found.subject][place] = found
        groups = await asyncio.gather(*map(self._under_one_key, by_key.values()))
        return {place: text for group in groups for place, text in group.items()}

    async def _under_one_key(self, group: Mapping[int, ToSeal]) -> Mapping[int, str]:
        return {
            place: await self._sealer.seal(found.purpose, found.subject, found.field_class, found.clear.reveal())
            for place, found in group.items()
        }


def _placeholders(part: Any) -> Iterator[tuple[int, ToSeal | ToHash]]:
    """By identity: one placeholder may stand in several places."""
    if isinstance(part, ToSeal | ToHash):
        yield id(part), part
    elif isinstance(part, Mapping):
        for value in part.values():
            yield from _placeholders(value)


def _filled(part: Any, sealed: Mapping[int, str]) -> Any:
    if isinstance(part, ToSeal | ToHash):
        return sealed[id(part)]
    return {name: _filled(value, sealed) for name, value in part.items()} if isinstance(part, Mapping) else part
