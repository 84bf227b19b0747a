"""What is to go wrong, and when: drawn from a seed before anything runs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random


class Fault(StrEnum):
    KILL = "worker killed"
    LEAVE = "worker stopped"
    FREEZE = "worker frozen"
    STORM = "strangers join and leave"
    BROKER_KILL = "broker killed"
    BROKER_STOP = "broker stopped"
    STORE_KILL = "store killed"
    STORE_STOP = "store stopped"
    SLOW = "both servers frozen"


TO_WORKERS = (Fault.KILL, Fault.FREEZE, Fault.STORM, Fault.KILL, Fault.LEAVE)
TO_SERVERS = (Fault.BROKER_KILL, Fault.STORE_STOP, Fault.SLOW, Fault.BROKER_STOP, Fault.STORE_KILL)
LASTS = {
    # Past the ten seconds of the group's session, often: it wakes as a stale owner.
    Fault.FREEZE: (6.0, 16.0),
    Fault.STORM: (2.0, 5.0),
    Fault.BROKER_KILL: (0.0, 3.0),
    Fault.BROKER_STOP: (0.0, 6.0),
    Fault.STORE_KILL: (0.0, 3.0),
    # Past the ten seconds after which a call to the store has failed, now and then.
    Fault.STORE_STOP: (0.0, 12.0),
    Fault.SLOW: (0.5, 2.5),
}
"""Seconds, from and to; a fault without is over at once."""


@dataclass(frozen=True, slots=True)
class Plan:
    """``seconds`` of faults and of publishing; how long things then take to settle comes on top. ``keys``: so many that none has more than
    some dozens of commands: the toy goes through all rows of a key at each of them, and with hundreds a worker would fold for longer than
    its group waits for a sign of life."""

    seed: int
    seconds: float
    commands: int
    workers: int = 3
    keys: int = 1_500

    @property
    def money(self) -> int:
        """Commands about escrows, on top of the others."""
        return self.commands // 5

    @property
    def line(self) -> str:
        """Plays the same faults again; where they strike is up to the machine."""
        return f"python -m tests.chaos --seed {self.seed} --seconds {self.seconds:g} --commands {self.commands} --workers {self.workers}"


@dataclass(frozen=True, slots=True)
class Step:
    """``after`` and ``lasts`` in seconds; ``after`` counts from the end of the step before. On a machine that takes long over each fault
    there are fewer of them, and things always have a while to get on in between."""

    after: float
    fault: Fault
    lasts: float
    worker: int


def steps(plan: Plan, faults: Sequence[Fault], gap: tuple[float, float]) -> Iterator[Step]:
    """Without end. Every fault comes once before any comes again, so that a short run knows them all."""
    chance = Random(f"{plan.seed} {faults}")
    while True:
        for fault in chance.sample(faults, len(faults)):
            yield Step(chance.uniform(*gap), fault, chance.uniform(*LASTS.get(fault, (0.0, 0.0))), chance.randrange(plan.workers))
