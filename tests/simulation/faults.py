"""What can go wrong, and how often in this run. Every kind has a chance of its own, so that a run without one of them is the same run
as far as the others go."""

from collections.abc import Collection
from enum import StrEnum
from random import Random


class Fault(StrEnum):
    """Those of a call strike with a probability; those of a process are events at moments of the run."""

    # of calls to the log
    APPEND_LOST = "append-lost"
    """Timed out; did not arrive."""
    APPEND_ARRIVED = "append-arrived"
    """Timed out; had arrived."""
    APPEND_LATE = "append-late"
    """Timed out; arrives later, behind what is appended meanwhile."""
    COMMIT_LOST = "commit-lost"
    COMMIT_ARRIVED = "commit-arrived"
    # of calls to the store
    STORE_AWAY = "store-away"
    BUSY = "busy"
    """A throttled row or one in another's transaction, in the middle of a batch."""
    WRITE_LOST = "write-lost"
    WRITE_HAPPENED = "write-happened"
    WRITE_LATE = "write-late"
    """Timed out; happens later, if its condition still holds then."""
    MIXED_REASONS = "mixed-reasons"
    """A cancelled transaction names a throttle or conflict beside, or in place of, a condition."""
    TORN_READ = "torn-read"
    """The rows of one read are of different moments."""
    STALE_INDEX = "stale-index"
    # of calls to providers
    PROVIDER_AWAY = "provider-away"
    PROVIDER_LOST = "provider-lost"
    """No answer, and nothing happened."""
    PROVIDER_HAPPENED = "provider-happened"
    """No answer, but it happened."""
    PROVIDER_HANGS = "provider-hangs"
    """No answer before the caller's patience ends; it may happen at any moment of the wait."""
    # of deliveries
    REDELIVERY = "redelivery"
    """A fetch position falls back within one assignment."""
    DOUBLED = "doubled"
    """A command, or a webhook's, is published again under its id."""
    REORDERED = "reordered"
    """A webhook comes long after the ones behind it; the reconciliation finds it at last."""
    GARBAGE = "garbage"
    """A record that is no command."""
    POISON = "poison"
    """A command whose decision raises, until it has raised a few times."""
    # of processes
    CRASH = "crash"
    FREEZE = "freeze"
    EXPEL = "expel"
    """The group drops a member that does not know yet."""
    REBALANCE = "rebalance"
    RESTART = "restart"
    """Asked to stop, drains, comes back."""
    REWIND = "rewind"
    """Everybody dies, and the group starts from earlier offsets."""
    CLOCK = "clock"
    # of readers of events
    EVENT_POISON = "event-poison"
    """An event over which a reaction, a projection or an effect's condition raises a few times."""
    CALL_REFUSED = "call-refused"
    """A provider refuses one event's call, mostly more often than a claim tries."""
    # of providers with idempotency keys
    PROVIDER_ERROR = "provider-error"
    """A 500, with or without effect, which is the answer for as long as the key lives."""
    # of people
    REPLAYED = "replayed"
    """Records are handed over once more; at times the first ones were skipped before, or the replay dies and is resumed."""
    # of clients
    REUSED = "reused"
    """A command is published under the id of an earlier one that is about another key."""


MOMENTS = (Fault.CRASH, Fault.FREEZE, Fault.EXPEL, Fault.REBALANCE, Fault.RESTART, Fault.REWIND, Fault.CLOCK)


OFTEN = 0.3


class Faults:
    """``without``: kinds that are left out, for shrinking. ``often``: kinds that are in and strike often, for bugs that need them."""

    def __init__(self, seed: int, without: Collection[Fault] = (), often: Collection[Fault] = ()) -> None:
        choice = Random(f"{seed}/faults")
        self.rates: dict[Fault, float] = {}
        share = choice.choice((0.2, 0.5, 0.8))
        for kind in Fault:
            wanted, rate = choice.random() < share, choice.choice((0.02, 0.06, 0.15, 0.3))
            if kind in often:
                self.rates[kind] = OFTEN
            elif wanted and kind not in without:
                self.rates[kind] = rate
        self._chances = {kind: Random(f"{seed}/{kind}") for kind in self.rates}
        self.active = True
        self.struck: dict[Fault, int] = {}

    def strikes(self, kind: Fault) -> bool:
        rate = self.rates.get(kind)
        if rate is None or not self.active or self._chances[kind].random() >= rate:
            return False
        self.struck[kind] = self.struck.get(kind, 0) + 1
        return True

    def first(self, *kinds: Fault) -> Fault | None:
        """The first of these kinds that strikes this call."""
        return next((kind for kind in kinds if self.strikes(kind)), None)
