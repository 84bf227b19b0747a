"""Pure translation: (event) -> command data and where its key comes from."""

import json
from typing import Any

import pytest

from tests.unit.ingress.doubles import ACCOUNT, CONTRACT, CONTRACTOR, PAYLOADS
from workers.ingress.stripe_translation import (
    TRANSLATORS,
    DepositKey,
    PayeeKey,
    PaymentKey,
    StripeEvent,
    Translation,
    Untranslated,
    parse_event,
    translate,
)

DEPOSIT, PAYMENT = "7b0f6a52-1111-4a6e-9d55-000000000001", "7b0f6a52-1111-4a6e-9d55-000000000002"
INTENT = "pi_3MLescrow0000000001"
METADATA = {"contractId": CONTRACT, "transactionId": DEPOSIT}


def story(number: int) -> Translation:
    (path,) = (PAYLOADS / "events_modern").glob(f"{number:02}_*.json")
    translation = translate(parse_event(json.loads(path.read_bytes())))
    assert isinstance(translation, Translation)
    return translation


def event(kind: str, account: str | None = None, **fields: Any) -> StripeEvent:
    return StripeEvent("evt_1", kind, 1_795_300_000, False, account, fields)


def translated(given: StripeEvent) -> Translation:
    translation = translate(given)
    assert isinstance(translation, Translation)
    return translation


def test_deposit_facts() -> None:
    key = PaymentKey(CONTRACT, DEPOSIT, INTENT)
    assert story(1) == Translation("RecordDepositProcessing", {"paymentIntentId": INTENT, "eventCreated": "2026-11-21T22:26:50.000Z"}, key)
    assert story(3) == Translation(
        "RecordDepositFailed",
        {
            "code": "card_declined",
            "declineCode": "insufficient_funds",
            "message": "Your card has insufficient funds.",
            "eventCreated": "2026-11-21T22:26:52.000Z",
        },
        key,
    )
    assert story(4) == Translation(
        "RecordDepositCancelled", {"reason": "requested_by_customer", "eventCreated": "2026-11-21T22:27:20.000Z"}, key
    )


def test_transfer() -> None:
    assert story(9) == Translation(
        "RecordTransferCreated",
        {"transferId": "tr_3MLescrow0000000001", "amount": 120000, "currency": "USD", "destination": ACCOUNT},
        PaymentKey(CONTRACT, PAYMENT, "tr_3MLescrow0000000001"),
    )


def test_payouts() -> None:
    paid, failed = story(10), story(11)
    assert paid.command == failed.command == "RecordPayout"
    assert paid.key == failed.key == PayeeKey(None, ACCOUNT)
    assert (paid.data["status"], paid.data["arrivalDate"], paid.data["automatic"]) == ("paid", "2026-11-23", True)
    assert (failed.data["status"], failed.data["failureCode"]) == ("failed", "account_closed")


def test_account_status() -> None:
    status = story(12)
    assert status.key == PayeeKey(CONTRACTOR, ACCOUNT)
    assert status.data == {
        "stripeAccountId": ACCOUNT,
        "transfersActive": True,
        "payoutsEnabled": True,
        "requirementsDue": [
            "business_profile.product_description",
            "business_profile.support_phone",
            "business_profile.url",
            "external_account",
            "tos_acceptance.date",
            "tos_acceptance.ip",
        ],
        "disabledReason": "requirements.past_due",
        "eventCreated": "2026-11-21T22:27:30.000Z",
        "fetched": False,
    }


def test_requirements_are_one_order_for_one_content() -> None:
    def due(**parts: Any) -> Any:
        return translated(event("account.updated", id="acct_1", requirements=parts)).data["requirementsDue"]

    assert due(currently_due=["b", "a"], past_due=["c", "a"]) == due(past_due=["a"], currently_due=["c", "b", 7]) == ["a", "b", "c"]
    assert len(due(currently_due=[f"field-{n}" for n in range(80)])) == 50


