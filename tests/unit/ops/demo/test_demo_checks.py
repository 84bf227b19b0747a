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
from contracts.ids import address_recipient_id
from contracts.kyc import RecordKycDecision, RecordKycProgress
from contracts.message import EventData, Message
from contracts.notification.commands import PlanNotification
from contracts.notification.events import NotificationPlanned, NotificationSent, NotificationStored
from contracts.timestamps import from_milliseconds
from workers.ops.demo import expected
from workers.ops.demo.cast import Cast
from workers.ops.demo.checks import TABLES, checks
from workers.ops.demo.evidence import Evidence
from workers.ops.demo.observer import Observer, Seen

CAST = Cast.new()
INVITED = address_recipient_id("0" * 64)
EXAMPLES = Path(__file__).parents[4] / "contracts" / "examples"
Tables = dict[str, list[dict[str, Any]]]
AT = from_milliseconds(1_700_000_000_000)


def _seen(id_: str, data: Message, cause: str) -> Seen:
    return Seen(Envelope(id_, data.kind(), "/test", "key", AT, cause, cause, "public"), data, 0)


def _example(kind: type[Message], **changes: str) -> Message:
    file = EXAMPLES / kind.service / f"{kind.__name__}.v1.json"
    return kind.from_item(json.loads(file.read_text(encoding="utf-8"))["data"] | changes)


def _log() -> Observer:
    """Every expected message planned and ended once; the event it is about stands behind its command. What Veriff said, not in order."""
    log = Observer()
    for number, code in enumerate(("7001", "9103", "7002", "7001", "7002", "9001")):
        kind = RecordKycDecision if code.startswith("9") else RecordKycProgress
        log.commands[f"k{number}"] = _seen(f"k{number}", _example(kind, code=code), "w")
    for number, (event, recipient, channel, template) in enumerate(sorted(expected.messages(CAST, INVITED).elements())):
        message = {"notificationId": str(uuid4())}
        about = {"recipientId": recipient, "channel": channel, "template": template}
        ended = NotificationSent if channel == "email" else NotificationStored
        log.events[f"e{number}"] = _seen(f"e{number}", type(event, (EventData,), {})(), "c")
        log.commands[f"c{number}"] = _seen(f"c{number}", _example(PlanNotification), f"e{number}")
        log.events[f"p{number}"] = _seen(f"p{number}", _example(NotificationPlanned, **message, **about), f"c{number}")
        log.events[f"s{number}"] = _seen(f"s{number}", _example(ended, **message), f"r{number}")
    return log


def _rows() -> Tables:
    mails = expected.mails()
    stored = expected.messages(CAST, INVITED).total() - mails
    contract = CAST.contract_id
    tables: Tables = {table: [] for table in TABLES}
    return (
        tables
        | {
            "contract-contracts": [{"id": contract, "status": "completed"}],
            "payment-escrow": [{"contractId": contract, "status": "closing", "balance": 30_000, "reserved": 0}],
            "payment-transactions": [
                {"contractId": contract, "type": "deposit", "posted": 150_000},
                {"contractId": contract, "type": "payment", "posted": -120_000},
            ],
            "notification-notifications": [{"sourceEventId": "e", "status": "sent"}] * mails
            + [{"sourceEventId": "e", "status": "stored"}] * stored,
            "website-metrics": [{"metricKey": key, "value": value} for key, value in expected.metrics().items()],
            "platform-effects": [{"effectId": "f", "state": "confirmed"}],
        }
        | _people()
    )


def _people() -> Tables:
    parties = CAST.client.user_id, CAST.contractor.user_id
    contractor = {"id": CAST.contractor_id, "kycStatus": "verified", "clientIds": [CAST.company_id]}
    return {
        "auth-users": [{"id": user, "emailVerified": True} for user in parties],
        "auth-sessions": [{"userId": user, "state": "open"} for user in parties],
        "client-companies": [{"id": CAST.company_id, "verificationStatus": "verified"}],
        "client-invitations": [{"status": "accepted", "acceptedBy": CAST.contractor.user_id}],
        "contractor-profiles": [contractor],
        "kyc-sessions": [{"status": "verified"}],
    }


def _stripe() -> dict[str, Any]:
    arrived = [("b", 200), ("a", 200), ("a", 200)]
    return {
        "created": dict(expected.CREATED_AT_STRIPE),
        "events": ["a", "b"],
        "deliveries": [{"event": event, "type": "x", "status": status} for event, status in arrived],
        "owed": [],
    }


def _identity(**changes: Any) -> dict[str, Any]:
    said = {
        "veriff": {"sessions": 1, "calls": {"POST /v1/sessions": 1}},
        "deliveries": [{"url": "u", "status": 200}] * (len(expected.VERIFF) + 1),
        "owed": 0,
    }
    return said | changes


def _registry(times: int = 1) -> dict[str, Any]:
    return {"calls": {f"{CAST.jurisdiction}/{CAST.company_number}": times}}


def _evidence() -> Evidence:
    return Evidence(CAST, _rows(), _log(), ["applied"], _stripe(), _identity(), _registry(), expected.mails(), INVITED)


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


def _with_identity(**changes: Any) -> Evidence:
    return replace(_evidence(), identity=_identity(**changes))


def _without_command(evidence: Evidence, id_: str) -> Evidence:
    del evidence.log.commands[id_]
    return evidence


def _in_order(evidence: Evidence) -> Evidence:
    commands = evidence.log.commands
    commands["k1"], commands["k2"] = commands["k2"], commands["k1"]
    return evidence


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
        (lambda: _with_rows(lambda rows: rows["auth-users"][1].update(emailVerified=False)), "verified addresses"),
        (lambda: _with_rows(lambda rows: rows["auth-sessions"].pop()), "open sessions"),
        (lambda: _with_rows(lambda rows: rows["auth-sessions"].append(rows["auth-sessions"][0])), "open sessions"),
        (lambda: _with_rows(lambda rows: rows["client-companies"].pop()), "company"),
        (lambda: _with_rows(lambda rows: rows["client-invitations"][0].update(status="pending")), "invitations"),
        (lambda: _with_rows(lambda rows: rows["contractor-profiles"][0].update(clientIds=[])), "contractor's companies"),
        (lambda: _with_rows(lambda rows: rows["contractor-profiles"][0].update(kycStatus="pending")), "contractor's identity"),
        (lambda: _with_rows(lambda rows: rows["kyc-sessions"].append({"status": "pending"})), "identity checks"),
        (lambda: replace(_evidence(), registry=_registry(2)), "calls of the registry"),
        (lambda: _with_identity(veriff={"sessions": 2, "calls": {}}), "sessions at Veriff"),
        (lambda: _with_identity(veriff={"sessions": 1, "calls": {"POST /v1/sessions": 2}}), "calls of Veriff"),
        (lambda: _with_identity(deliveries=[{"url": "u", "status": 503}]), "Veriff's webhooks not answered 2xx"),
        (lambda: _with_identity(deliveries=[{"url": "u", "status": 200}] * 6), "some of Veriff's webhooks came doubled"),
        (lambda: _with_identity(owed=1), "Veriff's webhooks still owed"),
        (lambda: _without_command(_evidence(), "k5"), "what Veriff said, each once"),
        (lambda: _in_order(_evidence()), "some of it came out of order"),
    ],
)
def test_each_difference_is_noticed(evidence: Callable[[], Evidence], noticed: str) -> None:
    assert noticed in _failed(evidence())
