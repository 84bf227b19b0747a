"""Writing the effect ledger, patiently: a row's fate is always known before anything else is done for it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from contracts.types import EffectId
from workers.engine.decision import ItemRef
from workers.engine.ledger import EFFECTS, LedgerRow, first_write, next_write
from workers.engine.ports import Clock, Fate, Store, StoreUnavailable, Write, Written
from workers.engine.retry import TRANSIENT

ROWS_A_WRITE = 25


class LostClaim(Exception):
    """Somebody else took the row over after our lease: what they do with it is theirs, so this run ends."""


class RejectedRow(Exception):
    """The store will never take a row of the ledger as it is to be (too large or malformed). Of an effect's first row: nothing was called,
    its event waits in its key's line. Of a later one: the effect fails, its row tells why, and a call may have gone out."""


@dataclass(frozen=True, slots=True)
class Put:
    """``fresh``: rows that were not in the ledger before. ``rejected``: effects whose rows it cannot hold; what came behind them of their
    keys was left out."""

    fresh: Sequence[LedgerRow]
    rejected: Mapping[EffectId, RejectedRow]


class LedgerKeeper:
    """Waits out throttling and outages; looks an unknown write up instead of repeating it."""

    def __init__(self, store: Store, clock: Clock, random: Random) -> None:
        self._store, self._clock, self._random = store, clock, random

    async def put(self, rows: Sequence[LedgerRow]) -> Put:
        """Rows of one key's events get there in their order, whatever dies between; none behind one that the store does not take."""
        fresh: list[LedgerRow] = []
        rejected: dict[EffectId, RejectedRow] = {}
        stuck: set[str] = set()
        for chunk in _in_order(rows):
            allowed = [row for row in chunk if row.key not in stuck]
            results = await self._written([first_write(row) for row in allowed])
            for row, result in zip(allowed, results, strict=True):
                if result.fate is Fate.WRITTEN:
                    fresh.append(row)
                elif result.fate is Fate.INVALID:
                    rejected[row.effect] = _rejection(row, result)
                    stuck.add(row.key)
        return Put(fresh, rejected)

    async def look_up(self, effects: Sequence[EffectId]) -> list[LedgerRow]:
        """Those that are in the ledger, as they are."""
        attempt = 0
        while True:
            try:
                found = await self._store.get([ItemRef(EFFECTS, each) for each in effects])
            except StoreUnavailable:
                await self._clock.sleep(TRANSIENT.delay(attempt, self._random.random()))
                attempt += 1
            else:
                return [LedgerRow.of(item) for item in found.values()]

    async def keep(self, before: LedgerRow, after: LedgerRow) -> LedgerRow:
        """Returns ``after``. Raises LostClaim, RejectedRow."""
        (result,) = await self._written([next_write(before, after)])
        if result.fate is Fate.INVALID:
            raise _rejection(before, result)
        if result.fate is not Fate.WRITTEN:
            raise LostClaim(before.effect)
        return after

    async def _written(self, writes: Sequence[Write]) -> Sequence[Written]:
        results: dict[ItemRef, Written] = {}
        unsure: set[ItemRef] = set()
        attempt = 0
        while todo := [write for write in writes if write.ref not in results]:
            try:
                answers = await self._store.write(todo)
                unsure |= {write.ref for write, answer in zip(todo, answers, strict=True) if answer.fate is Fate.UNKNOWN}
                for write, answer in zip(todo, answers, strict=True):
                    # A write that may have happened before refuses its own repeat.
                    result = await self._looked_up(write, answer) if write.ref in unsure else answer
                    if result.fate not in (Fate.BUSY, Fate.UNKNOWN):
                        results[write.ref] = result
            except StoreUnavailable:
                pass
            if len(results) < len(writes):
                await self._clock.sleep(TRANSIENT.delay(attempt, self._random.random()))
                attempt += 1
        return [results[write.ref] for write in writes]

    async def _looked_up(self, write: Write, answer: Written) -> Written:
        found = (await self._store.get([write.ref])).get(write.ref)
        return Written(Fate.WRITTEN) if found == write.after else answer


def _rejection(row: LedgerRow, result: Written) -> RejectedRow:
    return RejectedRow(f"{row.effect}: {result.detail}. {RejectedRow.__doc__}")


def _in_order(rows: Sequence[LedgerRow]) -> Iterator[Sequence[LedgerRow]]:
    """Requests in which no key has two events: of one request any part may be written."""
    chunk: list[LedgerRow] = []
    events: dict[str, str] = {}
    for row in rows:
        event = row.envelope.id
        if len(chunk) == ROWS_A_WRITE or events.get(row.key, event) != event:
            yield chunk
            chunk, events = [], {}
        chunk.append(row)
        events[row.key] = event
    if chunk:
        yield chunk
