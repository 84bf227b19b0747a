"""How webhooks misbehave: which are sent twice, late, out of order, or not at all at first. Pure, drawn from a seed."""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class DeliveryFaults:
    """Shares between 0 and 1 of all events. One event may draw several.

    `duplicate`: sent once more after a success. `reorder`: overtaken by up to `reorder_span` later events.
    `delay`: due only 1 to `longest_delay` seconds later. `lose`: the first attempt never arrives; a retry brings it.
    """

    duplicate: float = 0.0
    reorder: float = 0.0
    delay: float = 0.0
    lose: float = 0.0
    reorder_span: int = 5
    longest_delay: int = 30

    def __post_init__(self) -> None:
        shares = (self.duplicate, self.reorder, self.delay, self.lose)
        if not all(0 <= share <= 1 for share in shares):
            raise ValueError(f"Shares of delivery faults lie between 0 and 1, these do not: {shares}")


@dataclass(frozen=True, slots=True)
class Fate:
    """What is to happen to one event's delivery."""

    copies: int = 1
    behind: int = 0
    delay_seconds: int = 0
    lost: bool = False


def draw_fate(random: Random, faults: DeliveryFaults) -> Fate:
    """Always draws the same number of times, so changing one share does not reshuffle the others."""
    duplicate, reorder, delay, lose = (random.random() for _ in range(4))
    behind, seconds = random.randint(1, faults.reorder_span), random.randint(1, faults.longest_delay)
    return Fate(
        copies=2 if duplicate < faults.duplicate else 1,
        behind=behind if reorder < faults.reorder else 0,
        delay_seconds=seconds if delay < faults.delay else 0,
        lost=lose < faults.lose,
    )


FIRST_RETRY_SECONDS = 60
RETRIED_SECONDS = 3 * 24 * 3600


def retry_after(attempts: int, first_seconds: int = FIRST_RETRY_SECONDS) -> int:
    """Doubles up to 12 hours. Stripe does not publish its intervals; three days of them it does."""
    return int(min(first_seconds * 2 ** (attempts - 1), 12 * 3600))
