"""Plans to the store, and what their fates mean for their lanes."""

import hashlib
from collections.abc import Sequence

from workers.engine.decision import Claim
from workers.engine.planning import Plan
from workers.engine.ports import Fate, Metrics, Store, StoreUnavailable, Transacted, Write, Written


class RejectedWrite(Exception):
    """The store will never take what the decision made (too large or malformed): a bug of the state's shape."""


class Writer:
    """Never raises StoreUnavailable: an answerless store only means that lanes try again. What a lane must know for its next try (load
    anew, one at a time, overruled, rejected) is noted on it."""

    def __init__(self, role: str, store: Store, metrics: Metrics) -> None:
        self._role, self._store, self._metrics = role, store, metrics

    async def write(self, plans: Sequence[Plan]) -> list[bool]:
        """Single-row plans in one request, or one spanning plan. True for those that were written."""
        try:
            if len(plans[0].writes) == 1:
                self._metrics.observe("batch_size", len(plans), role=self._role)
                results = await self._store.write([plan.writes[0] for plan in plans])
            else:
                results = [await self._spanning(plans[0])]
        except StoreUnavailable:
            self._metrics.count("store_retries", role=self._role, why="unavailable")
            return [False] * len(plans)
        return [self._ended(plan, result) for plan, result in zip(plans, results, strict=True)]

    async def _spanning(self, plan: Plan) -> Written:
        answer = await self._store.transact(plan.writes, _token(plan.writes))
        if answer.fate is Fate.CONFLICT:
            self._overrule(plan, answer)
        return Written(answer.fate, detail="; ".join(part.detail for part in answer.parts if part.detail))

    def _ended(self, plan: Plan, result: Written) -> bool:
        if result.fate is Fate.INVALID:
            self._reject(plan, result)
        if result.fate is Fate.CONFLICT:
            self._metrics.count("write_conflicts", role=self._role)
        if result.fate not in (Fate.WRITTEN, Fate.BUSY):
            plan.lane.entry = None
        return result.fate is Fate.WRITTEN

    def _reject(self, plan: Plan, result: Written) -> None:
        """Of a fold of several it is not known which one; of one it is: its next fold fails there, and it parks."""
        if len(plan.records) > 1:
            plan.lane.singly = max(plan.lane.singly, len(plan.records))
        elif not plan.records or plan.records[0].offset in plan.lane.rejected:
            raise RejectedWrite(f"{plan.lane.ref}: the store refuses even the root's books: {result.detail}")
        else:
            plan.lane.rejected[plan.records[0].offset] = RejectedWrite(f"{result.detail}. {RejectedWrite.__doc__}")

    def _overrule(self, plan: Plan, answer: Transacted) -> None:
        """Reads a cancelled transaction reason by reason: a lost claim refuses its command; of a fold of several, one by one."""
        if len(plan.records) > 1:
            plan.lane.singly = len(plan.records)
            return
        refusals = {claim.ref: claim.refusal for claim in plan.folded.claims if isinstance(claim, Claim)}
        for write, part in zip(plan.writes, answer.parts, strict=False):
            if part.fate is Fate.CONFLICT and (refusal := refusals.get(write.ref)):
                plan.lane.overruled[plan.records[0].offset] = refusal


def _token(writes: Sequence[Write]) -> str:
    """The same content, the same transaction: a repeat within ten minutes is answered, not done again."""
    return hashlib.sha256(repr(writes).encode()).hexdigest()[:36]
