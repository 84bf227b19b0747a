"""Metrics on prometheus_client: the closed set of ``workers/engine/metrics.py``, registered at once so that every one is there from the
first scrape."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from workers.engine.metrics import COUNTERS, GAUGES, HISTOGRAMS, check

PREFIX = "mindlinks_"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
SIZES = (1, 2, 5, 10, 15, 20, 25)


class PrometheusMetrics:
    """Raises UnknownMetric for a name or a set of tags outside the declared ones."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._counters = {name: Counter(PREFIX + name, text, tags, registry=registry) for name, (text, tags) in COUNTERS.items()}
        self._gauges = {name: Gauge(PREFIX + name, text, tags, registry=registry) for name, (text, tags) in GAUGES.items()}
        self._histograms = {
            name: Histogram(PREFIX + name, text, tags, registry=registry, buckets=SECONDS if name.endswith("seconds") else SIZES)
            for name, (text, tags) in HISTOGRAMS.items()
        }
        # Finding a child by its tags costs several times what it costs to count: those of the hot path are kept.
        self._counted: dict[tuple[str, tuple[str, ...]], Counter] = {}
        self._observed: dict[tuple[str, tuple[str, ...]], Histogram] = {}

    def count(self, name: str, value: int = 1, **tags: str) -> None:
        key = (name, tuple(tags.values()))
        child = self._counted.get(key)
        if child is None:
            check(name, COUNTERS, tags)
            child = self._counted[key] = self._counters[name].labels(**tags)
        child.inc(value)

    def gauge(self, name: str, value: float, **tags: str) -> None:
        check(name, GAUGES, tags)
        self._gauges[name].labels(**tags).set(value)

    def observe(self, name: str, value: float, **tags: str) -> None:
        key = (name, tuple(tags.values()))
        child = self._observed.get(key)
        if child is None:
            check(name, HISTOGRAMS, tags)
            child = self._observed[key] = self._histograms[name].labels(**tags)
        child.observe(value)
