"""Records that can never be applied, kept whole for people: raw bytes, headers, position, code."""

from random import Random

from contracts.catalogue import InvalidRecord
from contracts.ids import derived
from contracts.position import Origin
from contracts.timestamps import from_milliseconds
from workers.engine.decision import ItemRef
from workers.engine.ports import Absent, Clock, Fate, Metrics, Store, StoreUnavailable, Write
from workers.engine.record import Record
from workers.engine.retry import TRANSIENT

FAILURES = "platform-failures"


class Unquarantinable(Exception):
    """A record that cannot be applied could not be put aside either; the role stops rather than lose it."""


class Quarantine:
    """``put`` returns when the row is durable; its id follows from the record's position, so a repeat changes nothing. Retries while
    the store is away: the record stays unsettled meanwhile."""

    def __init__(self, store: Store, clock: Clock, metrics: Metrics, random: Random) -> None:
        self._store, self._clock, self._metrics, self._random = store, clock, metrics, random

    async def put(self, role: str, origin: Origin, record: Record, invalid: InvalidRecord, *, attempts: int = 1, trace: str = "") -> None:
        failure = derived(f"failure:{role}:{origin}/{record.offset}")
        headers = [{"name": name, "value": value or b""} for name, value in record.headers]
        now = from_milliseconds(self._clock.now())
        item = {
            "id": failure,
            "service": role.partition("-")[0],
            "role": role,
            "key": (record.key or b"").decode(errors="replace") or "-",
            "fingerprint": f"{role}/{invalid.code}",
            "reason": invalid.code,
            "state": "open",
            "detail": invalid.detail,
            "position": f"{origin}/{record.offset}",
            "topic": record.partition.topic,
            "value": record.value or b"",
            "headers": headers,
            "attempts": attempts,
            "trace": trace,
            "appendedAt": from_milliseconds(record.timestamp),
            "firstAt": now,
            "lastAt": now,
        }
        await self._write(Write(ItemRef(FAILURES, failure), None, item, Absent()))
        self._metrics.count("quarantined", role=role, code=invalid.code)

    async def _write(self, write: Write) -> None:
        attempt = 0
        while True:
            try:
                (result,) = await self._store.write([write])
            except StoreUnavailable:
                result = None
            if result and result.fate in (Fate.WRITTEN, Fate.CONFLICT):
                return
            if result and result.fate is Fate.INVALID:
                raise Unquarantinable(f"{write.ref}: {result.detail}. {Unquarantinable.__doc__}")
            await self._clock.sleep(TRANSIENT.delay(attempt, self._random.random()))
            attempt += 1
