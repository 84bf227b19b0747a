"""A new command like an old one, for a deliberate repetition: an id of its own, the old one as its cause. Pure."""

from contracts.catalogue import decode
from contracts.ids import within
from contracts.position import Origin, Position
from contracts.timestamps import from_milliseconds
from workers.engine.record import Outgoing, Record
from workers.ops.replay.plan import ReplayPlan

SOURCE = "/mindlinks/ops/replay"


def repetition_of(plan: ReplayPlan, origin: Origin, record: Record, now: int) -> Outgoing:
    """Its id follows from the replay and the old record, so sending it twice is recognised. The actor stays: decisions judge by who asks,
    and who had it repeated is in the audit trail. Nobody waits for a receipt. Raises InvalidRecord for what cannot be read."""
    decoded = decode(record.key, record.value, record.headers, record.timestamp)
    place = Position(origin, record.offset)
    envelope = decoded.envelope._replace(
        id=within(plan.id, str(place)),
        source=SOURCE,
        time=from_milliseconds(now),
        causation_id=decoded.envelope.id,
        receipt=None,
        traceparent=None,
        replay=plan.mark._replace(of=place),
    )
    return Outgoing(record.key or b"", record.value or b"", envelope.headers())
