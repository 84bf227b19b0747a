"""Bytes that may hold anything, sealed for operations: what the quarantines keep of records and deliveries."""

import zlib
from typing import Final

from contracts.clear import Redacted
from contracts.sealed import RAW, Reader, SealedText
from contracts.types import Purpose
from workers.adapters.sealing import Sealer

_PLAIN: Final = b"\0"
_DEFLATED: Final = b"\1"


class OperationsSealer:
    """Deflated where that is shorter: what is sealed is a third longer, and a row has a limit."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    async def seal(self, raw: bytes) -> str:
        """Raises KeysUnavailable."""
        deflated = zlib.compress(raw)
        marked = _DEFLATED + deflated if len(deflated) < len(raw) else _PLAIN + raw
        return await self._sealer.seal_bytes(Purpose.READER, Reader.OPS, RAW, marked)

    async def open(self, sealed: str) -> bytes | Redacted:
        """Raises KeysUnavailable, ForgedSealError, MalformedSealError."""
        marked = await self._sealer.open_bytes(SealedText.parse(sealed), RAW)
        if isinstance(marked, Redacted):
            return marked
        return zlib.decompress(marked[1:]) if marked[:1] == _DEFLATED else marked[1:]
