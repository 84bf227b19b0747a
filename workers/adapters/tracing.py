"""Spans on the OpenTelemetry SDK. Exported in the background; a lost exporter costs spans, never records."""

from typing import Self

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased
from opentelemetry.trace import SpanKind, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

NANOSECONDS = 1_000_000
HEADER = "traceparent"


class OpenTelemetryTracer:
    """One per process; ``close`` flushes. Parents decide about sampling."""

    def __init__(self, exporter: SpanExporter, process: str) -> None:
        self._provider = TracerProvider(resource=Resource.create({"service.name": process}), sampler=ParentBased(ALWAYS_ON))
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("mindlinks")
        self._propagator = TraceContextTextMapPropagator()

    @classmethod
    def to_collector(cls, endpoint: str, process: str) -> Self:
        """``endpoint``: an OTLP/HTTP address such as ``http://collector:4318/v1/traces``."""
        return cls(OTLPSpanExporter(endpoint=endpoint, timeout=5), process)

    def record(self, name: str, traceparent: str | None, begun: int, ended: int, **attributes: str) -> str | None:
        if traceparent is None:
            return None
        parent = self._propagator.extract({HEADER: traceparent})
        span = self._tracer.start_span(
            name, context=parent, kind=SpanKind.CONSUMER, start_time=begun * NANOSECONDS, attributes=dict(attributes)
        )
        span.end(end_time=max(begun, ended) * NANOSECONDS)
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier, context=set_span_in_context(span))
        return carrier.get(HEADER, traceparent)

    def flush(self) -> None:
        self._provider.force_flush()

    def close(self) -> None:
        self._provider.shutdown()
