"""Stripe's events in the words of payment (domain.md 12). Pure: which command, with which data, and what its key follows from.

Tolerant: only the fields named here are looked at; what is missing or odd shows when the command's model reads the result.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from contracts import timestamps
from contracts.payment.values import RefundStatus
from contracts.types import Timestamp
from workers.ingress.problems import Problem

Json: TypeAlias = Mapping[str, Any]

LAST_SECOND: Final = 253_402_300_800
"""The year 10000, where timestamps of fixed width end."""
REFUND_STATUSES: Final = tuple(status.value for status in RefundStatus)


@dataclass(frozen=True, slots=True)
class StripeEvent:
    """``created``: seconds since the epoch, Stripe's own time. ``account``: the connected account on Connect deliveries."""

    id: str
    type: str
    created: int
    livemode: bool
    account: str | None
    object: Json

    @property
    def at(self) -> Timestamp:
        return timestamps.from_seconds(self.created)

    @property
    def metadata(self) -> Json:
        found = self.object.get("metadata")
        return found if isinstance(found, Mapping) else {}


@dataclass(frozen=True, slots=True)
class PaymentKey:
    """Contract and transaction by our own metadata, else by the ledger row of a Stripe object."""

    contract_id: str | None
    transaction_id: str | None
    stripe_id: str


@dataclass(frozen=True, slots=True)
class DepositKey:
    """Contract and deposit by our own metadata, else by the deposit's row, which has its PaymentIntent."""

    contract_id: str | None
    deposit_id: str | None
    intent: str


@dataclass(frozen=True, slots=True)
class PayeeKey:
    """Contractor by our own metadata, else by the claim on the connected account."""

    contractor_id: str | None
    account: str


@dataclass(frozen=True, slots=True)
class Translation:
    """``data`` lacks the fields that the key's answer adds."""

    command: str
    data: Json
    key: PaymentKey | DepositKey | PayeeKey


@dataclass(frozen=True, slots=True)
class Untranslated:
    """``ignored``: says nothing to us."""

    why: str


def parse_event(value: Any) -> StripeEvent:
    """Raises Problem ``not_an_event`` or ``event_incomplete``: a signature says who sent the body, not that it is an event."""
    if not isinstance(value, Mapping) or value.get("object") != "event":
        raise Problem("not_an_event", "The body is no Stripe event.", field="object")
    for name in ("id", "type"):
        if not _text(value.get(name)):
            raise Problem("event_incomplete", f"The event has no {name}.", field=name)
    if _moment(value.get("created")) is None:
        raise Problem("event_incomplete", "The event has no time of creation.", field="created")
    data = value.get("data")
    subject = data.get("object") if isinstance(data, Mapping) else None
    if not isinstance(subject, Mapping):
        raise Problem("event_incomplete", "The event has no data.object.", field="data.object")
    return StripeEvent(value["id"], value["type"], value["created"], value.get("livemode") is True, _text(value.get("account")), subject)


def translate(event: StripeEvent) -> Translation | Untranslated:
    translator = TRANSLATORS.get(event.type)
    return (translator(event) if translator else None) or Untranslated("ignored")


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _moment(seconds: Any) -> Timestamp | None:
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not 0 < seconds < LAST_SECOND:
        return None
    return timestamps.from_seconds(seconds)


def _id(value: Any) -> str | None:
    """A reference, plain or expanded."""
    return _text(value.get("id") if isinstance(value, Mapping) else value)


def _texts(value: Any) -> list[str]:
    return [text for text in value if _text(text)] if isinstance(value, list) else []


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


def _cut(value: Any, length: int, otherwise: str | None = None) -> Any:
    """Provider's words for people, at most ``length`` characters."""
    return value[:length] if isinstance(value, str) and value.strip() else otherwise


def _map(value: Any) -> Json:
    return value if isinstance(value, Mapping) else {}


def _payment(event: StripeEvent, command: str, **data: Any) -> Translation:
    key = PaymentKey(_text(event.metadata.get("contractId")), _text(event.metadata.get("transactionId")), str(event.object.get("id", "")))
    return Translation(command, data, key)


def _deposit_prepared(event: StripeEvent) -> Translation:
    return _payment(event, "RecordDepositPrepared", paymentIntentId=event.object.get("id"))


