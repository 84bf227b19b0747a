"""Which keys of a partition have a ledger row that was left open, by this process or another: the key's later effects wait for its end."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from contracts.types import EffectId, EventId
from workers.engine.ledger import LEASE, LedgerRow


@dataclass(frozen=True, slots=True)
class _Standing:
    """What must be known of a row. ``sure``: this process wrote it last, so nobody else touches it before it is due. ``running``: this
    process works on it again; a key in trouble gets nothing more into the ledger until it is out of it."""

    event: EventId
    turn: tuple[int, str]
    due_at: int
    sure: bool
    running: bool = False


class OpenEffects:
    """One partition's, in memory, while it is ours. Rows that rest, or that are under the lease of a process that died, left or took them
    over. ``again``: is told a key whose events were refused, once nothing of it stands any more."""

    def __init__(self, again: Callable[[str], None]) -> None:
        self._again = again
        self._of: dict[str, dict[EffectId, _Standing]] = {}
        self._refused: set[str] = set()

    @property
    def known(self) -> set[EffectId]:
        return {effect for rows in self._of.values() for effect in rows}

    def stands(self, row: LedgerRow, *, sure: bool) -> None:
        standing = _Standing(EventId(row.envelope.id), row.turn, row.due_at, sure)
        self._of.setdefault(row.key, {})[row.effect] = standing

    def begun(self, row: LedgerRow) -> None:
        """This process works on it: rows behind it wait for its task."""
        if row.effect in (rows := self._of.get(row.key, {})):
            rows[row.effect] = replace(rows[row.effect], running=True)

    def ended(self, row: LedgerRow) -> None:
        self._drop(row.key, row.effect)
        self._tell(row.key)

    def vanished(self, effects: Collection[EffectId]) -> None:
        """Taken out of the ledger, by people."""
        for effect in effects:
            for key in [key for key, rows in self._of.items() if effect in rows]:
                self._drop(key, effect)
                self._tell(key)

    def refuses(self, key: str, event: EventId) -> bool:
        """Whether an event that comes in must wait. Another delivery of the event that stands itself need not: it is recognised."""
        if all(each.event == event for each in self._of.get(key, {}).values()):
            return False
        self._refused.add(key)
        return True

    def due_before(self, row: LedgerRow) -> int | None:
        """When the first of the key's earlier rows is due that nobody works on here; None: there is none."""
        earlier = [each for each in self._of.get(row.key, {}).values() if each.turn < row.turn and not each.running]
        return min(earlier, key=lambda each: each.turn).due_at if earlier else None

    def unsure(self, now: int) -> list[EffectId]:
        """Rows that somebody else may have ended. One that rests is nobody's until it is due."""
        until = {True: now, False: now + LEASE}
        found = [(effect, each) for rows in self._of.values() for effect, each in rows.items() if not each.running]
        return [effect for effect, each in found if each.due_at <= until[each.sure]]

    def _tell(self, key: str) -> None:
        if key in self._refused and key not in self._of:
            self._refused.discard(key)
            self._again(key)

    def _drop(self, key: str, effect: EffectId) -> None:
        rows = self._of.get(key)
        if rows is not None:
            rows.pop(effect, None)
            if not rows:
                del self._of[key]
