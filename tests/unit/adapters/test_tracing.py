"""One trace from a request to what it set in motion, across the log."""

import asyncio
from random import Random
from uuid import uuid4

from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from contracts.catalogue import decode
from contracts.topics import commands_topic, events_topic
from tests.support import toy
from tests.support.waiting import eventually
from workers.adapters.tracing import OpenTelemetryTracer
from workers.engine.memory import MemoryLog, MemoryStore, SystemClock
from workers.engine.metrics import NoMetrics
from workers.engine.record import Outgoing
from workers.engine.runtime import RoleName, World, build_runtime

REQUEST = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


def test_a_span_is_kept_below_its_parent_and_its_messages_below_it() -> None:
    exporter = InMemorySpanExporter()
    tracer = OpenTelemetryTracer(exporter, "test")
    child = tracer.record("a command", REQUEST, 1_000, 1_250, command="c-1")
    tracer.flush()
    (span,) = exporter.get_finished_spans()
    assert span.parent is not None
    assert f"{span.context.trace_id:032x}" in REQUEST
    assert f"{span.parent.span_id:016x}" in REQUEST
    assert child == f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-01"
    assert (span.end_time or 0) - (span.start_time or 0) == 250_000_000
    assert dict(span.attributes or {}) == {"command": "c-1"}
    tracer.close()


def test_what_has_no_parent_or_is_not_sampled_is_not_kept() -> None:
    exporter = InMemorySpanExporter()
    tracer = OpenTelemetryTracer(exporter, "test")
    assert tracer.record("a command", None, 1_000, 1_250) is None
    tracer.record("a command", UNSAMPLED, 1_000, 1_250)
    tracer.flush()
    assert exporter.get_finished_spans() == ()
    tracer.close()


async def test_one_trace_runs_from_the_command_through_its_event_to_the_reaction() -> None:
    exporter, log = InMemorySpanExporter(), MemoryLog()
    tracer = OpenTelemetryTracer(exporter, "test")
    world = World("test", log, MemoryStore(), SystemClock(), NoMetrics(), Random(1), {}, tracer=tracer)
    runtime = build_runtime([(toy.SERVICE, RoleName.COMMANDS), (toy.SERVICE, RoleName.REACTIONS)], world)
    running = asyncio.create_task(runtime.run())
    plain = toy.command_record(toy.tally_of(str(uuid4()), "00000000-0000-4000-8000-000000000000"))
    await log.append_keyed(
        commands_topic("notification"), [Outgoing(plain.key, plain.value, [*plain.headers, ("traceparent", REQUEST.encode())])]
    )
    sent = [records for partition, records in log.records.items() if partition.topic == commands_topic("notification")]
    await eventually(lambda: sum(map(len, sent)) == 2)
    runtime.stop()
    await running
    tracer.flush()
    spans = {span.name: span for span in exporter.get_finished_spans()}
    event = next(r for p, records in log.records.items() if p.topic == events_topic("notification") for r in records)
    carried = decode(event.key, event.value, event.headers, event.timestamp).envelope.traceparent
    command, reaction = spans["notification.command"], spans["notification.reaction"]
    assert carried == f"00-{command.context.trace_id:032x}-{command.context.span_id:016x}-01"
    assert reaction.parent is not None
    assert reaction.parent.span_id == command.context.span_id
    assert f"{reaction.context.trace_id:032x}" in REQUEST
    tracer.close()
