"""Section 13 of domain.md: escrow, money, refunds, disputes, payouts."""

from typing import Any

from contracts.notification.values import Money, PageLink, Phrase, Variable
from contracts.payment import events as payment
from contracts.payment.values import WaitReason
from workers.engine.service import Event
from workers.services.notification.columns import (
    ALL,
    BOTH,
    IN_APP,
    PROD,
    TXN,
    Addressee,
    Row,
    alert,
    client,
    client_and_admins,
    code_or_words,
    contractor,
    day,
    money,
    page,
    parties,
    phrase,
    text,
    user,
)


def first_to_client(data: payment.EscrowReleaseWaiting) -> list[Addressee]:
    return client(data) if data.first else []


def first_to_contractor_not_ready(data: payment.EscrowReleaseWaiting) -> list[Addressee]:
    return contractor(data) if data.first and data.reason is WaitReason.PAYEE_NOT_READY else []


def escrow_page(event: Event[Any]) -> Variable:
    return PageLink(page="escrows", id=event.data.contract_id)


def reversal_reason(event: Event[payment.EscrowReleaseReversed]) -> Variable:
    """An admin gives his own words; what was done at the provider has a code."""
    return code_or_words(event.data.reason)


def opened(_event: Event[Any]) -> Variable:
    return Phrase(code="opened")


def lifted(_event: Event[Any]) -> Variable:
    """One template says both, that money is held and that it no longer is: the reason of the hold would say the opposite."""
    return Phrase(code="hold_lifted")


def disputed(event: Event[payment.DisputeOpened]) -> Variable:
    data = event.data
    kind = "inquiry" if data.inquiry else "dispute"
    return f"{kind} {data.dispute_id}: {data.reason}" + (f", answer by {data.due_by}" if data.due_by else "")


TO_ESCROW, TO_PAYOUTS = {"link": escrow_page}, {"link": page("payouts")}
AMOUNT = {"amountText": money("amount")}

# Columns as in domain.md: event, recipient, channels, category, template, variables.
# fmt: off
ROWS: tuple[Row[Any], ...] = (
    Row(payment.EscrowOpened, client, BOTH, TXN, "escrow-opened", TO_ESCROW),
    Row(payment.DepositReceived, parties, BOTH, TXN, "deposit-received", {"amountText": money("amount_received")} | TO_ESCROW),
    Row(payment.DepositFailed, client, BOTH, TXN, "deposit-failed", AMOUNT | {"code": phrase("code")} | TO_ESCROW),
    Row(payment.DepositCancelled, client, IN_APP, PROD, "deposit-cancelled", TO_ESCROW),
    Row(payment.EscrowReleaseWaiting, first_to_contractor_not_ready, BOTH, TXN, "payout-setup-needed", AMOUNT | TO_PAYOUTS),
    Row(payment.EscrowReleaseWaiting, first_to_client, IN_APP, TXN, "release-waiting", AMOUNT | {"reason": phrase("reason")}),
    Row(payment.EscrowReleased, parties, BOTH, TXN, "payment-released", AMOUNT | TO_ESCROW),
    Row(payment.EscrowReleaseFailed, client_and_admins, BOTH, TXN, "release-failed", AMOUNT | {"code": phrase("code")} | TO_ESCROW),
    Row(payment.EscrowReleaseReversed, contractor, BOTH, TXN, "release-reversed", AMOUNT | {"reason": reversal_reason}),
    Row(payment.EscrowRefunded, client, BOTH, TXN, "refund-sent", AMOUNT | TO_ESCROW),
    Row(payment.RefundFailed, client_and_admins, BOTH, TXN, "refund-failed", AMOUNT | {"code": phrase("code")}),
    Row(payment.DisputeOpened, contractor, BOTH, TXN, "dispute-update", AMOUNT | {"outcome": opened} | TO_ESCROW),
    Row(payment.DisputeClosed, contractor, BOTH, TXN, "dispute-update", AMOUNT | {"outcome": phrase("outcome")} | TO_ESCROW),
    alert(payment.DisputeOpened, disputed),
    alert(payment.DisputeFundsWithdrawn, lambda event: Money(amount=event.data.amount, currency=event.data.currency)),
    alert(payment.DisputeClosed, phrase("outcome")),
    alert(payment.EscrowBalanceNegative, lambda event: Money(amount=-event.data.deficit, currency=event.data.currency)),
    alert(payment.EscrowAnomalyDetected, lambda event: f"{event.data.anomaly}: {event.data.detail}"),
    alert(payment.EscrowReopened, text("cause")),
    alert(payment.ReleaseReversalFailed, text("code")),
    alert(payment.PayeeAccountFailed, text("code")),
    Row(payment.EscrowHeld, parties, IN_APP, TXN, "escrow-hold", AMOUNT | {"reason": text("reason")}),
    Row(payment.EscrowHoldLifted, parties, IN_APP, TXN, "escrow-hold", AMOUNT | {"reason": lifted}),
    Row(payment.EscrowClosingReminderDue, client, BOTH, TXN, "escrow-leftover", {"amountText": money("balance")} | TO_ESCROW),
    Row(payment.PayeeReady, user, BOTH, TXN, "payouts-ready", TO_PAYOUTS),
    Row(payment.PayeeBlocked, user, BOTH, TXN, "payouts-blocked", {"reason": phrase("reason")} | TO_PAYOUTS),
    Row(payment.PayoutPaid, user, BOTH, TXN, "payout-paid", AMOUNT | {"arrivalDate": day("arrival_date")}),
    Row(payment.PayoutFailed, user, ALL, TXN, "payout-failed", AMOUNT | TO_PAYOUTS),
)
# fmt: on
