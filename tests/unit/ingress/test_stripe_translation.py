"""Pure translation: (event) -> command data and where its key comes from."""

import json
from typing import Any

import pytest

from tests.unit.ingress.doubles import ACCOUNT, CONTRACT, CONTRACTOR, PAYLOADS
from workers.ingress.stripe_translation import (
    LATER,
    TRANSLATORS,
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


@pytest.mark.parametrize("kind", sorted(LATER))
def test_facts_of_later_issues(kind: str) -> None:
    assert translate(event(kind, id="x")) == Untranslated("later")


@pytest.mark.parametrize("kind", ["charge.succeeded", "payment_intent.requires_action", "transfer.paid", "balance.available", "made.up"])
def test_kinds_that_say_nothing(kind: str) -> None:
    assert translate(event(kind, id="x")) == Untranslated("ignored")


@pytest.mark.parametrize("kind", sorted(TRANSLATORS))
@pytest.mark.parametrize("fields", [{}, {"metadata": 7, "requirements": 7, "capabilities": [], "last_payment_error": "x", "id": None}])
def test_odd_objects_break_no_translator(kind: str, fields: dict[str, Any]) -> None:
    assert isinstance(translate(event_of(kind, fields)), Translation)
