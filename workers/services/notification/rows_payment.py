"""Section 13 of domain.md: escrow, money, payouts."""

from typing import Any

from contracts.notification.values import Money, PageLink, Variable
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
    alert(payment.EscrowBalanceNegative, lambda event: Money(amount=-event.data.deficit, currency=event.data.currency)),
    alert(payment.EscrowAnomalyDetected, lambda event: f"{event.data.anomaly}: {event.data.detail}"),
    alert(payment.EscrowReopened, text("cause")),
    alert(payment.PayeeAccountFailed, text("code")),
    Row(payment.EscrowClosingReminderDue, client, BOTH, TXN, "escrow-leftover", {"amountText": money("balance")} | TO_ESCROW),
    Row(payment.PayeeReady, user, BOTH, TXN, "payouts-ready", TO_PAYOUTS),
    Row(payment.PayeeBlocked, user, BOTH, TXN, "payouts-blocked", {"reason": phrase("reason")} | TO_PAYOUTS),
    Row(payment.PayoutPaid, user, BOTH, TXN, "payout-paid", AMOUNT | {"arrivalDate": day("arrival_date")}),
    Row(payment.PayoutFailed, user, ALL, TXN, "payout-failed", AMOUNT | TO_PAYOUTS),
)
# fmt: on
