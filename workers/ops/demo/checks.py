"""The demo's own totals: what the tables, the topics and the provider hold, against what the story must leave behind."""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from contracts.contract.events import ContractActivated, ContractCompleted, ContractSent
from contracts.message import EventData
from contracts.notification.events import NotificationSent
from contracts.payment.events import DepositReceived, EscrowRefunded, EscrowReleased, PayoutFailed
from contracts.platform import CommandRefused
from workers.ops.demo import expected
from workers.ops.demo.evidence import Check, Evidence
from workers.ops.demo.message_checks import MESSAGE_TABLES, messages
from workers.ops.demo.money_checks import MONEY_TABLES, money
from workers.ops.demo.observer import Observer
from workers.ops.demo.people_checks import PEOPLE_TABLES, people
from workers.ops.demo.step_checks import played

TABLES = (
    "website-metrics",
    "platform-failures",
    "platform-effects",
    *PEOPLE_TABLES,
    *MONEY_TABLES,
    *MESSAGE_TABLES,
)


def checks(evidence: Evidence) -> list[Check]:
    return [
        *people(evidence),
        *money(evidence),
        *played(evidence),
        *_metrics(evidence),
        *messages(evidence),
        *_provider(evidence),
        *_engine(evidence),
    ]


# --- metrics -------------------------------------------------------------------------------------------------------


def _metrics(evidence: Evidence) -> Iterator[Check]:
    totals: Counter[str] = Counter()
    for row in evidence.rows["website-metrics"]:
        totals[row["metricKey"]] += row["value"]
    wanted = expected.metrics()
    for metric, value in wanted.items():
        yield Check(metric.replace("|{}", ""), value, totals[metric])
    yield Check("metrics beyond these", [], sorted(set(totals) - set(wanted)))
    yield from _counted(evidence.log, totals)


def _counted(log: Observer, totals: Mapping[str, int]) -> Iterator[Check]:
    """The same totals, from the events on the log."""
    counted: dict[str, type[EventData]] = {
        "contracts_sent": ContractSent,
        "contracts_signed": ContractActivated,
        "contracts_completed": ContractCompleted,
        "deposits_received": DepositReceived,
        "payments_completed": EscrowReleased,
        "payouts_failed": PayoutFailed,
        "refunds": EscrowRefunded,
        "notifications_sent": NotificationSent,
    }
    for metric, kind in counted.items():
        yield Check(f"{metric}, counted on the log", totals[f"{metric}|{{}}"], len(log.all(kind)))


# --- the provider --------------------------------------------------------------------------------------------------


def _provider(evidence: Evidence) -> Iterator[Check]:
    created, deliveries = evidence.stripe["created"], evidence.stripe["deliveries"]
    for kind, count in expected.CREATED_AT_STRIPE.items():
        yield Check(f"{kind} at the provider", count, created.get(kind, 0))
    refused = [f"{each['type']}: {each['status']}" for each in deliveries if each["status"] is None or not 200 <= each["status"] < 300]
    yield Check("webhooks not answered 2xx", [], refused)
    yield Check("webhooks still owed", [], evidence.stripe["owed"])
    yield Check("some webhooks came doubled", True, len(deliveries) > len({each["event"] for each in deliveries}))
    yield Check("some webhooks came out of order", True, _overtaken(evidence.stripe) > 0)


def _overtaken(stripe: Mapping[str, Any]) -> int:
    """First deliveries that a later event was faster than."""
    rank = {event: index for index, event in enumerate(stripe["events"])}
    arrived = list(dict.fromkeys(each["event"] for each in stripe["deliveries"]))
    return sum(1 for before, after in pairwise(arrived) if rank[before] > rank[after])


# --- the engine ----------------------------------------------------------------------------------------------------


def _engine(evidence: Evidence) -> Iterator[Check]:
    states = Counter(row["state"] for row in evidence.rows["platform-effects"])
    open_rows = [row["effectId"] for row in evidence.rows["platform-effects"] if "openPartition" in row]
    yield Check("effects neither confirmed nor open", [], sorted(set(states) - {"confirmed", "claimed", "planned"}))
    yield Check("effects still open", [], open_rows)
    yield Check("receipts of the commands sent over HTTP", {"applied": len(evidence.receipts)}, dict(Counter(evidence.receipts)))
    yield Check("quarantined records", 0, len(evidence.rows["platform-failures"]))
    yield Check("records that cannot be read", 0, evidence.log.undecodable)
    yield Check("refused commands", [], [f"{each.command_type}: {each.reason}" for each in evidence.log.all(CommandRefused)])
