"""The quarantine as people see it: lists by its declared indexes, groups by fingerprint, one row made readable."""

import base64
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

import orjson

from contracts.catalogue import Decoded, InvalidRecord, decode
from contracts.clear import Redacted
from contracts.message import Message
from contracts.timestamps import to_milliseconds
from contracts.types import Timestamp
from workers.engine.decision import Item, ItemRef
from workers.engine.ports import Store
from workers.engine.quarantine import FAILURES, OPEN, unpack

ROWS_A_PAGE = 500
BEGUN = "begun"
"""State of a failure's row whose decision was begun; ``decision`` says which. Whoever began it may have died before the end."""
WITHHELD = "withheld: nobody could read it, so it may hold personal values in the clear; --raw shows it"


class FailureNotFound(Exception):
    """There is no such failure. ``mindlinks failures list --service SERVICE`` shows open ones, with ``--decided`` the others."""


class Index(StrEnum):
    FINGERPRINT = "fingerprint-index"
    SERVICE = "service-index"
    KEY = "key-index"


@dataclass(frozen=True, slots=True)
class FailureLine:
    """What an index tells of a failure. ``key`` is empty where the record had none."""

    id: str
    fingerprint: str
    service: str
    role: str
    key: str
    kind: str
    reason: str
    state: str
    attempts: int
    first_at: str
    last_at: str

    @property
    def decided(self) -> bool:
        """Nobody is waited for. One that is tried again and fails again is open again."""
        return self.state not in (OPEN, BEGUN)

    @classmethod
    def of(cls, item: Item) -> "FailureLine":
        return cls(
            id=item["id"],
            fingerprint=item["fingerprint"],
            service=item["service"],
            role=item["role"],
            key=item.get("key", ""),
            kind=item.get("kind", "-"),
            reason=item["reason"],
            state=item["state"],
            attempts=int(item["attempts"]),
            first_at=item["firstAt"],
            last_at=item["lastAt"],
        )


@dataclass(frozen=True, slots=True)
class Group:
    """Failures of one fingerprint. ``keys``: how many distinct ones. ``states``: how many of each, by its name."""

    fingerprint: str
    count: int
    states: Mapping[str, int]
    keys: int
    roles: tuple[str, ...]
    first_at: str
    last_at: str


@dataclass(frozen=True, slots=True)
class Failure:
    """One row, and what its sealed part says: bytes, or that its key was destroyed."""

    item: Item
    raw: bytes | Redacted

    @property
    def is_record(self) -> bool:
        """Of a topic, not a delivery that never got into one."""
        return "appendedAt" in self.item

    @property
    def message(self) -> Decoded[Message] | None:
        """None for a delivery, and for a record that no catalogue reads."""
        if isinstance(self.raw, Redacted) or not self.is_record:
            return None
        key, value, headers = unpack(self.raw)
        try:
            return decode(key, value, headers, to_milliseconds(Timestamp(self.item["appendedAt"])))
        except InvalidRecord:
            return None

    def told(self, *, raw: bool) -> dict[str, Any]:
        """As JSON. A readable message holds personal values as sealed texts only; of any other bytes nothing is told but by ``raw``."""
        plain = {name: value for name, value in self.item.items() if name != "record" and not name.startswith("_")}
        message = self.message
        if message is not None:
            headers = {name: value.decode() for name, value in message.envelope.headers()}
            return {**plain, "headers": headers, "message": orjson.loads(message.data.to_json())}
        if isinstance(self.raw, Redacted):
            return {**plain, "raw": str(self.raw)}
        return {**plain, "raw": self._bytes(self.raw) if raw else WITHHELD}

    def _bytes(self, raw: bytes) -> Any:
        if not self.is_record:
            return _text(raw)
        key, value, headers = unpack(raw)
        return {"key": _text(key), "headers": [[name, _text(each)] for name, each in headers], "value": _text(value)}


class Opening(Protocol):
    """Opens what is sealed for operations."""

    async def open(self, sealed: str) -> bytes | Redacted:
        """Raises KeysUnavailable."""
        ...


class Failures:
    """What later commands build on. Every call raises StoreUnavailable. Lists come from indexes, which may lag."""

    def __init__(self, store: Store, opening: Opening) -> None:
        self._store, self._opening = store, opening

    async def one(self, failure: str) -> Failure:
        """Raises FailureNotFound, KeysUnavailable."""
        ref = ItemRef(FAILURES, failure)
        item = (await self._store.get([ref])).get(ref)
        if item is None:
            raise FailureNotFound(f"{failure}: {FailureNotFound.__doc__}")
        return Failure(item, await self._opening.open(item["record"]))

    async def listed(self, index: Index, value: str, limit: int | None = None, *, decided: bool | None = None) -> list[FailureLine]:
        """Newest first; all of them without a limit. ``decided``: those alone that people have decided about, or those alone that wait
        for them; None: both."""
        lines: list[FailureLine] = []
        start: Mapping[str, Any] | None = None
        while limit is None or len(lines) < limit:
            # No index knows the state: of a page that is sifted, any part may be left.
            size = ROWS_A_PAGE if limit is None or decided is not None else min(ROWS_A_PAGE, limit - len(lines))
            page = await self._store.query(FAILURES, index, value, start=start, limit=size, descending=True)
            found = [FailureLine.of(item) for item in page.items]
            lines += [line for line in found if decided in (None, line.decided)]
            start = page.next
            if start is None:
                break
        return lines[:limit]

    async def grouped(self, services: Sequence[str], *, decided: bool = False) -> list[Group]:
        """Of those that wait for people, or of those they have decided about. The fingerprint with the newest failure first. Reads every
        failure's line, no bodies."""
        found: dict[str, list[FailureLine]] = {}
        for service in services:
            for line in await self.listed(Index.SERVICE, service, decided=decided):
                found.setdefault(line.fingerprint, []).append(line)
        groups = [_group(fingerprint, lines) for fingerprint, lines in found.items()]
        return sorted(groups, key=lambda each: (each.last_at, each.fingerprint), reverse=True)


def _group(fingerprint: str, lines: Sequence[FailureLine]) -> Group:
    roles = tuple(sorted({line.role for line in lines}))
    keys = len({line.key for line in lines if line.key})
    states = dict(Counter(line.state for line in lines).most_common())
    first, last = min(line.first_at for line in lines), max(line.last_at for line in lines)
    return Group(fingerprint, len(lines), states, keys, roles, first, last)


def _text(value: bytes | None) -> str | None:
    """Text where it is text; else base64, said so."""
    if value is None:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        return f"base64:{base64.b64encode(value).decode()}"