def test_a_deauthorized_account_can_do_nothing() -> None:
    translation = translated(event("account.application.deauthorized", ACCOUNT, id="ca_1", object="application"))
    assert translation.key == PayeeKey(None, ACCOUNT)
    assert (translation.data["transfersActive"], translation.data["payoutsEnabled"]) == (False, False)


@pytest.mark.parametrize("account", ["acct_2", {"id": "acct_2", "object": "account"}])
def test_a_capability_names_its_account(account: Any) -> None:
    assert translated(event_of("capability.updated", {"account": account})) == Translation(
        "RefreshPayeeAccount", {}, PayeeKey(None, "acct_2")
    )


def event_of(kind: str, fields: dict[str, Any]) -> StripeEvent:
    return StripeEvent("evt_1", kind, 1_795_300_000, False, ACCOUNT, fields)


def test_a_capability_without_account_uses_the_events() -> None:
    assert translated(event_of("capability.updated", {})).key == PayeeKey(None, ACCOUNT)


def test_the_platforms_own_payout_is_nobodys() -> None:
    assert translate(event("payout.paid", id="po_1", status="paid")) == Untranslated("ignored")


def test_a_failure_without_words_gets_some() -> None:
    data = translated(event("payment_intent.payment_failed", id=INTENT, metadata=METADATA, last_payment_error=None)).data
    assert (data["code"], data["declineCode"], data["message"]) == ("payment_failed", None, "The payment failed.")


def test_long_words_are_cut() -> None:
    error = {"code": "c" * 200, "message": "m" * 2000}
    data = translated(event("payment_intent.payment_failed", id=INTENT, metadata=METADATA, last_payment_error=error)).data
    assert (len(data["code"]), len(data["message"])) == (80, 500)


# --- what is taken from a deposit ----------------------------------------------------------------------------------


def test_a_charges_total_names_its_deposit() -> None:
    for number, total, at in ((5, 50_000, "2026-11-21T22:28:20.000Z"), (6, 150_000, "2026-11-21T22:30:00.000Z")):
        data = {"chargeId": "ch_3MLescrow0000000001", "amountRefunded": total, "eventCreated": at}
        assert story(number) == Translation("RecordChargeRefunded", data, DepositKey(CONTRACT, DEPOSIT, INTENT))


REFUND: dict[str, Any] = {
    "id": "re_1",
    "object": "refund",
    "amount": 30_000,
    "currency": "usd",
    "payment_intent": INTENT,
    "status": "succeeded",
}


@pytest.mark.parametrize("kind", ["refund.created", "refund.updated", "refund.failed", "charge.refund.updated"])
def test_a_refund_made_at_stripe_is_its_payments(kind: str) -> None:
    translation = translated(event(kind, **REFUND, metadata={}))
    assert translation == Translation(
        "RecordRefund",
        {
            "refundId": "re_1",
            "transactionId": None,
            "amount": 30_000,
            "currency": "USD",
            "status": "succeeded",
            "failureReason": None,
            "eventCreated": "2026-11-21T22:26:40.000Z",
        },
        DepositKey(None, None, INTENT),
    )


def test_a_refund_of_ours_names_its_rows() -> None:
    metadata = {"contractId": CONTRACT, "transactionId": PAYMENT, "depositId": DEPOSIT, "kind": "withdrawal"}
    failed: dict[str, Any] = {"status": "failed", "failure_reason": "expired_or_canceled_card"}
    translation = translated(event("refund.failed", **{**REFUND, **failed}, metadata=metadata))
    assert translation.key == DepositKey(CONTRACT, DEPOSIT, INTENT)
    assert (translation.data["transactionId"], translation.data["failureReason"]) == (PAYMENT, "expired_or_canceled_card")


