"""Every metric there is. A name outside this set is an error, in tests and in production alike."""

from typing import Final

COUNTERS: Final = {
    "outcomes": (
        "Verdicts on commands, by service, kind and reason (applied, unchanged, or a refusal's code).",
        ("service", "kind", "reason"),
    ),
    "quarantined": ("Records that could not be decoded, by role and code.", ("role", "code")),
    "recognised": ("Records or events seen before and left alone, by role.", ("role",)),
    "write_conflicts": ("Conditional writes refused because another version was there.", ("role",)),
    "store_retries": ("Store calls tried again, by role and why.", ("role", "why")),
    "published": ("Records acknowledged by the log, by topic.", ("topic",)),
    "provider_calls": ("Calls to providers, by provider, effect and how they ended.", ("provider", "effect", "result")),
    "effects_failed": ("Effects given up and kept for people, by service and effect: an alarm.", ("service", "effect")),
    "effects_withheld": ("Effects not called because the replay that caused them may not, by service and effect.", ("service", "effect")),
    "timers_fired": ("Commands of timers acknowledged by the log, by service and timer.", ("service", "timer")),
    "commit_failures": ("Offset commits refused or unanswered, by role and why.", ("role", "why")),
    "ingress_requests": ("HTTP requests, by route and reason.", ("route", "reason")),
    "webhooks": ("Deliveries of providers, by provider, type and what became of them.", ("provider", "type", "result")),
}
GAUGES: Final = {
    "lag_records": ("Records between the settled watermark and the last record received, by role and partition.", ("role", "partition")),
    "lag_seconds": ("Age of the oldest unsettled record, by role.", ("role",)),
    "in_flight": ("Records received and not settled, by role.", ("role",)),
    "role_failed": ("1 while a role has stopped because of a fault.", ("role",)),
    "breaker_open": ("1 while a role makes no calls to a provider that answers nobody.", ("role", "provider")),
    "parked_keys": ("Keys held by a parked command, by role.", ("role",)),
}
HISTOGRAMS: Final = {
    "command_to_event_seconds": ("From a command's append time to its events' acknowledgement.", ("service",)),
    "batch_size": ("Roots written by one request.", ("role",)),
    "timer_late_seconds": ("From a timer's due time to the acknowledgement of its command.", ("service",)),
    "provider_seconds": ("Duration of provider calls.", ("provider", "effect")),
}


class UnknownMetric(KeyError):
    """A metric outside the closed set of ``workers/engine/metrics.py``: declare it there with its tags."""


class NoMetrics:
    """Checks names and tags, keeps nothing."""

    def count(self, name: str, value: int = 1, **tags: str) -> None:
        check(name, COUNTERS, tags)

    def gauge(self, name: str, value: float, **tags: str) -> None:
        check(name, GAUGES, tags)

    def observe(self, name: str, value: float, **tags: str) -> None:
        check(name, HISTOGRAMS, tags)


def check(name: str, declared: dict[str, tuple[str, tuple[str, ...]]], tags: dict[str, str]) -> None:
    if name not in declared or set(tags) != set(declared[name][1]):
        raise UnknownMetric(f"{name}{sorted(tags)}")
