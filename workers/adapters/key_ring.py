"""The data keys a process holds, unwrapped: bounded, each looked at again after a lifetime, and let go of when idle.

A look is one consistent read of the key's row, without the wrapping service: the row's data key never changes, only whether it is
there. So keys in use go on while KMS is away, and a destroyed key opens nothing once the lifetime is over.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from contracts.sealed import SubjectErased, is_lead
from contracts.types import Purpose, Timestamp
from workers.adapters.key_wrapping import KeyOwner, KeyWrapping, UnwrappableKey, WrappedKey
from workers.adapters.subject_keys import FIRST, KeyRow, KeyState, SubjectKeys

LIFETIME: Final = 60.0
"""Seconds between two looks at a key's row, and so the time in which a destruction is seen everywhere."""
MOST_KEYS: Final = 10_000
IDLE_LIFETIMES: Final = 10
"""A key that nobody used for so many lifetimes leaves the process."""
ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True, repr=False)
class HeldKey:
    """``cipher`` None: destroyed, which is final. ``looked_at``: milliseconds, before the read that told so."""

    generation: int
    cipher: AESSIV | None
    created_at: Timestamp
    looked_at: int


_Place: TypeAlias = tuple[KeyOwner, int]


class KeyRing:
    """One per process. ``wrappings``: the first wraps new keys, the others unwrap what is still wrapped as before."""

    def __init__(self, keys: SubjectKeys, wrappings: Sequence[KeyWrapping], *, lifetime: float = LIFETIME, most: int = MOST_KEYS) -> None:
        self.keys, self.wrappings, self.lifetime = keys, tuple(wrappings), lifetime
        self._milliseconds, self._most = int(lifetime * 1000), most
        self._held: OrderedDict[_Place, HeldKey] = OrderedDict()
        self._looking: dict[tuple[_Place, bool], asyncio.Task[HeldKey | None]] = {}

    async def for_sealing(self, owner: KeyOwner) -> HeldKey:
        """The present generation's key, made if there was none. Raises SubjectErased, KeysUnavailable."""
        if is_lead(owner.subject):
            return await self._present_of_lead(owner)
        held = self._fresh((owner, FIRST)) or await self._look(owner, FIRST, make=True)
        if held is None or held.cipher is None:
            raise SubjectErased(owner.purpose, owner.subject)
        return held

    async def for_opening(self, owner: KeyOwner, generation: int) -> HeldKey | None:
        """None: no such key was ever made. Raises KeysUnavailable."""
        return self._fresh((owner, generation)) or await self._look(owner, generation, make=False)

    async def destroy(self, subject: str, purpose: Purpose, why: str = "erasure") -> list[int]:
        """Destroys the subject's key; idempotent, answers the generations that had one. This process opens nothing with it any more, every
        other within the lifetime. Raises KeysUnavailable, after which it is called again."""
        owner = KeyOwner(subject, purpose)
        destroyed = await self.keys.destroy(owner, why)
        for place in [place for place in self._held if place[0] == owner]:
            del self._held[place]
        return destroyed

    async def unwrapped(self, row: KeyRow) -> bytes:
        """Raises KeysUnavailable; UnwrappableKey when it is wrapped under a key that this process does not have."""
        assert row.wrapped is not None
        return await self.wrapping_of(row.owner, row.wrapped).unwrap(row.owner, row.wrapped)

    def wrapping_of(self, owner: KeyOwner, wrapped: WrappedKey) -> KeyWrapping:
        for wrapping in self.wrappings:
            if wrapping.unwraps(wrapped.wrapped_under):
                return wrapping
        raise UnwrappableKey(owner, wrapped.wrapped_under)

    async def close(self) -> None:
        self._held.clear()
        for wrapping in self.wrappings:
            await wrapping.close()

    def _fresh(self, place: _Place) -> HeldKey | None:
        held = self._held.get(place)
        # A clock that was put back makes a look due, never later.
        if held is None or (held.cipher is not None and not 0 <= self.keys.now() - held.looked_at < self._milliseconds):
            return None
        self._held.move_to_end(place)
        return held

    async def _look(self, owner: KeyOwner, generation: int, *, make: bool) -> HeldKey | None:
        """All who want one key at once wait for one look; one who gives up does not end it for the others."""
        flight = ((owner, generation), make)
        looking = self._looking.get(flight)
        if looking is None:
            looking = asyncio.ensure_future(self._looked(owner, generation, make=make))
            self._looking[flight] = looking
            looking.add_done_callback(lambda task: self._landed(flight, task))
        return await asyncio.shield(looking)

    def _landed(self, flight: tuple[_Place, bool], task: asyncio.Task[HeldKey | None]) -> None:
        del self._looking[flight]
        if not task.cancelled():
            # Read, so that a failure nobody waits for any more is not reported as lost.
            task.exception()

    async def _looked(self, owner: KeyOwner, generation: int, *, make: bool) -> HeldKey | None:
        at = self.keys.now()
        row = await self.keys.at(owner, generation)
        if row is None and make:
            row = await self._made(owner, generation)
        return await self._hold(row, at) if row else None

    async def _present_of_lead(self, owner: KeyOwner) -> HeldKey:
        """Read anew each time: an address that appears again after its erasure must not be sealed under the destroyed key."""
        for _ in range(ATTEMPTS):
            at = self.keys.now()
            row = await self.keys.latest(owner)
            if row is None or row.state is KeyState.DESTROYED:
                row = await self._made(owner, row.generation + 1 if row else FIRST)
            held = await self._hold(row, at)
            if held.cipher is not None:
                return held
        raise SubjectErased(owner.purpose, owner.subject)

    async def _made(self, owner: KeyOwner, generation: int) -> KeyRow:
        new = await self.wrappings[0].generate(owner)
        return await self.keys.create(owner, generation, new.wrapped)

    async def _hold(self, row: KeyRow, at: int) -> HeldKey:
        """Unwraps a key that is not held yet."""
        place = (row.owner, row.generation)
        known = self._held.get(place)
        cipher: AESSIV | None = None
        if row.wrapped:
            same = known is not None and known.created_at == row.created_at
            cipher = known.cipher if known and same and known.cipher else AESSIV(await self.unwrapped(row))
        held = HeldKey(row.generation, cipher, row.created_at, at)
        self._held[place] = held
        self._held.move_to_end(place)
        self._let_go(at)
        return held

    def _let_go(self, now: int) -> None:
        while len(self._held) > self._most:
            self._held.popitem(last=False)
        while self._held and now - next(iter(self._held.values())).looked_at > IDLE_LIFETIMES * self._milliseconds:
            self._held.popitem(last=False)