def test_metadata_that_somebody_copied_makes_no_refund_ours() -> None:
    copied = {"contractId": CONTRACT, "transactionId": DEPOSIT, "kind": "deposit"}
    translation = translated(event("refund.created", **REFUND, metadata=copied))
    assert (translation.data["transactionId"], translation.key) == (None, DepositKey(CONTRACT, None, INTENT))


@pytest.mark.parametrize("status", [None, "in_the_mail", 7])
def test_a_refund_in_a_status_of_tomorrow_is_pending(status: object) -> None:
    assert translated(event("refund.updated", **{**REFUND, "status": status})).data["status"] == "pending"


def test_an_old_api_version_names_the_charge() -> None:
    assert translate(event("charge.refund.updated", id="ch_1", object="charge")) == Untranslated("ignored")


def test_a_dispute_is_told_whole() -> None:
    opened, lost = story(7), story(8)
    assert opened == Translation(
        "RecordDispute",
        {
            "disputeId": "du_1MLescrow0000000001",
            "chargeId": "ch_3MLescrow0000000001",
            "amount": 150_000,
            "currency": "USD",
            "status": "needs_response",
            "reason": "fraudulent",
            "moved": -150_000,
            "movedCurrency": "USD",
            "movements": 1,
            "fee": 1_500,
            "dueBy": "2024-08-14T23:59:59.000Z",
            "eventCreated": "2026-11-21T22:31:40.000Z",
        },
        DepositKey(None, None, INTENT),
    )
    changed = {"status": "lost", "eventCreated": "2026-11-21T22:41:40.000Z"}
    assert lost == Translation("RecordDispute", {**opened.data, **changed}, opened.key)


def test_an_inquiry_has_moved_nothing() -> None:
    dispute = json.loads((PAYLOADS / "openapi_fixtures" / "dispute.json").read_bytes())
    data = translated(event("charge.dispute.created", **dispute)).data
    assert (data["status"], data["moved"], data["movedCurrency"], data["movements"], data["fee"]) == (
        "warning_needs_response",
        0,
        None,
        0,
        0,
    )


@pytest.mark.parametrize("kind", ["updated", "funds_withdrawn", "funds_reinstated", "closed"])
def test_movements_add_up(kind: str) -> None:
    movements = [{"amount": -500, "currency": "usd", "fee": 15}, {"amount": 500, "currency": "usd", "fee": -15}]
    data = translated(event(f"charge.dispute.{kind}", id="du_1", balance_transactions=movements)).data
    assert (data["moved"], data["movedCurrency"], data["movements"], data["fee"]) == (0, "USD", 2, 0)
    mixed = [*movements, {"amount": "7", "currency": "eur"}]
    data = translated(event(f"charge.dispute.{kind}", id="du_1", balance_transactions=mixed)).data
    assert (data["moved"], data["movedCurrency"], data["movements"]) == (None, None, 3)


def test_a_reversal_is_the_transfers_total() -> None:
    transfer: dict[str, Any] = {
        "id": "tr_1",
        "amount": 120_000,
        "amount_reversed": 20_000,
        "metadata": {"contractId": CONTRACT, "transactionId": PAYMENT},
    }
    assert translated(event("transfer.reversed", **transfer)) == Translation(
        "RecordTransferReversed", {"transferId": "tr_1", "amountReversed": 20_000}, PaymentKey(CONTRACT, PAYMENT, "tr_1")
    )


@pytest.mark.parametrize("kind", ["charge.succeeded", "payment_intent.requires_action", "transfer.paid", "balance.available", "made.up"])
def test_kinds_that_say_nothing(kind: str) -> None:
    assert translate(event(kind, id="x")) == Untranslated("ignored")


@pytest.mark.parametrize("kind", sorted(TRANSLATORS))
@pytest.mark.parametrize("fields", [{}, {"metadata": 7, "requirements": 7, "capabilities": [], "last_payment_error": "x", "id": None}])
def test_odd_objects_break_no_translator(kind: str, fields: dict[str, Any]) -> None:
    assert isinstance(translate(event_of(kind, fields)), Translation)
