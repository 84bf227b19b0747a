"""The demo's totals: each must notice when something is missing, doubled or wrong."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from contracts.envelope import Envelope
from contracts.message import EventData, Message
from contracts.notification.commands import PlanNotification
from contracts.notification.events import NotificationPlanned, NotificationSent, NotificationStored
from contracts.timestamps import from_milliseconds
from workers.ops.demo import expected
from workers.ops.demo.cast import Cast
from workers.ops.demo.checks import TABLES, Evidence, checks
from workers.ops.demo.observer import Observer, Seen

CAST = Cast.new()
EXAMPLES = Path(__file__).parents[4] / "contracts" / "examples"
Tables = dict[str, list[dict[str, Any]]]
AT = from_milliseconds(1_700_000_000_000)


def _seen(id_: str, data: Message, cause: str) -> Seen:
    return Seen(Envelope(id_, data.kind(), "/test", "key", AT, cause, cause, "public"), data, 0)


def _example(kind: type[Message], **changes: str) -> Message:
    file = EXAMPLES / kind.service / f"{kind.__name__}.v1.json"
    return kind.from_item(json.loads(file.read_text(encoding="utf-8"))["data"] | changes)


def _log() -> Observer:
    """Every expected message planned and ended once; the event it is about stands behind its command."""
    log = Observer()
    for number, (event, recipient, channel, template) in enumerate(sorted(expected.messages(CAST).elements())):
        message = {"notificationId": str(uuid4())}
        about = {"recipientId": recipient, "channel": channel, "template": template}
        ended = NotificationSent if channel == "email" else NotificationStored
        log.events[f"e{number}"] = _seen(f"e{number}", type(event, (EventData,), {})(), "c")
        log.commands[f"c{number}"] = _seen(f"c{number}", _example(PlanNotification), f"e{number}")
        log.events[f"p{number}"] = _seen(f"p{number}", _example(NotificationPlanned, **message, **about), f"c{number}")
        log.events[f"s{number}"] = _seen(f"s{number}", _example(ended, **message), f"r{number}")
    return log


def _rows() -> Tables:
    mails = expected.mails(CAST)
    stored = expected.messages(CAST).total() - mails
    contract = CAST.contract_id
    tables: Tables = {table: [] for table in TABLES}
    return tables | {
        "contract-contracts": [{"id": contract, "status": "completed"}],
        "payment-escrow": [{"contractId": contract, "status": "closing", "balance": 30_000, "reserved": 0}],
        "payment-transactions": [
            {"contractId": contract, "type": "deposit", "posted": 150_000},
            {"contractId": contract, "type": "payment", "posted": -120_000},
        ],
        "notification-notifications": [{"sourceEventId": "e", "status": "sent"}] * mails
        + [{"sourceEventId": "e", "status": "stored"}] * stored,
        "website-metrics": [{"metricKey": key, "value": value} for key, value in expected.metrics(CAST).items()],
        "platform-effects": [{"effectId": "f", "state": "confirmed"}],
    }


def _stripe() -> dict[str, Any]:
    arrived = [("b", 200), ("a", 200), ("a", 200)]
    return {
        "created": dict(expected.CREATED_AT_STRIPE),
        "events": ["a", "b"],
        "deliveries": [{"event": event, "type": "x", "status": status} for event, status in arrived],
        "owed": [],
    }


def _evidence() -> Evidence:
    return Evidence(CAST, _rows(), _log(), ["applied"], _stripe(), expected.mails(CAST))


def _failed(evidence: Evidence) -> list[str]:
    return [check.what for check in checks(evidence) if not check.passed]


COUNTED = [f"{metric}, counted on the log" for metric in ("contracts_sent", "contracts_signed", "contracts_completed", "deposits_received")]


def test_what_the_story_must_leave_behind_passes_but_for_events_that_this_log_lacks() -> None:
    assert set(_failed(_evidence())) <= {*COUNTED, "payments_completed, counted on the log"}


def _with_rows(change: Callable[[Tables], object]) -> Evidence:
    rows = _rows()
    change(rows)
    return replace(_evidence(), rows=rows)


def _with_stripe(**changes: Any) -> Evidence:
    return replace(_evidence(), stripe={**_stripe(), **changes})


def _without_event(evidence: Evidence, id_: str) -> Evidence:
    del evidence.log.events[id_]
    return evidence


def _planned_again(evidence: Evidence) -> Evidence:
    evidence.log.events["again"] = evidence.log.events["p0"]
    return evidence


def _delivery(status: int | None) -> Mapping[str, Any]:
    return {"event": "c", "type": "x", "status": status}


@pytest.mark.parametrize(
    ("evidence", "noticed"),
    [
        (lambda: _with_rows(lambda rows: rows["contract-contracts"][0].update(status="active")), "contract"),
        (lambda: _with_rows(lambda rows: rows["payment-escrow"][0].update(balance=1)), "escrow balance"),
        (lambda: _with_rows(lambda rows: rows["payment-transactions"].pop()), "sum of the ledger"),
        (lambda: _with_rows(lambda rows: rows["website-metrics"].pop()), 'notifications_sent|{"channel":"email"}'),
        (lambda: _with_rows(lambda rows: rows["website-metrics"].append({"metricKey": "more|{}", "value": 1})), "metrics beyond these"),
        (lambda: _with_rows(lambda rows: rows["notification-notifications"].pop()), "rows of messages"),
        (lambda: _with_rows(lambda rows: rows["platform-failures"].append({})), "quarantined records"),
        (lambda: _with_rows(lambda rows: rows["platform-effects"][0].update(openPartition="p")), "effects still open"),
        (lambda: _with_rows(lambda rows: rows["platform-effects"][0].update(state="failed")), "effects neither confirmed nor open"),
        (lambda: _without_event(_evidence(), "p3"), "messages not planned"),
        (lambda: _planned_again(_evidence()), "messages planned beyond the matrix, or twice"),
        (lambda: _without_event(_evidence(), "s3"), "messages sent or stored, once each"),
        (lambda: replace(_evidence(), mails=1), "mails the provider took"),
        (lambda: replace(_evidence(), receipts=["applied", "unsettled"]), "receipts of the commands sent over HTTP"),
        (lambda: _with_stripe(created=Counter(expected.CREATED_AT_STRIPE) + Counter(transfer=1)), "transfer at the provider"),
        (lambda: _with_stripe(events=["a", "b", "c"], deliveries=[_delivery(503)]), "webhooks not answered 2xx"),
        (lambda: _with_stripe(events=["a", "b", "c"], deliveries=[_delivery(None)]), "webhooks not answered 2xx"),
        (lambda: _with_stripe(owed=["c"]), "webhooks still owed"),
        (lambda: _with_stripe(events=["c"], deliveries=[_delivery(200)]), "some webhooks came doubled"),
        (lambda: _with_stripe(events=["b", "a"]), "some webhooks came out of order"),
    ],
)
def test_each_difference_is_noticed(evidence: Callable[[], Evidence], noticed: str) -> None:
    assert noticed in _failed(evidence())
