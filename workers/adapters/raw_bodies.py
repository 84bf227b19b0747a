"""Bodies of decisions as the provider sent them: sealed under the person's legal key, then put among the objects."""

import zlib
from typing import Protocol

from contracts.file import ObjectKey
from contracts.sealed import RAW, FieldClass
from contracts.types import Purpose
from workers.adapters.objects import Objects


class ByteSealer(Protocol):
    """``workers.adapters.opening.Opener`` is one."""

    async def seal_bytes(self, purpose: Purpose, subject: str, field_class: FieldClass, raw: bytes) -> str: ...


class RawBodies:
    """Safe to call side by side."""

    def __init__(self, objects: Objects, sealer: ByteSealer) -> None:
        self._objects, self._sealer = objects, sealer

    async def keep(self, key: ObjectKey, subject: str, body: bytes) -> None:
        """Returns when the sealed, deflated body is durable; what lay under ``key`` is replaced. Nothing clear leaves this process.

        Raises ObjectsUnavailable, ObjectsRefused, KeysUnavailable, SubjectErased.
        """
        sealed = await self._sealer.seal_bytes(Purpose.LEGAL, subject, RAW, zlib.compress(body))
        await self._objects.put(key, sealed.encode())
