"""What upstream sends in one run, and when."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from random import Random

from contracts.envelope import Envelope, ReceiptTicket
from contracts.ids import derived
from contracts.message import CommandData
from contracts.timestamps import from_milliseconds
from contracts.types import CommandId
from tests.simulation.faults import Fault, Faults
from tests.simulation.log import EPOCH
from workers.engine.record import Outgoing


@dataclass(frozen=True, slots=True)
class Sent:
    """One command on its way. ``after``: seconds into the run."""

    number: int
    after: float
    data: CommandData
    actor: str
    id: CommandId
    ticket: ReceiptTicket | None = None

    def record(self) -> Outgoing:
        envelope = Envelope(
            id=self.id,
            kind=self.data.kind(),
            source="/simulation",
            subject=self.data.key,
            time=from_milliseconds(EPOCH),
            correlation_id=derived(f"correlation-{self.number}"),
            causation_id=self.id,
            actor=self.actor,
            receipt=self.ticket,
        )
        return Outgoing(self.data.key.encode(), self.data.to_json(), envelope.headers())


Draw = Callable[[Random], tuple[CommandData, str]]
COUNTS = (4, 8, 14, 24)
BODY_SHA256 = "ab" * 32


def drawn(
    draw: Draw,
    random: Random,
    faults: Faults,
    dropped: Collection[int] = (),
    counts: Sequence[int] = COUNTS,
    longer: float = 1.0,
    *,
    unread: bool = False,
) -> list[Sent]:
    """``dropped``: numbers of commands that are left out, for shrinking. ``longer``: times as long as most runs. ``unread``: nobody reads
    the events, which readers tell apart by ids that follow from the commands'; so an id may be used for a second key."""
    count, seconds = random.choice(counts), random.choice((0.05, 0.4, 1.5)) * longer
    sent: list[Sent] = []
    used: dict[str, list[CommandId]] = {}
    for number in range(count):
        data, actor = draw(random)
        client = ReceiptTicket("web", BODY_SHA256) if random.random() < 0.3 else None
        each = Sent(number, random.random() * seconds, data, actor, CommandId(derived(f"command-{number}")), client)
        own = used.setdefault(data.key, [])
        others = [ids[-1] for ids in used.values() if ids and ids[-1] not in own]
        if unread and others and faults.strikes(Fault.REUSED):
            each = replace(each, id=others[-1])
        own.append(each.id)
        again = replace(each, after=each.after + random.random() * 0.2)
        if number not in dropped:
            sent += [each, again] if faults.strikes(Fault.DOUBLED) else [each]
    return sorted(sent, key=lambda each: each.after)
