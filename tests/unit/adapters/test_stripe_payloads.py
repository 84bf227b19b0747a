"""Every file of ``tests/payloads/stripe`` does its work: events become the command domain.md 12 names, objects are read by the adapter or
told by an event, signatures are judged. A file that nothing here names fails the last test."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final

import pytest
import stripe
from aiohttp import web

from contracts.message import CommandData
from contracts.payment.values import RefundStatus
from contracts.types import Timestamp
from tests.conformance.stripe_adapter.steps import SEALER, account_request, intent_request, key, transfer_request
from tests.conformance.stripe_adapter.test_stripe_adapter_returns import refund_request, reversal_request
from tests.support.keys import HandClock
from tests.unit.ingress.doubles import ACCOUNT, CONTRACT, CONTRACTOR, PAYLOADS, Ingress
from workers.adapters.provider_limits import STRIPE_TEST
from workers.adapters.stripe import StripePayments
from workers.adapters.stripe_events import Stretch, StripeEvents
from workers.ingress.messages import command_data, command_model
from workers.ingress.problems import Problem
from workers.ingress.stripe_signature import verify
from workers.ingress.stripe_translation import Translation, Untranslated, parse_event, translate
from workers.services.payment.ports import Account, Intent, IntentStatus, Refund, Transfer

AS_OF: Final = Timestamp("2026-11-21T22:26:40.000Z")
DATE: Final = "Sat, 21 Nov 2026 22:26:40 GMT"
DEPOSIT: Final = "7b0f6a52-1111-4a6e-9d55-000000000001"


def raw(name: str) -> bytes:
    return (PAYLOADS / name).read_bytes()


def fixture(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(raw(f"openapi_fixtures/{name}.json"))
    return found


# --- events: delivered, signed, as they are ------------------------------------------------------------------------

STORY: Final = {
    "01_payment_intent.processing": "RecordDepositProcessing",
    "02_payment_intent.succeeded": "RecordDepositSucceeded",
    "03_payment_intent.payment_failed": "RecordDepositFailed",
    "04_payment_intent.canceled": "RecordDepositCancelled",
    "05_charge.refunded.partial": "RecordChargeRefunded",
    "06_charge.refunded.full": "RecordChargeRefunded",
    "07_charge.dispute.created": "RecordDispute",
    "08_charge.dispute.closed.lost": "RecordDispute",
    "09_transfer.created": "RecordTransferCreated",
    "10_payout.paid": "RecordPayout",
    "11_payout.failed.after_paid": "RecordPayout",
    "12_account.updated": "RecordPayeeAccountStatus",
}


@pytest.mark.parametrize(("name", "command"), STORY.items(), ids=STORY)
async def test_an_event_becomes_its_command(name: str, command: str) -> None:
    ingress = Ingress()
    ingress.put("payment-escrow", f"ACCT#{ACCOUNT}", {"contractId": f"ACCT#{ACCOUNT}", "contractorId": CONTRACTOR})
    row = {"id": DEPOSIT, "contractId": CONTRACT, "stripePaymentId": "pi_3MLescrow0000000001", "type": "deposit"}
    ingress.put("payment-transactions", DEPOSIT, row)
    body = raw(f"events_modern/{name}.json")
    async with ingress.http:
        answer = await ingress.stripe(body, connect="account" in json.loads(body))
    assert answer.json() == {"received": True, "result": "accepted"}
    assert [type(each.data).__name__ for each in ingress.commands] == [command]


# --- objects: as the adapter reads Stripe's answers ----------------------------------------------------------------

ANSWERS: Final = {
    "/v1/payment_intents": "payment_intent",
    "/v1/payment_intents/pi_1": "payment_intent",
    "/v1/payment_intents/pi_1/cancel": "payment_intent",
    "/v1/transfers": "transfer",
    "/v1/transfers/tr_1": "transfer",
    "/v1/transfers/tr_1/reversals": "transfer_reversal",
    "/v1/refunds": "refund",
    "/v1/accounts": "account",
    "/v1/accounts/acct_1": "account",
}
"""What is answered, whatever the method."""


@pytest.fixture
async def address() -> AsyncIterator[str]:
    """A Stripe that knows nothing but its fixtures, byte for byte."""

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/v1/events":
            body = b'{"object": "list", "has_more": false, "url": "/v1/events", "data": [' + raw("openapi_fixtures/event.json") + b"]}"
        else:
            body = raw(f"openapi_fixtures/{ANSWERS[request.path]}.json")
        return web.Response(body=body, content_type="application/json", headers={"Date": DATE})

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


INTENT: Final = Intent("pi_1PgafyB7WZ01zgkWSjxsAJo3", IntentStatus.OPEN, 1_099, 0, "USD", None, None, AS_OF)
TRANSFER: Final = Transfer("tr_1Pgc7BB7WZ01zgkWVJfE40RX", 1_100, "USD", "acct_1PgafTB7WZ01zgkW", 0)
REFUND: Final = Refund("re_1Pgc72B7WZ01zgkWqPvrRrPE", 100, "USD", RefundStatus.SUCCEEDED, None, AS_OF)
DUE: Final = ("business_profile.product_description", "business_profile.support_phone", "business_profile.url")
STILL_DUE: Final = (*DUE, "external_account", "tos_acceptance.date", "tos_acceptance.ip")
PAYEE: Final = Account("acct_1PgafTB7WZ01zgkW", True, False, STILL_DUE, "requirements.past_due", AS_OF)
READ: Final[Mapping[str, tuple[Callable[[StripePayments], Awaitable[object]], object]]] = {
    "payment_intent": (lambda port: port.create_intent(intent_request()), INTENT),
    "payment_intent, got": (lambda port: port.get_intent("pi_1"), INTENT),
    "payment_intent, cancelled": (lambda port: port.cancel_intent("pi_1", key("cancel")), INTENT),
    "transfer": (lambda port: port.create_transfer(transfer_request("acct_1")), TRANSFER),
    # It names its transfer by id alone, so that one is got.
    "transfer_reversal": (lambda port: port.reverse_transfer(reversal_request("tr_1")), TRANSFER),
    "refund": (lambda port: port.create_refund(refund_request("pi_1")), REFUND),
    "account": (lambda port: port.create_account(account_request()), PAYEE),
    "account, got": (lambda port: port.get_account("acct_1"), PAYEE),
}


@pytest.mark.parametrize(("ask", "expected"), READ.values(), ids=READ)
async def test_an_object_is_read(address: str, ask: Callable[[StripePayments], Awaitable[object]], expected: object) -> None:
    async with StripePayments("sk_test_1", SEALER, api_base=address) as port:
        assert await ask(port) == expected


async def test_a_listed_event_is_handed_on_as_it_came(address: str) -> None:
    async with StripeEvents("sk_test_1", HandClock(), STRIPE_TEST, api_base=address) as events:
        page = await events.oldest(Stretch(None, 1, 2))
        assert (page.events, page.more) == ([fixture("event")], False)
    assert translate(parse_event(page.events[0])) == Untranslated("ignored")


# --- objects: as an event tells of them ----------------------------------------------------------------------------

TOLD: Final[Mapping[str, tuple[str, str, Mapping[str, str], Mapping[str, Any]]]] = {
    "payment_intent": (
        "payment_intent.created",
        "RecordDepositPrepared",
        {"contractId": CONTRACT, "transactionId": DEPOSIT},
        {"paymentIntentId": INTENT.id},
    ),
    "charge": (
        "charge.refunded",
        "RecordChargeRefunded",
        {"contractId": CONTRACT, "depositId": DEPOSIT},
        {"chargeId": "ch_1PgafuB7WZ01zgkWXYmPNZs8", "amountRefunded": 0},
    ),
    "dispute": (
        "charge.dispute.created",
        "RecordDispute",
        {"contractId": CONTRACT, "depositId": DEPOSIT},
        {"disputeId": "dp_1Pgc71B7WZ01zgkWMevJiAUx", "status": "warning_needs_response", "moved": 0, "movements": 0, "fee": 0},
    ),
    "refund": (
        "refund.created",
        "RecordRefund",
        {"contractId": CONTRACT, "depositId": DEPOSIT},
        {"refundId": REFUND.id, "amount": 100, "currency": "USD", "status": "succeeded"},
    ),
    "transfer": (
        "transfer.created",
        "RecordTransferCreated",
        {"contractId": CONTRACT, "transactionId": DEPOSIT},
        {"transferId": TRANSFER.id, "amount": 1_100, "currency": "USD", "destination": TRANSFER.destination},
    ),
    "payout": (
        "payout.updated",
        "RecordPayout",
        {"contractorId": CONTRACTOR},
        {"payoutId": "po_1Pgc79B7WZ01zgkWu1KToYf4", "status": "in_transit", "automatic": True, "arrivalDate": "2009-02-13"},
    ),
    "account": (
        "account.updated",
        "RecordPayeeAccountStatus",
        {"contractorId": CONTRACTOR},
        {"stripeAccountId": PAYEE.id, "transfersActive": True, "payoutsEnabled": False, "requirementsDue": [*STILL_DUE]},
    ),
}


def event(kind: str, subject: Mapping[str, Any]) -> Translation | Untranslated:
    wire = {"object": "event", "id": "evt_1", "type": kind, "created": 1_795_300_000, "account": ACCOUNT, "data": {"object": subject}}
    return translate(parse_event(wire))


def command(translation: Translation | Untranslated, keyed: Mapping[str, str]) -> CommandData:
    assert isinstance(translation, Translation)
    return command_data(command_model(f"mindlinks.payment.{translation.command}.v1"), {**translation.data, **keyed})


@pytest.mark.parametrize(("name", "told"), TOLD.items(), ids=TOLD)
def test_an_event_tells_of_an_object(name: str, told: tuple[str, str, Mapping[str, str], Mapping[str, Any]]) -> None:
    kind, named, keyed, expected = told
    made = command(event(kind, fixture(name)), keyed)
    assert type(made).__name__ == named
    item = made.to_item()
    assert {field: item[field] for field in expected} == expected


def test_movements_of_a_dispute_are_balance_transactions() -> None:
    moved = fixture("dispute") | {"balance_transactions": [fixture("balance_transaction")] * 2}
    item = command(event("charge.dispute.updated", moved), {"contractId": CONTRACT, "depositId": DEPOSIT}).to_item()
    assert (item["moved"], item["movedCurrency"], item["movements"], item["fee"]) == (200, "USD", 2, 0)


EXPANDED: Final = {"customer": "customer", "payment_method": "payment_method", "latest_charge": "charge"}
"""By field: fixtures that Stripe puts in the place of an id, where an endpoint or a caller asks for it."""


def test_expanded_references_change_nothing() -> None:
    expanded = fixture("payment_intent") | {"amount_received": 1_099} | {field: fixture(name) for field, name in EXPANDED.items()}
    item = command(event("payment_intent.succeeded", expanded), {"contractId": CONTRACT, "transactionId": DEPOSIT}).to_item()
    assert (item["paymentIntentId"], item["chargeId"]) == (INTENT.id, "ch_1PgafuB7WZ01zgkWXYmPNZs8")


UNHEARD: Final = {
    "customer": "customer.updated",
    "payment_method": "payment_method.attached",
    "webhook_endpoint": "webhook_endpoint.updated",
}


@pytest.mark.parametrize(("name", "kind"), UNHEARD.items(), ids=UNHEARD)
def test_objects_that_say_nothing_to_us(name: str, kind: str) -> None:
    assert event(kind, fixture(name)) == Untranslated("ignored")
    with pytest.raises(Problem, match="not_an_event"):
        parse_event(fixture(name))


# --- signatures ----------------------------------------------------------------------------------------------------

VECTORS: Final[Mapping[str, Any]] = json.loads(raw("signature_vectors.json"))


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: vector["name"])
def test_we_judge_signatures_as_stripes_library_does_but_for_the_future(vector: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    body = raw(VECTORS["body_file"].removeprefix("stripe/"))
    assert _holds(lambda: verify(body, vector["header"], [vector["secret"]], vector["now"]), Problem) is vector["valid"]
    monkeypatch.setattr("stripe._webhook.time.time", lambda: float(vector["now"]))
    library = _holds(
        lambda: stripe.WebhookSignature.verify_header(body.decode(), vector["header"], vector["secret"], 300),
        stripe.SignatureVerificationError,
    )
    assert library is vector.get("valid_by_stripe_library", vector["valid"])


def _holds(check: Callable[[], object], refusal: type[Exception]) -> bool:
    try:
        check()
    except refusal:
        return False
    return True


# --- the exam of this file -----------------------------------------------------------------------------------------


def test_every_file_is_used() -> None:
    files = {str(path.relative_to(PAYLOADS)) for path in PAYLOADS.rglob("*") if path.is_file()}
    objects = {*ANSWERS.values(), *TOLD, *EXPANDED.values(), *UNHEARD, "event", "balance_transaction"}
    used = {f"events_modern/{name}.json" for name in STORY} | {f"openapi_fixtures/{name}.json" for name in objects}
    assert files == used | {"signature_vectors.json"}
    assert {name.split(",")[0] for name in READ} == set(ANSWERS.values())
