"""What people decide about failures and effects, in memory as in DynamoDB and Kafka."""

from collections.abc import AsyncIterator
from dataclasses import replace
from random import Random
from uuid import uuid4

import pytest

from contracts.envelope import Envelope, text_headers
from contracts.position import Origin, Position
from contracts.topics import commands_topic
from tests.support import toy
from tests.support.failed_records import FailedRecords
from tests.support.keys import HandClock, key_ring
from tests.support.log_exam import KafkaBench, LogBench, MemoryBench, outgoing
from workers.adapters.kafka_reading import KafkaReader
from workers.adapters.raw_sealing import OperationsSealer
from workers.adapters.sealing import Sealer
from workers.engine.ledger import EffectState, LedgerRow, claimed, first_write
from workers.engine.memory import MemoryLog
from workers.engine.memory.reading import MemoryReader
from workers.engine.ports import Fate, Store
from workers.engine.reading import LogReader
from workers.engine.record import Outgoing, Partition
from workers.ops.decision_rows import Person, State
from workers.ops.effects_redriving import EffectsRedriving, Listed, NotRedriven
from workers.ops.failed_record import NotDecided
from workers.ops.failure_decisions import FailureDecisions
from workers.ops.quarantined import Failures, Index
from workers.ops.sending_once import SendingOnce
from workers.ops.stack import Endpoints

NADIA = Person("nadia", "mended")


async def test_a_failure_is_decided_and_its_row_says_what_was_done(store: Store) -> None:
    sealer, service, key = OperationsSealer(Sealer(key_ring())), f"service{uuid4().hex}", str(uuid4())
    made, failures, log = FailedRecords(store, sealer, service), Failures(store, sealer), MemoryLog()
    log.add_topic(commands_topic(service), 1)
    decisions = FailureDecisions(failures, store, log, MemoryReader(log), made.clock, Random(0), {})
    await made.raised(key)
    await made.unreadable(key)
    for line in await failures.listed(Index.SERVICE, service):
        assert (await decisions.retry(line.id, NADIA)).state == (State.RETRIED if line.attempts == 12 else State.RESENT)
        with pytest.raises(NotDecided, match="by nadia at"):
            await decisions.skip(line.id, NADIA)
    rows = [(await failures.one(line.id)).item for line in await failures.listed(Index.SERVICE, service, decided=True)]
    assert [(row["state"], row["decidedBy"], row["decidedWhy"], "passedOver" in row) for row in rows] == [
        ("resent", "nadia", "mended", True),
        ("retried", "nadia", "mended", False),
    ]
    assert not any({"decision", "sendsBehind"} & set(row) for row in rows)


async def test_an_effect_that_was_given_up_is_listed_and_goes_on(store: Store) -> None:
    service, key = f"service{uuid4().hex}", str(uuid4())
    event = toy.sent_event(key)
    envelope = Envelope.from_headers(text_headers(toy.event_record(event, key, Position(Origin("t/0"), 3)).headers))
    row = claimed(service, 2, "toy", "toy.once", envelope, event.to_json(), 1_790_000_000_000, "somebody")
    failed = replace(row, state=EffectState.FAILED, open=False, fingerprint="ValueError/x/y", failures=12, unanswered=True)
    (written,) = await store.write([first_write(failed)])
    assert written.fate is Fate.WRITTEN
    redriving = EffectsRedriving(store, HandClock(1_790_000_000_000))
    assert [line.id for line in await redriving.listed([service], Listed.FAILED)] == [row.effect]
    assert await redriving.listed([service], Listed.OPEN) == []
    assert (await redriving.retry(row.effect, NADIA)).state == "claimed"
    with pytest.raises(NotRedriven, match="is claimed, not failed"):
        await redriving.retry(row.effect, NADIA)
    (line,) = await redriving.listed([service], Listed.OPEN)
    assert (line.id, line.state, line.open, line.due) == (row.effect, "claimed", True, "2026-09-21T14:13:20.000Z")
    kept = LedgerRow.of((await store.get([row.ref]))[row.ref])
    assert (kept.failures, kept.unanswered, kept.version) == (0, False, 2)


@pytest.fixture(params=["memory", "kafka"])
async def read(request: pytest.FixtureRequest) -> AsyncIterator[tuple[LogBench, LogReader]]:
    if request.param == "memory":
        made = MemoryBench()
        assert isinstance(made.log, MemoryLog)
        yield made, MemoryReader(made.log)
        await made.close()
    else:
        endpoints: Endpoints = request.getfixturevalue("stack")
        assert endpoints.kafka is not None
        kafka = KafkaBench(endpoints.kafka)
        yield kafka, KafkaReader(endpoints.kafka)
        await kafka.close()


async def test_what_stands_behind_its_beginning_is_not_sent_again(read: tuple[LogBench, LogReader]) -> None:
    bench, reader = read
    topic, sending = await bench.topic(2), SendingOnce(bench.log, reader)
    plain = outgoing("key", "1")
    record, other = (Outgoing(plain.key, plain.value, [("ce_id", name.encode())]) for name in ("one", "other"))
    await bench.log.append_keyed(topic, [record])
    end = await sending.end(topic, record)
    for each in (record, record, other, other, record, plain, plain):
        await sending.once(topic, each, end)
    bounds = await reader.bounds([Partition(topic, number) for number in range(2)])
    assert sum(each.end for each in bounds.values()) == 1 + 3
