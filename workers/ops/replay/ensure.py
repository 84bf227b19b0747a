"""A copy of a record that says where its original stands and when it was appended, so that its consumer judges it there. Pure."""

from contracts.envelope import Header
from contracts.position import Origin, Position
from contracts.timestamps import from_milliseconds
from workers.engine.record import Outgoing, Record
from workers.ops.replay.plan import ReplayPlan

PREFIX = "ce_replay"


def copy_of(plan: ReplayPlan, origin: Origin, record: Record) -> Outgoing:
    """Bytes as they are; of the headers only those of earlier replays give way. Whoever wanted a receipt of the original gets it."""
    mark = plan.mark._replace(of=Position(origin, record.offset), at=from_milliseconds(record.timestamp))
    headers: list[Header] = [(name, value or b"") for name, value in record.headers if not name.startswith(PREFIX)]
    headers += [(name, text.encode()) for name, text in mark.pairs() if text is not None]
    return Outgoing(record.key or b"", record.value or b"", headers)
