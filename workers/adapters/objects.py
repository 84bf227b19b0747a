"""Where encrypted bytes lie: put under a key, replaced by the same key, gone in every version once deleted."""

from collections.abc import Sequence
from typing import Protocol


class ObjectsUnavailable(Exception):
    """The store did not do it, or its answer is unknown. The same may be asked again."""


class ObjectsRefused(Exception):
    """The store won't do it as it is configured: a thing for people."""


class Objects(Protocol):
    """Every method waits for the network, retries little and raises ObjectsUnavailable or ObjectsRefused."""

    async def put(self, key: str, content: bytes) -> None:
        """What lay there before is replaced."""
        ...

    async def delete(self, keys: Sequence[str]) -> None:
        """Afterwards none of ``keys`` exists, in no version; what never did is no error. After an error some may be gone."""
        ...

    async def delete_under(self, prefix: str) -> None:
        """As ``delete``, for every object whose key begins with ``prefix``."""
        ...


class NoObjects:
    """Of a process that keeps none."""

    async def put(self, key: str, content: bytes) -> None:
        raise ObjectsUnavailable("this process has no store of objects")

    async def delete(self, keys: Sequence[str]) -> None:
        raise ObjectsUnavailable("this process has no store of objects")

    async def delete_under(self, prefix: str) -> None:
        raise ObjectsUnavailable("this process has no store of objects")
