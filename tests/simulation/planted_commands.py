"""Bugs of the commands role: order, settling, publishing, parking, claims."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from contracts.ids import within
from contracts.position import Position
from tests.simulation.faults import Fault
from tests.simulation.planted import Patch, heedless, planted, unconditional
from workers.engine import fold, lane, outcome, planning
from workers.engine.commands import CommandsProcessor
from workers.engine.decision import Claim
from workers.engine.draining import Drainer
from workers.engine.fold import Missing
from workers.engine.lane import Lane
from workers.engine.parking import ParkingLot
from workers.engine.ports import Fate
from workers.engine.role import Role
from workers.engine.root import Root
from workers.engine.settling import Settler
from workers.engine.watermark import Watermark
from workers.engine.writing import Writer

STALE = (Fault.POISON, Fault.FREEZE, Fault.EXPEL)
"""What makes stale owners of parked keys."""

# --- commands: order, settling, publishing ---------------------------------------------------------------------------


@planted("a record settles when it is written, before its events are acknowledged", 50)
def commit_before_publish(patch: Patch) -> None:
    publish = Settler.publish

    def hasty(self: Any, lane: Lane, outcomes: Any, taken: Any) -> None:
        for record in taken:
            lane.shard.owned.settle(record.offset)
        publish(self, lane, outcomes, ())

    patch(Settler, "publish", hasty)


@planted("the watermark skips open records", 50)
def watermark_not_contiguous(patch: Patch) -> None:
    value: Any = vars(Watermark)["value"].fget
    patch(Watermark, "value", property(lambda self: max([value(self), *(offset + 1 for offset in self._done)])))


class Loose(Watermark):
    """Takes everything received for settled."""

    def settle(self, offset: int) -> None:
        """Whatever it was."""


@planted("a revoke commits what was received, settled or not", 400)
def revoke_commits_everything(patch: Patch) -> None:
    revoked = Role._revoked

    async def careless(self: Any, leaving: Any) -> None:
        for owned in leaving:
            owned.watermark = Loose(owned.watermark.position)
        await revoked(self, leaving)

    patch(Role, "_revoked", careless)


@planted("a cache entry is evicted while its outcomes are in the air", 600)
def pinned_entry_evicted(patch: Patch) -> None:
    patch(Lane, "pinned", property(lambda self: self.busy))


@planted("an event's id differs each time it is published", 20)
def event_id_by_chance(patch: Patch) -> None:
    count = iter(range(10**9))
    patch(outcome, "event_id", lambda command, name, index: within(command, f"{name}#{index}#{next(count)}"))


@planted("a lane tries again in another order", 300)
def retry_reorders(patch: Patch) -> None:
    write = Writer.write

    async def shuffling(self: Any, plans: Any) -> Any:
        results = await write(self, plans)
        for plan, written in zip(plans, results, strict=True):
            if not written and plan.records and plan.lane.waiting:
                plan.lane.waiting.rotate(-1)
        return results

    patch(Writer, "write", shuffling)


@planted("a write of unknown fate is taken for written", 100)
def unknown_is_written(patch: Patch) -> None:
    ended = Writer._ended

    def trusting(self: Any, plan: Any, result: Any) -> bool:
        return ended(self, plan, replace(result, fate=Fate.WRITTEN) if result.fate is Fate.UNKNOWN else result)

    patch(Writer, "_ended", trusting)


@planted("a write of unknown fate is made once more as it was, without asking what is there", 400)
def unknown_is_repeated(patch: Patch) -> None:
    write, writes = Writer.write, Lane.writes
    heedless(patch)
    unsure: set[Lane] = set()

    async def remembering(self: Any, plans: Any) -> Any:
        entries = {plan.lane: plan.lane.entry for plan in plans}
        results = await write(self, plans)
        for plan, written in zip(plans, results, strict=True):
            if not written and plan.lane.entry is None:
                plan.lane.entry = entries[plan.lane]
                unsure.add(plan.lane)
            elif written:
                unsure.discard(plan.lane)
        return results

    def blind(self: Lane, folded: Any) -> Any:
        made = writes(self, folded)
        return [unconditional(each) for each in made] if self in unsure else made

    patch(Writer, "write", remembering)
    patch(Lane, "writes", blind)


@planted("redelivered records are not recognised by their offsets", 3000)
def seen_ignored(patch: Patch) -> None:
    patch(Root, "has_seen", lambda self, origin, offset: False)


@planted("an event claims that more is settled than was committed", 100)
def settled_ahead(patch: Patch) -> None:
    opened = CommandsProcessor.opened

    def ahead(self: Any, owned: Any, metadata: str) -> Any:
        result = opened(self, owned, metadata)
        self._shards[owned.partition].publisher._watermark = lambda: owned.watermark.value
        return result

    patch(CommandsProcessor, "opened", ahead)


@planted("a refusal without a trace does not ride in the next write", 3000, "registry", (Fault.CRASH, Fault.APPEND_LOST))
def refusal_does_not_ride(patch: Patch) -> None:
    judged = CommandsProcessor._judged

    def forgetful(self: Any, plan: Any) -> None:
        judged(self, plan)
        if not plan.writes:
            plan.lane.riding.clear()

    patch(CommandsProcessor, "_judged", forgetful)


@planted("a partition's cache survives its revoke", 400)
def cache_survives_revoke(patch: Patch) -> None:
    opened, closed = CommandsProcessor.opened, CommandsProcessor.closed
    kept: dict[Any, Any] = {}

    def keeping(self: Any, owned: Any) -> None:
        kept[self, owned.partition] = self._shards[owned.partition].lanes
        closed(self, owned)

    def reusing(self: Any, owned: Any, metadata: str) -> Any:
        result = opened(self, owned, metadata)
        shard = self._shards[owned.partition]
        for ref, each in kept.pop((self, owned.partition), {}).items():
            if each.entry is not None and not each.busy:
                shard.lanes[ref] = Lane(shard, ref, each.key, entry=each.entry, riding=each.riding)
        return result

    patch(CommandsProcessor, "closed", keeping)
    patch(CommandsProcessor, "opened", reusing)


@planted("time runs backwards with a broker's clock", 2000)
def time_runs_backwards(patch: Patch) -> None:
    patch(fold, "_not_before", lambda at, root: at)


@planted("what cannot be decoded is settled without being kept", 100)
def garbage_is_dropped(patch: Patch) -> None:
    async def drop(self: Any, owned: Any, record: Any, invalid: Any) -> None:
        owned.settle(record.offset)

    patch(CommandsProcessor, "_put_aside", drop)


# --- parking ---------------------------------------------------------------------------------------------------------


@planted("a poisoned record is settled without being parked", 200)
def poison_is_skipped(patch: Patch) -> None:
    async def nothing(self: Any, rows: Any) -> None:
        return

    patch(ParkingLot, "put", nothing)


@planted("a drain lifts the hold although rows are left", 600)
def drain_returns_early(patch: Patch) -> None:
    apply = Drainer._apply
    patch(Drainer, "_apply", lambda self, lane, covered: apply(self, lane, covered[:1]))


@planted("a stale owner that parks moves the hold backwards", 3000, "registry", STALE)
def hold_moves_back(patch: Patch) -> None:
    held = planning._held

    def backwards(folded: Any, parked: Sequence[Any], lane: Lane) -> Any:
        after = held(folded, parked, lane)
        return replace(after, root=replace(after.root, hold=Position(parked[-1].origin, parked[-1].offset)))

    patch(planning, "_held", backwards)


# --- claims ------------------------------------------------------------------------------------------------------------


@planted("a claim does not look whether it is taken", 200, "registry")
def claim_not_conditional(patch: Patch) -> None:
    claim = lane._claim
    heedless(patch)
    patch(lane, "_claim", lambda each: unconditional(claim(each)) if isinstance(each, Claim) else claim(each))


@planted("a fold carries the claims of the one before", 100, "registry")
def claims_carried_on(patch: Patch) -> None:
    plan_fold = fold.fold
    carried: dict[str, tuple[Any, ...]] = defaultdict(tuple)

    def carrying(found: Any, records: Any, *rest: Any) -> Any:
        folded = plan_fold(found, records, *rest)
        if isinstance(folded, Missing) or not records or not folded.write:
            return folded
        key = records[0].command.key
        new = tuple(each for each in folded.claims if isinstance(each, Claim))
        before, carried[key] = carried[key], new
        names = {each.ref for each in folded.claims}
        return replace(folded, claims=(*(each for each in before if each.ref not in names), *folded.claims))

    patch(planning, "fold", carrying)


@planted("a lost claim's command is refused and applied", 400, "registry")
def lost_claim_applied(patch: Patch) -> None:
    def shrug(self: Any, plan: Any, answer: Any) -> None:
        """Drops the claims that were lost and goes on."""
        lost = {write.ref for write, part in zip(plan.writes, answer.parts, strict=False) if part.fate is Fate.CONFLICT}
        lost_refs.update(ref for ref in lost if ref.key.startswith("ADDRESS#"))

    lost_refs: set[Any] = set()
    claim = lane._claim
    heedless(patch)
    patch(lane, "_claim", lambda each: unconditional(claim(each)) if each.ref in lost_refs else claim(each))
    patch(Writer, "_overrule", shrug)
