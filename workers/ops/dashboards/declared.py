"""The dashboards there are. Every metric of ``workers/engine/metrics.py`` is on one of them."""

from typing import Final

from workers.ops.dashboards.grafana import Dashboard, Panel, Query, Unit


def per_second(counter: str, *labels: str) -> Query:
    """Of a counter, told apart by ``labels``."""
    grouped = ", ".join(labels)
    return Query(f"sum by ({grouped}) (rate(mindlinks_{counter}_total[5m]))", " ".join(f"{{{{{label}}}}}" for label in labels))


def quantile(share: float, histogram: str, label: str) -> Query:
    buckets = f"sum by (le, {label}) (rate(mindlinks_{histogram}_bucket[5m]))"
    return Query(f"histogram_quantile({share}, {buckets})", f"p{share * 100:g} {{{{{label}}}}}")


def latest(gauge: str, *labels: str) -> Query:
    """The worst of all processes: one that is fine must not hide one that is not."""
    grouped = ", ".join(labels)
    return Query(f"max by ({grouped}) (mindlinks_{gauge})", " ".join(f"{{{{{label}}}}}" for label in labels))


DELIVERY: Final = Dashboard(
    uid="mindlinks-delivery",
    title="Mind-Links: delivery",
    panels=(
        Panel(
            "Oldest unsettled record",
            "How late each role is. It falls by itself after a burst; one that only rises has too few workers, or a stuck store.",
            (latest("lag_seconds", "role"),),
            Unit.SECONDS,
            red=60,
        ),
        Panel(
            "Records not settled",
            "Between the settled watermark and the last record received, per partition. One partition alone: a hot key.",
            (latest("lag_records", "role", "partition"),),
        ),
        Panel("In flight", "Received and not settled. At its ceiling a role pauses its partitions.", (latest("in_flight", "role"),)),
        Panel(
            "From command to event",
            "Append time of a command to the acknowledgement of its events.",
            tuple(quantile(share, "command_to_event_seconds", "service") for share in (0.5, 0.95, 0.99)),
            Unit.SECONDS,
            red=2,
        ),
        Panel(
            "Verdicts by reason",
            "applied, unchanged, recognised, or the code of a refusal. A refusal that appears with a deploy is the deploy's.",
            (per_second("outcomes", "service", "reason"),),
            Unit.PER_SECOND,
        ),
        Panel("Published", "Records acknowledged by the log.", (per_second("published", "topic"),), Unit.PER_SECOND),
        Panel(
            "Seen before",
            "Records delivered again and left alone. It peaks after a restart, a rebalance, a replay.",
            (per_second("recognised", "role"),),
            Unit.PER_SECOND,
        ),
        Panel(
            "Roots in a write",
            "How well waiting work folds: it grows with load, and with it what a request costs falls.",
            (quantile(0.5, "batch_size", "role"), quantile(0.95, "batch_size", "role")),
        ),
        Panel(
            "Trouble with the store and the log",
            "Store calls tried again, versions that another owner had moved, commits refused. A few are normal while partitions move.",
            (
                per_second("store_retries", "role", "why"),
                Query("sum by (role) (rate(mindlinks_write_conflicts_total[5m]))", "{{role}} conflict"),
                Query("sum by (role, why) (rate(mindlinks_commit_failures_total[5m]))", "{{role}} commit {{why}}"),
            ),
            Unit.PER_SECOND,
        ),
    ),
)

FAILURES: Final = Dashboard(
    uid="mindlinks-failures",
    title="Mind-Links: failures",
    panels=(
        Panel(
            "Stopped roles",
            "1: the role stopped by a fault or its fuse; /health/ready names it. After the mend: mindlinks resume, or a new version.",
            (latest("role_failed", "role"),),
            red=1,
        ),
        Panel(
            "Parked keys",
            "Keys whose first record fails; their later ones wait in order, other keys go on. Given up: mindlinks failures list.",
            (latest("parked_keys", "role"),),
            red=1,
        ),
        Panel(
            "Put into quarantine",
            "Records and deliveries kept for people, over the last hour: mindlinks failures list.",
            (Query("sum by (role, code) (increase(mindlinks_quarantined_total[1h]))", "{{role}} {{code}}"),),
            red=1,
        ),
        Panel(
            "Effects given up",
            "Calls never made good, over the last hour. Money or a message may be missing: mindlinks doctor --only effects --deep.",
            (Query("sum by (service, effect) (increase(mindlinks_effects_failed_total[1h]))", "{{service}} {{effect}}"),),
            red=1,
        ),
        Panel(
            "Providers cut off",
            "1: a role makes no calls to a provider that answers nobody, and tries again by itself.",
            (latest("breaker_open", "role", "provider"),),
            red=1,
        ),
        Panel(
            "Share of refused commands",
            "Refusals in all verdicts. People make mistakes at a steady rate; machines do it all at once.",
            (
                Query(
                    'sum by (service) (rate(mindlinks_outcomes_total{reason!~"applied|unchanged|recognised"}[15m]))'
                    " / sum by (service) (rate(mindlinks_outcomes_total[15m]))",
                    "{{service}}",
                ),
            ),
            Unit.SHARE,
        ),
    ),
)

EDGES: Final = Dashboard(
    uid="mindlinks-edges",
    title="Mind-Links: providers and ingress",
    panels=(
        Panel(
            "Calls to providers",
            "How calls ended. unknown: a time-out after which nobody knows; it is looked up before any second call.",
            (per_second("provider_calls", "provider", "effect", "result"),),
            Unit.PER_SECOND,
        ),
        Panel(
            "Effects withheld",
            "Not called because the replay that caused them may not. More than the dry run announced: stop the replay.",
            (per_second("effects_withheld", "service", "effect"),),
            Unit.PER_SECOND,
        ),
        Panel(
            "Duration of calls",
            "95 of 100 are faster.",
            (quantile(0.95, "provider_seconds", "provider"),),
            Unit.SECONDS,
        ),
        Panel(
            "Webhooks",
            "Deliveries by what became of them. A rise of refused signatures: a rotated secret, or somebody trying.",
            (per_second("webhooks", "provider", "result"),),
            Unit.PER_SECOND,
        ),
        Panel(
            "Requests",
            "By route and reason; anything but ok is a problem document with that reason.",
            (per_second("ingress_requests", "route", "reason"),),
            Unit.PER_SECOND,
        ),
        Panel("Timers fired", "Commands of due timers.", (per_second("timers_fired", "service", "timer"),), Unit.PER_SECOND),
        Panel(
            "Lateness of timers",
            "From due time to the acknowledgement of the command. After an outage the late ones come all at once.",
            (quantile(0.99, "timer_late_seconds", "service"),),
            Unit.SECONDS,
            red=30,
        ),
    ),
)

DASHBOARDS: Final = (DELIVERY, FAILURES, EDGES)
