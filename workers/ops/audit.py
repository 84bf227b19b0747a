"""What people did to the system: one row each in ``platform-audit``, by day."""

from collections.abc import Mapping

from contracts.ids import derived
from contracts.timestamps import day, from_milliseconds
from workers.engine.bookmarks import AUDIT
from workers.engine.decision import ItemRef
from workers.engine.ports import Absent, Clock, Fate, Store, Write
from workers.engine.root import VERSION


class NotAudited(Exception):
    """The audit trail did not take the row, so nothing was done. Try again."""


class Audit:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def note(self, what: str, who: str, why: str, about: Mapping[str, str | int]) -> None:
        """Returns when the row is durable. Raises NotAudited; noting again leaves a second row."""
        at = from_milliseconds(self._clock.now())
        said = " ".join(f"{name}={value}" for name, value in about.items())
        ref = ItemRef(AUDIT, day(at), f"{at}#{derived(f'{what}:{who}:{said}:{at}')}")
        row = {"what": what, "who": who, "why": why, "at": at, **about, VERSION: 1}
        (written,) = await self._store.write([Write(ref, None, row, Absent())])
        if written.fate not in (Fate.WRITTEN, Fate.CONFLICT):
            raise NotAudited(f"{written.fate}: {NotAudited.__doc__}")