def _deposit_processing(event: StripeEvent) -> Translation:
    return _payment(event, "RecordDepositProcessing", paymentIntentId=event.object.get("id"), eventCreated=event.at)


def _deposit_succeeded(event: StripeEvent) -> Translation:
    intent = event.object
    return _payment(
        event,
        "RecordDepositSucceeded",
        paymentIntentId=intent.get("id"),
        chargeId=_id(intent.get("latest_charge")),
        amount=intent.get("amount"),
        amountReceived=intent.get("amount_received"),
        currency=_upper(intent.get("currency")),
        eventCreated=event.at,
    )


def _deposit_failed(event: StripeEvent) -> Translation:
    error = _map(event.object.get("last_payment_error"))
    return _payment(
        event,
        "RecordDepositFailed",
        code=_cut(error.get("code"), 80) or _cut(error.get("type"), 80, "payment_failed"),
        declineCode=_cut(error.get("decline_code"), 80),
        message=_cut(error.get("message"), 500, "The payment failed."),
        eventCreated=event.at,
    )


def _deposit_cancelled(event: StripeEvent) -> Translation:
    reason = _cut(event.object.get("cancellation_reason"), 500, "not_given")
    return _payment(event, "RecordDepositCancelled", reason=reason, eventCreated=event.at)


def _transfer_created(event: StripeEvent) -> Translation:
    transfer = event.object
    return _payment(
        event,
        "RecordTransferCreated",
        transferId=transfer.get("id"),
        amount=transfer.get("amount"),
        currency=_upper(transfer.get("currency")),
        destination=_id(transfer.get("destination")),
    )


def _transfer_reversed(event: StripeEvent) -> Translation:
    transfer = event.object
    return _payment(event, "RecordTransferReversed", transferId=transfer.get("id"), amountReversed=transfer.get("amount_reversed"))


# --- what is taken from a deposit ----------------------------------------------------------------------------------


def _deposit(event: StripeEvent, deposit: str, command: str, data: Json) -> Translation:
    """``deposit``: the name of the metadata that says which one it is."""
    contract, named = _text(event.metadata.get("contractId")), _text(event.metadata.get(deposit))
    return Translation(command, data, DepositKey(contract, named, _id(event.object.get("payment_intent")) or ""))


def _charge_refunded(event: StripeEvent) -> Translation:
    """The metadata is a copy of the PaymentIntent's, so its transaction is the deposit."""
    charge = event.object
    data = {"chargeId": charge.get("id"), "amountRefunded": charge.get("amount_refunded"), "eventCreated": event.at}
    return _deposit(event, "transactionId", "RecordChargeRefunded", data)


def _refund(event: StripeEvent) -> Translation | None:
    refund, status, ours = event.object, event.object.get("status"), event.metadata.get("kind") == "withdrawal"
    if refund.get("object") == "charge":
        return None  # API versions before 2020 named the charge here; its total comes by charge.refunded
    data = {
        "refundId": refund.get("id"),
        "transactionId": _text(event.metadata.get("transactionId")) if ours else None,
        "amount": refund.get("amount"),
        "currency": _upper(refund.get("currency")),
        # One that is not known yet may still become any other.
        "status": status if status in REFUND_STATUSES else RefundStatus.PENDING.value,
        "failureReason": _cut(refund.get("failure_reason"), 80),
        "eventCreated": event.at,
    }
    return _deposit(event, "depositId", "RecordRefund", data)


def _dispute(event: StripeEvent) -> Translation:
    dispute, due = event.object, _moment(_map(event.object.get("evidence_details")).get("due_by"))
    listed = dispute.get("balance_transactions")
    movements = [_map(each) for each in listed] if isinstance(listed, list) else []
    currencies = [_upper(each.get("currency")) for each in movements]
    data = {
        "disputeId": dispute.get("id"),
        "chargeId": _id(dispute.get("charge")),
        "amount": dispute.get("amount"),
        "currency": _upper(dispute.get("currency")),
        "status": _cut(dispute.get("status"), 80),
        "reason": _cut(dispute.get("reason"), 80, "not_given"),
        "moved": _sum(movements, "amount"),
        "movedCurrency": currencies[0] if currencies and currencies.count(currencies[0]) == len(currencies) else None,
        "movements": len(movements),
        "fee": _sum(movements, "fee"),
        "dueBy": due,
        "eventCreated": event.at,
    }
    # A dispute's metadata is its own: nothing of ours is in it.
    return Translation("RecordDispute", data, DepositKey(None, None, _id(dispute.get("payment_intent")) or ""))


