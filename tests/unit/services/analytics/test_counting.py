"""What each event adds to which rows, and that rows are told apart by day, metric, dimensions and shard."""

import hashlib
from collections import Counter

import pytest

from contracts.analytics import MetricName
from contracts.contract.events import ContractActivated, ContractSent
from contracts.message import EventData
from contracts.notification.events import NotificationSent
from contracts.payment.events import DepositReceived, EscrowReleased
from contracts.types import EventId, Timestamp
from tests.contracts.test_examples import raw
from workers.engine.decision import Item
from workers.engine.service import Event
from workers.services.analytics.metrics import COUNTED, MetricRow
from workers.services.analytics.service import SERVICE

SHARD = "mindlinks.contract.events/3"
LATE = Timestamp("2026-01-31T23:59:59.999Z")


def example(kind: type[EventData]) -> EventData:
    data = raw(kind.kind()).decode().data
    assert isinstance(data, kind)
    return data


def folded(*events: EventData, at: Timestamp = LATE, shard: str = SHARD) -> dict[str, Item]:
    """All rows after these events, by their ids."""
    rows: dict[str, Item] = {}
    for data in events:
        event = Event(EventId("e5563fcd-989f-50d4-8c79-faad13b6641e"), type(data).service, "key", at, "system:test", data)
        for projection in SERVICE.projections:
            if projection.event is type(data):
                for change in projection.project(event):
                    id_ = change.key(shard)
                    rows[id_] = change.fold(rows.get(id_), shard)
    return rows


def values(*events: EventData) -> dict[str, int]:
    return {item["metricKey"]: item["value"] for item in folded(*events).values()}


@pytest.mark.parametrize(
    ("kind", "metrics"),
    [
        (ContractSent, {"contracts_sent|{}": 1, 'contracts_sent|{"type":"fixed"}': 1, 'contracts_sent|{"currency":"USD"}': 1}),
        (ContractActivated, {"contracts_signed|{}": 1, 'contracts_signed|{"type":"fixed"}': 1, 'contracts_signed|{"currency":"USD"}': 1}),
        (NotificationSent, {"notifications_sent|{}": 1, 'notifications_sent|{"channel":"email"}': 1}),
    ],
)
def test_one_row_per_set_of_dimensions(kind: type[EventData], metrics: dict[str, int]) -> None:
    assert values(example(kind)) == metrics


def test_volumes_add_up_what_was_credited_not_what_was_asked_for() -> None:
    first = example(DepositReceived).model_copy(update={"amount": 150000, "amount_received": 149000})
    second = first.model_copy(update={"amount_received": 1000})
    euros = first.model_copy(update={"currency": "EUR", "amount_received": 7})
    assert values(first, second, euros) == {
        "deposits_received|{}": 3,
        'deposits_volume|{"currency":"USD"}': 150000,
        'deposits_volume|{"currency":"EUR"}': 7,
    }
    released = example(EscrowReleased).model_copy(update={"amount": 120000})
    assert values(released) == {"payments_completed|{}": 1, 'payments_volume|{"currency":"USD"}': 120000}


def test_a_row_says_what_it_counts() -> None:
    [total] = [item for item in folded(example(NotificationSent)).values() if item["dimensions"] == {}]
    assert total == {
        "id": hashlib.sha256(f"2026-01-31\nnotifications_sent\n{{}}\n{SHARD}".encode()).hexdigest(),
        "date": "2026-01-31",
        "metric": "notifications_sent",
        "value": 1,
        "dimensions": {},
        "metricKey": "notifications_sent|{}",
        "shard": SHARD,
    }


def test_days_and_shards_have_rows_of_their_own() -> None:
    data = example(NotificationSent)
    today, other_shard = folded(data), folded(data, shard="mindlinks.contract.events/4")
    tomorrow = folded(data, at=Timestamp("2026-02-01T00:00:00.000Z"))
    assert len({*today, *other_shard, *tomorrow}) == 6
    assert {item["date"] for item in tomorrow.values()} == {"2026-02-01"}


def test_dimensions_are_canonical() -> None:
    one = MetricRow("2026-01-31", MetricName.VISITS, {"b": "é", "a": "x"})
    other = MetricRow("2026-01-31", MetricName.VISITS, {"a": "x", "b": "é"})
    assert one.canonical_dimensions == '{"a":"x","b":"é"}'
    assert one.id(SHARD) == other.id(SHARD)


def test_what_else_an_item_holds_is_kept() -> None:
    [change, *_] = SERVICE.projections[0].project(
        Event(EventId("e5563fcd-989f-50d4-8c79-faad13b6641e"), "x", "k", LATE, "system:test", example(SERVICE.projections[0].event))
    )
    again = change.fold({**change.fold(None, SHARD), "_seen": {"o": 1}, "createdAt": LATE}, SHARD)
    assert (again["value"], again["_seen"], again["createdAt"]) == (2, {"o": 1}, LATE)


def test_every_counted_event_has_one_projection_and_counts_something() -> None:
    assert max(Counter(projection.event for projection in SERVICE.projections).values()) == 1
    for line in COUNTED:
        rows = folded(example(line.event)).values()
        mine = [item for item in rows if item["metric"] == line.metric]
        assert len(mine) == len(line.sets)
        assert all(item["value"] == line.value(example(line.event)) >= 0 for item in mine)
