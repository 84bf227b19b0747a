"""Records that can never be applied, kept whole for people: position, code and fingerprint in the clear, the record itself sealed.

A record that was never decoded may hold anything, a personal value in the clear above all.
"""

import re
from random import Random

from contracts.catalogue import InvalidRecord, decode
from contracts.ids import derived
from contracts.position import Origin
from contracts.sealed import KeysUnavailable
from contracts.timestamps import from_milliseconds
from workers.engine.decision import ItemRef
from workers.engine.ports import Absent, AttributeIs, Clock, Fate, Metrics, RawSealer, Store, StoreUnavailable, Write
from workers.engine.record import Record
from workers.engine.retry import TRANSIENT

FAILURES = "platform-failures"
OPEN, RETRIED = "open", "retried"
"""An open failure waits for people; every other state says what they decided."""
PASSED_OVER = "passedOver"
"""Attribute: the word in the log by which people passed the record over. It stands there whatever happens to the record later."""
_KIND = re.compile(r"mindlinks\.[a-z]{1,40}\.[A-Za-z]{1,80}\.v[0-9]{1,3}")
_KEY = re.compile(r"([A-Z]+#)?([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{64})")


class Unquarantinable(Exception):
    """A record that cannot be applied could not be put aside either; the role stops rather than lose it."""


class Quarantine:
    """``put`` returns when the row is durable; its id follows from the record's position, so a repeat changes nothing. Retries while
    the store or the keys are away: the record stays unsettled meanwhile."""

    def __init__(self, store: Store, sealer: RawSealer, clock: Clock, metrics: Metrics, random: Random) -> None:
        self._store, self._sealer, self._clock, self._metrics, self._random = store, sealer, clock, metrics, random

    async def put(
        self,
        role: str,
        origin: Origin,
        record: Record,
        invalid: InvalidRecord,
        *,
        attempts: int = 1,
        trace: str = "",
        first_at: int | None = None,
        last_at: int | None = None,
    ) -> None:
        """``invalid``: its code is that of a record nobody can read, or the fingerprint of what raised. ``first_at``, ``last_at``:
        milliseconds, of what was tried before. What was tried again after people decided about it is open again."""
        failure = derived(f"failure:{role}:{origin}/{record.offset}")
        now, kind = self._clock.now(), _kind(record)
        reason, raised, _ = invalid.code.partition("/")
        item = {
            "id": failure,
            "service": role.partition("-")[0],
            "role": role,
            "key": _shown(record.key),
            "kind": kind,
            "fingerprint": invalid.code if raised else f"{reason}/{kind}/{decode.__name__}",
            "reason": reason,
            "state": OPEN,
            "detail": invalid.detail,
            "position": f"{origin}/{record.offset}",
            "topic": record.partition.topic,
            "record": await self._sealed(pack(record)),
            "attempts": attempts,
            "trace": trace,
            "appendedAt": from_milliseconds(record.timestamp),
            "firstAt": from_milliseconds(now if first_at is None else first_at),
            "lastAt": from_milliseconds(now if last_at is None else last_at),
        }
        if await self._write(Write(ItemRef(FAILURES, failure), None, item, Absent()), reopens=last_at is not None):
            self._metrics.count("quarantined", role=role, code=reason)

    async def _sealed(self, raw: bytes) -> str:
        attempt = 0
        while True:
            try:
                return await self._sealer.seal(raw)
            except KeysUnavailable:
                await self._clock.sleep(TRANSIENT.delay(attempt, self._random.random()))
                attempt += 1

    async def _write(self, write: Write, *, reopens: bool) -> bool:
        """False: people know it already."""
        attempt = 0
        while True:
            try:
                (result,) = await self._store.write([write])
                if reopens and result.fate is Fate.CONFLICT and (again := await self._reopening(write)):
                    write = again
                    continue
            except StoreUnavailable:
                result = None
            if result and result.fate in (Fate.WRITTEN, Fate.CONFLICT):
                return result.fate is Fate.WRITTEN
            if result and result.fate is Fate.INVALID:
                raise Unquarantinable(f"{write.ref}: {result.detail}. {Unquarantinable.__doc__}")
            await self._clock.sleep(TRANSIENT.delay(attempt, self._random.random()))
            attempt += 1

    async def _reopening(self, write: Write) -> Write | None:
        """It failed again after people had decided about it, and holds its key again. None for what they know."""
        assert write.after is not None
        before = (await self._store.get([write.ref])).get(write.ref)
        if before is None or before["state"] == OPEN or write.after["lastAt"] <= before["lastAt"]:
            return None
        kept = {name: before[name] for name in ("firstAt", PASSED_OVER) if name in before}
        return Write(write.ref, before, {**write.after, **kept}, AttributeIs("state", before["state"]))


def pack(record: Record) -> bytes:
    """Key, value and headers, each preceded by its length and 1, or by 0 where it is absent: a third less than base64 in JSON, so that
    the largest record fits its row."""
    parts = [record.key, record.value]
    for name, value in record.headers:
        parts += [name.encode(), value]
    return b"".join(b"\0" if part is None else b"\1" + len(part).to_bytes(4) + part for part in parts)


def unpack(raw: bytes) -> tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]]]:
    """Key, value and headers of what ``pack`` made."""
    parts: list[bytes | None] = []
    while raw:
        size = int.from_bytes(raw[1:5]) if raw[0] else 0
        parts.append(raw[5 : 5 + size] if raw[0] else None)
        raw = raw[5 + size :] if parts[-1] is not None else raw[1:]
    key, value, *headers = parts
    return key, value, [((name or b"").decode(), value) for name, value in zip(headers[::2], headers[1::2], strict=True)]


def _kind(record: Record) -> str:
    """What the record says it is, in our words; whatever else stands there may be anything."""
    said = next((value for name, value in record.headers if name == "ce_type" and value), b"").decode(errors="replace")
    return said if _KIND.fullmatch(said) else "-"


def _shown(key: bytes | None) -> str:
    """Ids and hashes of ours; what else a publisher took for a key may be somebody's address."""
    text = (key or b"").decode(errors="replace")
    return text if _KEY.fullmatch(text) else "-"