def _sum(movements: Sequence[Json], name: str) -> int | None:
    """None, which no model takes, where one of them is no whole number."""
    amounts = [each.get(name) for each in movements]
    whole = [amount for amount in amounts if isinstance(amount, int) and not isinstance(amount, bool)]
    return sum(whole) if len(whole) == len(amounts) else None


# --- payees --------------------------------------------------------------------------------------------------------


def _payout(event: StripeEvent) -> Translation | None:
    if event.account is None:
        return None  # the platform's own payout: no payee's money
    payout = event.object
    arrival = _moment(payout.get("arrival_date"))
    data = {
        "payoutId": payout.get("id"),
        "stripeAccountId": event.account,
        "amount": payout.get("amount"),
        "currency": _upper(payout.get("currency")),
        "status": payout.get("status"),
        "arrivalDate": timestamps.day(arrival) if arrival else None,
        "automatic": payout.get("automatic"),
        "failureCode": _cut(payout.get("failure_code"), 80),
        "failureMessage": _cut(payout.get("failure_message"), 500),
        "eventCreated": event.at,
    }
    return Translation("RecordPayout", data, PayeeKey(None, event.account))


def _account_updated(event: StripeEvent) -> Translation:
    account, requirements = event.object, _map(event.object.get("requirements"))
    # One order for one content: a tie of two events is told apart by what they say.
    due = sorted({name[:200] for part in ("currently_due", "past_due") for name in _texts(requirements.get(part))})
    data = {
        "stripeAccountId": account.get("id"),
        "transfersActive": _map(account.get("capabilities")).get("transfers") == "active",
        "payoutsEnabled": account.get("payouts_enabled") is True,
        "requirementsDue": due[:50],
        "disabledReason": _cut(requirements.get("disabled_reason"), 200),
        "eventCreated": event.at,
        "fetched": False,
    }
    key = PayeeKey(_text(event.metadata.get("contractorId")), str(account.get("id", "")))
    return Translation("RecordPayeeAccountStatus", data, key)


def _account_deauthorized(event: StripeEvent) -> Translation:
    account = event.account or ""
    data = {
        "stripeAccountId": account,
        "transfersActive": False,
        "payoutsEnabled": False,
        "requirementsDue": [],
        "disabledReason": "deauthorized",
        "eventCreated": event.at,
        "fetched": False,
    }
    return Translation("RecordPayeeAccountStatus", data, PayeeKey(None, account))


def _capability_updated(event: StripeEvent) -> Translation:
    account = _id(event.object.get("account")) or event.account or ""
    return Translation("RefreshPayeeAccount", {}, PayeeKey(None, account))


TRANSLATORS: Final[Mapping[str, Callable[[StripeEvent], Translation | None]]] = {
    "payment_intent.created": _deposit_prepared,
    "payment_intent.processing": _deposit_processing,
    "payment_intent.succeeded": _deposit_succeeded,
    "payment_intent.payment_failed": _deposit_failed,
    "payment_intent.canceled": _deposit_cancelled,
    "charge.refunded": _charge_refunded,
    "refund.created": _refund,
    "refund.updated": _refund,
    "refund.failed": _refund,
    "charge.refund.updated": _refund,
    "charge.dispute.created": _dispute,
    "charge.dispute.updated": _dispute,
    "charge.dispute.funds_withdrawn": _dispute,
    "charge.dispute.funds_reinstated": _dispute,
    "charge.dispute.closed": _dispute,
    "transfer.created": _transfer_created,
    "transfer.reversed": _transfer_reversed,
    "payout.created": _payout,
    "payout.updated": _payout,
    "payout.paid": _payout,
    "payout.failed": _payout,
    "payout.canceled": _payout,
    "account.updated": _account_updated,
    "account.application.deauthorized": _account_deauthorized,
    "capability.updated": _capability_updated,
}
