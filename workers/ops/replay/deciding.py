"""A service's commands judged one after the other by the engine's own fold, over tables that keep nothing."""

from dataclasses import dataclass

from workers.engine.decision import Claim, Item, ItemRef
from workers.engine.fold import Circumstances, Folded, Found, Missing, Waiting, fold
from workers.engine.lane import Entry
from workers.engine.outcome import Outcome
from workers.engine.parking import Failure
from workers.engine.root import Root
from workers.engine.service import Service
from workers.ops.replay.overlay import OverlayStore

PARKED, RECOGNISED = "parked", "recognised"


@dataclass(frozen=True, slots=True)
class Judged:
    """``verdict``: applied, unchanged, recognised, parked, or a refusal's code. ``why``: the fingerprint of what a decision raised.
    ``traceless``: a refusal that nothing remembers; published again, it is recognised by its event's id alone."""

    verdict: str
    refused: bool = False
    outcomes: tuple[Outcome, ...] = ()
    why: str = ""
    traceless: bool = False


class Deciding:
    """What the commands role does with a command that waits alone: without a lane, publishing or parking. ``touched`` tells the rows
    that changed, and of which key."""

    def __init__(self, service: Service, store: OverlayStore) -> None:
        self._service, self._store = service, store
        self.touched: dict[ItemRef, str] = {}

    async def judge(self, ref: ItemRef, waiting: Waiting) -> Judged:
        """Raises StoreUnavailable."""
        entry = await self._entry(ref)
        shared: dict[ItemRef, Item] = {}
        known: frozenset[ItemRef] = frozenset()
        overruled: dict[int, str] = {}
        while True:
            found = Found(entry.root, entry.own, shared, known | frozenset(entry.known))
            folded = fold(found, [waiting], self._service.name, Circumstances(overruled))
            if isinstance(folded, Missing):
                items = await self._store.get([read.ref for read in folded.reads])
                entry.learn([read.ref for read in folded.reads if not read.shared], items)
                foreign = [read.ref for read in folded.reads if read.shared]
                shared |= {each: items[each] for each in foreign if each in items}
                known |= frozenset(foreign)
            elif refusal := await self._lost_claim(folded):
                overruled[waiting.offset] = refusal
            else:
                return await self._ended(ref, waiting, entry, folded)

    async def _entry(self, ref: ItemRef) -> Entry:
        items = await self._store.get([ref])
        entry = Entry(Root.of(items.get(ref, {})))
        entry.learn([ref], items)
        return entry

    async def _lost_claim(self, folded: Folded) -> str | None:
        """What the transaction would say."""
        claims = {claim.ref: claim.refusal for claim in folded.claims if isinstance(claim, Claim)}
        taken = await self._store.get(list(claims)) if claims else {}
        return next((refusal for ref, refusal in claims.items() if ref in taken and refusal), None)

    async def _ended(self, ref: ItemRef, waiting: Waiting, entry: Entry, folded: Folded) -> Judged:
        if not folded.taken:
            kind = waiting.command.data.kind()
            return Judged(PARKED, why=Failure.of(folded.fault, kind).fingerprint if folded.fault else "its key is held")
        if folded.write:
            await self._write(ref, waiting.command.key, entry, folded)
        (verdict,) = folded.verdicts
        plain = verdict.reason in ("applied", "unchanged", "recognised")
        return Judged(verdict.reason, refused=not plain, outcomes=folded.outcomes, traceless=not plain and not folded.write)

    async def _write(self, ref: ItemRef, key: str, entry: Entry, folded: Folded) -> None:
        rows: dict[ItemRef, Item | None] = dict(folded.rows)
        rows[ref] = {**(folded.rows.get(ref) or entry.own.get(ref, {})), **folded.root.attributes()}
        for claim in folded.claims:
            rows[claim.ref] = claim.item if isinstance(claim, Claim) else None
        await self._store.put(rows)
        self.touched |= dict.fromkeys(rows, key)
