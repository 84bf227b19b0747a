"""The demo's totals: each must notice when something is missing, doubled or wrong."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from contracts.catalogue import model_of
from contracts.envelope import Envelope
from contracts.ids import address_recipient_id
from contracts.kyc import RecordKycDecision, RecordKycProgress
from contracts.message import CommandData, Message
from contracts.notification.commands import PlanNotification
from contracts.notification.events import NotificationDelivered, NotificationPlanned, NotificationSent, NotificationStored
from contracts.payment.commands import RecordPayout
from contracts.platform import TimerCancelled, TimerScheduled
from contracts.timestamps import from_milliseconds
from workers.ops.demo import expected
from workers.ops.demo.cast import Cast
from workers.ops.demo.checks import TABLES, checks
from workers.ops.demo.evidence import Evidence
from workers.ops.demo.observer import Observer, Seen
from workers.ops.demo.stage import DEPOSIT, RELEASE
from workers.ops.demo.steps import FX, PAYOUTS, RE, STEPS, STRIPE, UP, VERIFF, Line

CAST = Cast.new()
INVITED = address_recipient_id("0" * 64)
EXAMPLES = Path(__file__).parents[4] / "contracts" / "examples"
Tables = dict[str, list[dict[str, Any]]]
AT = from_milliseconds(1_700_000_000_000)
BACK = "po_1"
CHANGED: Mapping[str, Mapping[str, Any]] = {
    "PayoutPaid": {"amount": RELEASE, "payoutId": BACK},
    "PayoutFailed": {"payoutId": BACK, "wasPaid": True},
}
SOURCES = {
    UP: "/mindlinks/ingress/api",
    RE: "/mindlinks/payment/reactions",
    FX: "/mindlinks/payment/effects",
    VERIFF: "/mindlinks/ingress/veriff",
    STRIPE: "/mindlinks/ingress/stripe",
}
STEPS_OF_MONEY = len(STEPS)
MAILS, TEXTS = expected.sent("email"), expected.sent("sms")
LEFT = MAILS + TEXTS


def _seen(id_: str, data: Message, cause: str, source: str = "/test", at: int = 0) -> Seen:
    return Seen(Envelope(id_, data.kind(), source, "key", AT, cause, cause, "public"), data, at)


def _example(kind: type[Message], **changes: Any) -> Message:
    file = EXAMPLES / (kind.service or "platform") / f"{kind.__name__}.v1.json"
    return kind.from_item(json.loads(file.read_text(encoding="utf-8"))["data"] | changes)


def _log() -> Observer:
    """The story, step by step, with its messages. What Veriff said, not in order."""
    log = Observer()
    for number, step in enumerate(STEPS):
        for place, line in enumerate(step):
            _say(log, f"{number}/{place}", line, number)
    for number, code in enumerate(("7001", "9103", "7002", "7001", "7002", "9001")):
        kind = RecordKycDecision if code.startswith("9") else RecordKycProgress
        log.commands[f"k{number}"] = _seen(f"k{number}", _example(kind, code=code), "w", at=STEPS_OF_MONEY)
    for status in PAYOUTS:
        log.commands[status] = _seen(status, _example(RecordPayout, payoutId=BACK, status=status), "w", at=STEPS_OF_MONEY)
    _tell_people(log)
    return log


def _say(log: Observer, id_: str, line: Line, at: int) -> None:
    service, _, name = line.command.partition(".")
    stand_in = type(name, (CommandData,), {"service": service})
    for by in line.by:
        log.commands[f"{id_}/{by}"] = _seen(f"{id_}/{by}", stand_in(), "w", SOURCES[by], at)
    for number, event in enumerate(line.events):
        data = _example(model_of(f"mindlinks.{service}.{event}.v1"), **CHANGED.get(event, {}))
        log.events[f"{id_}/{number}"] = _seen(f"{id_}/{number}", data, f"{id_}/{line.by[0]}")
    for timer in line.timers:
        kind = TimerScheduled if timer.startswith("+") else TimerCancelled
        log.events[f"{id_}/{timer}"] = _seen(f"{id_}/{timer}", _example(kind, timer=timer[1:]), f"{id_}/{line.by[0]}")


def _tell_people(log: Observer) -> None:
    """Every expected message planned and ended once; the event it is about stands behind its command."""
    about = {seen.name: id_ for id_, seen in log.events.items()}
    for number, (event, recipient, channel, template) in enumerate(sorted(expected.messages(CAST, INVITED).elements())):
        message = {"notificationId": str(uuid4())}
        planned = {"recipientId": recipient, "channel": channel, "template": template}
        ended = NotificationStored if channel == "in_app" else NotificationSent
        log.commands[f"c{number}"] = _seen(f"c{number}", _example(PlanNotification), about[event])
        log.events[f"p{number}"] = _seen(f"p{number}", _example(NotificationPlanned, **message, **planned), f"c{number}")
        log.events[f"s{number}"] = _seen(f"s{number}", _example(ended, **message), f"r{number}")
        if ended is NotificationSent:
            log.events[f"d{number}"] = _seen(f"d{number}", _example(NotificationDelivered, **message), f"w{number}")


def _rows() -> Tables:
    stored = expected.messages(CAST, INVITED).total() - LEFT
    contract = CAST.contract_id
    tables: Tables = {table: [] for table in TABLES}
    return (
        tables
        | {
            "contract-contracts": [{"id": contract, "status": "completed"}],
            "payment-escrow": [_escrow()],
            "payment-transactions": _ledger(),
            "notification-notifications": [{"sourceEventId": "e", "status": "delivered"}] * LEFT
            + [{"sourceEventId": "e", "status": "stored"}] * stored,
            "website-metrics": [{"metricKey": key, "value": value} for key, value in expected.metrics().items()],
            "platform-effects": [{"effectId": "f", "state": "confirmed"}],
        }
        | _people()
    )


def _escrow() -> dict[str, Any]:
    parties = {"contractorId": CAST.contractor_id, "clientId": CAST.company_id, "clientUserId": CAST.client.user_id}
    return {
        "contractId": CAST.contract_id,
        **parties,
        "contractorUserId": CAST.contractor.user_id,
        "currency": "USD",
        "status": "closed",
        "balance": 0,
        "reserved": 0,
        "held": 0,
        "createdAt": AT,
    }


def _ledger() -> list[dict[str, Any]]:
    left = DEPOSIT - RELEASE
    common = {"contractorId": CAST.contractor_id, "currency": "USD", "status": "completed"}
    mine = {**common, "contractId": CAST.contract_id, "clientId": CAST.company_id}
    deposit = {"amountReceived": DEPOSIT, "refundGross": left, "refundNet": left, "refundSeen": left, "children": [CAST.refund_id]}
    return [
        {**mine, **deposit, "id": CAST.deposit_id, "type": "deposit", "amount": DEPOSIT, "posted": DEPOSIT},
        {**mine, "id": CAST.release_id, "type": "payment", "amount": RELEASE, "posted": -RELEASE, "stripePaymentId": "tr_1"},
        {
            **mine,
            "id": CAST.refund_id,
            "type": "withdrawal",
            "amount": left,
            "posted": -left,
            "parentId": CAST.deposit_id,
            "stripePaymentId": "re_1",
        },
        {**common, "id": str(uuid4()), "type": "payout", "amount": RELEASE, "status": "failed"},
        {**common, "id": str(uuid4()), "type": "payout", "amount": RELEASE},
    ]


def _people() -> Tables:
    parties = CAST.client.user_id, CAST.contractor.user_id
    closed = {"contractStates": {CAST.contract_id: "closed"}}
    contractor = {"id": CAST.contractor_id, "kycStatus": "verified", "clientIds": [CAST.company_id], **closed}
    return {
        "auth-users": [{"id": user, "emailVerified": True} for user in parties],
        "auth-sessions": [{"userId": user, "state": "open"} for user in parties],
        "client-companies": [{"id": CAST.company_id, "verificationStatus": "verified", **closed}],
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


def _messaging(**changes: Any) -> dict[str, Any]:
    return {"mails": [{}] * MAILS, "sms": [{}] * TEXTS, "topics": {"t": True}, "owed": 0} | changes


def _evidence() -> Evidence:
    return Evidence(CAST, _rows(), _log(), ["applied"], _stripe(), _identity(), _registry(), _messaging(), MAILS, INVITED)


def _failed(evidence: Evidence) -> list[str]:
    return [check.what for check in checks(evidence) if not check.passed]


def test_what_the_story_must_leave_behind_passes() -> None:
    assert [(check.what, check.found, check.wanted) for check in checks(_evidence()) if not check.passed] == []


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


def _twice(evidence: Evidence, id_: str) -> Evidence:
    evidence.log.events["twice"] = evidence.log.events[id_]
    return evidence


def _late(evidence: Evidence, *ids: str) -> Evidence:
    for id_ in ids:
        evidence.log.commands[id_] = replace(evidence.log.commands[id_], at=len(STEPS))
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
        (lambda: _with_rows(lambda rows: rows["payment-escrow"][0].update(status="closing")), "escrow"),
        (lambda: _with_rows(lambda rows: rows["payment-transactions"].pop(1)), "ledger rows"),
        (lambda: _with_rows(lambda rows: rows["payment-transactions"].pop()), "payouts"),
        (lambda: _with_rows(lambda rows: rows["payment-transactions"][1].update(posted=1 - RELEASE)), "books that don't balance"),
        (lambda: _with_rows(lambda rows: rows["payment-escrow"].clear()), "books that don't balance"),
        (lambda: _with_rows(lambda rows: rows["contractor-profiles"][0].update(contractStates={})), "contract in contractor-profiles"),
        (lambda: _without_command(_evidence(), "20/2/webhook of stripe"), "commands of step 21 that nobody said"),
        (lambda: _without_command(_evidence(), "15/1/webhook of stripe"), "commands of step 16 that nobody said"),
        (lambda: _without_event(_evidence(), "20/1/1"), "events of the story that are missing"),
        (lambda: _twice(_evidence(), "18/0/1"), "events beyond the story, or twice"),
        (lambda: _without_event(_evidence(), "7/3/+kyc-poll"), "timers of the story that are missing"),
        (lambda: _late(_evidence(), "0/0/HTTP", "4/0/HTTP"), "steps in their order"),
        (lambda: _without_event(_evidence(), "18/0/1"), "payouts that came back after they were paid"),
        (lambda: _without_command(_evidence(), "in_transit"), "what Stripe said of it"),
        (lambda: _with_rows(lambda rows: rows["website-metrics"].pop()), 'notifications_sent|{"channel":"sms"}'),
        (lambda: _with_rows(lambda rows: rows["website-metrics"].append({"metricKey": "more|{}", "value": 1})), "metrics beyond these"),
        (lambda: _with_rows(lambda rows: rows["notification-notifications"].pop()), "rows of messages"),
        (lambda: _with_rows(lambda rows: rows["platform-failures"].append({})), "quarantined records"),
        (lambda: _with_rows(lambda rows: rows["platform-effects"][0].update(openPartition="p")), "effects still open"),
        (lambda: _with_rows(lambda rows: rows["platform-effects"][0].update(state="failed")), "effects neither confirmed nor open"),
        (lambda: _without_event(_evidence(), "p3"), "messages not planned"),
        (lambda: _planned_again(_evidence()), "messages planned beyond the matrix, or twice"),
        (lambda: _without_event(_evidence(), "s3"), "messages sent or stored, once each"),
        (lambda: replace(_evidence(), mails=1), "mails the provider took"),
        (lambda: replace(_evidence(), messaging=_messaging(sms=[])), "mails and sms it says something of"),
        (lambda: replace(_evidence(), messaging=_messaging(topics={"t": False})), "topics of feedback that nobody confirmed"),
        (lambda: replace(_evidence(), messaging=_messaging(owed=1)), "feedback still owed"),
        (lambda: _without_event(_evidence(), "d0"), "messages delivered"),
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
