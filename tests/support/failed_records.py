"""A quarantine filled as roles fill it: records nobody can read, and one whose decision raised."""

from random import Random
from uuid import uuid4

from contracts.catalogue import InvalidRecord
from contracts.position import Origin
from contracts.topics import commands_topic
from tests.support import toy
from tests.support.keys import HandClock
from workers.adapters.raw_sealing import OperationsSealer
from workers.engine.metrics import NoMetrics
from workers.engine.parking import Failure, ParkedRow, ParkingLot
from workers.engine.ports import Store
from workers.engine.quarantine import Quarantine
from workers.engine.record import Outgoing, Partition, Record

START = 1_790_000_000_000
KIND = toy.tally_of(str(uuid4())).kind()
UNREADABLE = f"not_utf8/{KIND}/decode"
RAISED = f"ValueError/{KIND}/tally"
SECRET = b"\xffsomebody@example.org"


class FailedRecords:
    """Rows of ``platform-failures``, one millisecond apart. ``tenant`` keeps their services apart in a table that others use too."""

    def __init__(self, store: Store, sealer: OperationsSealer, tenant: str = "notification") -> None:
        self.service, self.clock, self._store = tenant, HandClock(START), store
        self._quarantine = Quarantine(store, sealer, self.clock, NoMetrics(), Random(0))
        self._offset = 0

    async def unreadable(self, key: str) -> None:
        kind = KIND.encode()
        outgoing = Outgoing(key.encode(), SECRET, [("ce_id", str(uuid4()).encode()), ("ce_type", kind)])
        await self._quarantine.put(self._role, Origin("t/0"), self._record(outgoing), InvalidRecord("not_utf8", "the value is not UTF-8"))

    async def raised(self, key: str, *, since: int = START) -> None:
        failure = Failure(RAISED, "ValueError: the toy's bug", "a trace")
        record = self._record(toy.command_record(toy.tally_of(key)))
        invalid = InvalidRecord(failure.fingerprint, failure.error)
        await self._quarantine.put(self._role, Origin("t/0"), record, invalid, attempts=12, trace=failure.trace, first_at=since)
        row = ParkedRow(self._role, record, Origin("t/0"), START, attempts=12, quarantined=True, failure=failure, first_at=since)
        await ParkingLot(self._role, self._store, self.clock, Random(0)).put([row])

    @property
    def _role(self) -> str:
        return f"{self.service}-commands"

    def _record(self, outgoing: Outgoing) -> Record:
        self._offset += 1
        self.clock.milliseconds += 1
        partition = Partition(commands_topic("notification"), 0)
        return Record(partition, self._offset, outgoing.key, outgoing.value, tuple(outgoing.headers), self.clock.now())
