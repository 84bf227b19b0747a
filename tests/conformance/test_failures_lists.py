"""The quarantine is listed by its declared indexes, in memory as in DynamoDB."""

from uuid import uuid4

from tests.support.failed_records import RAISED, FailedRecords
from tests.support.keys import key_ring
from workers.adapters.raw_sealing import OperationsSealer
from workers.adapters.sealing import Sealer
from workers.engine.ports import Store
from workers.ops.quarantined import Failures, Index


async def test_failures_are_found_by_fingerprint_service_and_key_and_opened(store: Store) -> None:
    sealer = OperationsSealer(Sealer(key_ring()))
    service, keys = f"service{uuid4().hex}", [str(uuid4()) for _ in range(3)]
    made, failures = FailedRecords(store, sealer, service), Failures(store, sealer)
    for key in keys:
        await made.unreadable(key)
    await made.raised(keys[0])
    by_service = await failures.listed(Index.SERVICE, service)
    assert [line.key for line in by_service] == [keys[0], *reversed(keys)]
    assert [line.fingerprint for line in await failures.listed(Index.KEY, keys[0])] == [
        line.fingerprint for line in by_service if line.key == keys[0]
    ]
    assert by_service[0] in await failures.listed(Index.FINGERPRINT, RAISED)
    assert [(group.count, group.keys) for group in await failures.grouped([service])] == [(1, 1), (3, 3)]
    one = await failures.one(by_service[0].id)
    assert one.message is not None
    assert one.message.envelope.subject == keys[0]
