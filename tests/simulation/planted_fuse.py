"""Bugs of the fuse and of what stops and goes on by it."""

from typing import Any

from tests.simulation.planted import Patch, planted
from workers.engine.commands import CommandsProcessor
from workers.engine.fuse import Fuse, FuseTripped
from workers.engine.resuming import Resumes
from workers.engine.role import Role

DEPLOY = "registry+deploy"


@planted("what was parked settles while the fuse's window is open", 200, DEPLOY)
def fuse_settles_in_its_window(patch: Patch) -> None:
    judged = CommandsProcessor._judged

    def hasty(self: Any, plan: Any) -> None:
        judged(self, plan)
        self._settle_parked(plan.lane.shard.owned)

    patch(CommandsProcessor, "_judged", hasty)
    patch(Fuse, "is_over", lambda *_: True)


@planted("a record is parked before the fuse is told of it", 100, DEPLOY)
def fuse_parks_first(patch: Patch) -> None:
    park = CommandsProcessor._park

    async def hasty(self: Any, plans: Any) -> bool:
        failures = [(plan, failure) for plan in plans if (failure := self._failure(plan))]
        await self._lot.put([self._lot.row(each.origin, each.record, failure) for plan, failure in failures for each in plan.parked])
        return await park(self, plans)

    patch(CommandsProcessor, "_park", hasty)


@planted("a fuse's verdict ends a turn, not the role", 50, DEPLOY)
def fuse_does_not_stop_the_role(patch: Patch) -> None:
    fail = CommandsProcessor.fail
    patch(CommandsProcessor, "fail", lambda self, error: None if isinstance(error, FuseTripped) else fail(self, error))


@planted("a fuse counts failures of a window that is over", 200, DEPLOY)
def fuse_never_forgets(patch: Patch) -> None:
    patch(Fuse, "is_open", lambda self, now: self._opened is not None and now - self._opened < self.limits.window)


@planted("a role that goes on begins where it had read to", 200, DEPLOY)
def resumes_behind_what_was_read(patch: Patch) -> None:
    """Its last commit is of everything received."""
    fail = Role.fail

    def careless(self: Any, error: Exception) -> None:
        fail(self, error)
        for owned in self._owned.values() if isinstance(error, FuseTripped) else ():
            for offset in range(owned.watermark.value, owned.watermark.position):
                owned.watermark.settle(offset)

    patch(Role, "fail", careless)


@planted("a word from before the fuse tripped lets the role go on", 200, DEPLOY)
def old_word_lets_go_on(patch: Patch) -> None:
    async def always(self: Any, group: str, since: int) -> bool:
        return True

    patch(Resumes, "asked", always)
