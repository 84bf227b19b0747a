"""Seals nothing, in the form of what is sealed: tests read what was put aside."""

import base64

from contracts.sealed import KeysUnavailable

PREFIX = "s1.reader.ops.1."


class ReadableRaw:
    """``away``: how many more calls find no key."""

    def __init__(self, away: int = 0) -> None:
        self.away = away

    async def seal(self, raw: bytes) -> str:
        if self.away:
            self.away -= 1
            raise KeysUnavailable
        return PREFIX + base64.urlsafe_b64encode(raw[::-1]).decode().rstrip("=")


def reopened(sealed: str) -> bytes:
    text = sealed.removeprefix(PREFIX)
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))[::-1]
