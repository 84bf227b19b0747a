"""Keys for tests: a sealer on a store in memory under a local master key, and a clock that is moved by hand."""

from dataclasses import dataclass, field

from contracts.sealed import KeysUnavailable
from workers.adapters.key_ring import LIFETIME, MOST_KEYS, KeyRing
from workers.adapters.key_wrapping import KeyOwner, KeyWrapping, LocalWrapping, NewKey, WrappedKey
from workers.adapters.sealing import Sealer
from workers.adapters.subject_keys import SubjectKeys
from workers.engine.memory import MemoryStore
from workers.engine.ports import Clock, Store

MASTER_KEY = b"a master key of the tests, thirty-two bytes or more"


@dataclass
class HandClock:
    """Stands still until it is moved. ``milliseconds`` since the epoch."""

    milliseconds: int = 1_770_000_000_000

    def now(self) -> int:
        return self.milliseconds

    def move(self, seconds: float) -> None:
        self.milliseconds += int(seconds * 1000)

    async def sleep(self, seconds: float) -> None:
        self.move(seconds)


@dataclass
class CountedWrapping:
    """A wrapping whose calls are counted, and which can be away."""

    inner: KeyWrapping = field(default_factory=lambda: LocalWrapping(MASTER_KEY))
    away: bool = False
    calls: list[str] = field(default_factory=list)

    def _asked(self, what: str) -> None:
        self.calls.append(what)
        if self.away:
            raise KeysUnavailable("KMS is away")

    async def present(self) -> str:
        self._asked("present")
        return await self.inner.present()

    def unwraps(self, wrapped_under: str) -> bool:
        return self.inner.unwraps(wrapped_under)

    async def generate(self, owner: KeyOwner) -> NewKey:
        self._asked("generate")
        return await self.inner.generate(owner)

    async def unwrap(self, owner: KeyOwner, wrapped: WrappedKey) -> bytes:
        self._asked("unwrap")
        return await self.inner.unwrap(owner, wrapped)

    async def wrap(self, owner: KeyOwner, key: bytes) -> WrappedKey:
        self._asked("wrap")
        return await self.inner.wrap(owner, key)

    async def rewrap(self, owner: KeyOwner, wrapped: WrappedKey) -> WrappedKey:
        self._asked("rewrap")
        return await self.inner.rewrap(owner, wrapped)

    async def close(self) -> None:
        """Nothing to close."""


def key_ring(
    store: Store | None = None,
    clock: Clock | None = None,
    *wrappings: KeyWrapping,
    lifetime: float = LIFETIME,
    most: int = MOST_KEYS,
) -> KeyRing:
    """One process's. Two with one store are two processes."""
    keys = SubjectKeys(MemoryStore() if store is None else store, clock or HandClock())
    return KeyRing(keys, wrappings or [LocalWrapping(MASTER_KEY)], lifetime=lifetime, most=most)


def sealer() -> Sealer:
    """With keys of its own that nobody else opens."""
    return Sealer(key_ring())
