"""Every call of the adapter, against Stripe's own description of its API: stripe-mock refuses a parameter it does not know or that is of
another type, and its answers are Stripe's fixtures."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from inspect import isfunction
from typing import Any

import pytest
import stripe

from contracts.clear import Clear
from contracts.payment.values import DepositMethod, RefundStatus
from tests.conformance.stripe_adapter.steps import (
    BANK,
    CONTRACT,
    DEPOSIT,
    RELEASE,
    SEALER,
    account_request,
    bank_request,
    intent_request,
    key,
    parties,
    transfer_request,
)
from tests.conformance.stripe_adapter.test_stripe_adapter_returns import REVERSAL, WISH, refund_request, reversal_request
from tests.support.keys import HandClock
from tests.support.stripe_fake import calling
from tests.support.stripe_mock import NoStripeMock, running
from workers.adapters.provider_limits import STRIPE_TEST
from workers.adapters.stripe import StripePayments
from workers.adapters.stripe_events import Stretch, StripeEvents
from workers.services.payment.ports import (
    Account,
    Bank,
    BankRequest,
    Intent,
    IntentRequest,
    PaymentProvider,
    Refund,
    Transfer,
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """One for all: it keeps no state."""
    try:
        with running() as address:
            yield address
    except NoStripeMock as missing:
        pytest.skip(f"no stripe-mock here: {missing}")


@pytest.fixture
async def port(url: str) -> AsyncIterator[StripePayments]:
    async with StripePayments("sk_test_1", SEALER, api_base=url) as ready:
        yield ready


def debit(currency: str) -> IntentRequest:
    return IntentRequest(key(currency), 150_000, currency, DepositMethod.BANK_DEBIT, parties(DEPOSIT))


def unrouted(account: str) -> BankRequest:
    return BankRequest(key("iban"), account, BANK, Clear("DE89370400440532013000"), None, "EUR", "DE", "test")


Call = Callable[[StripePayments], Awaitable[object]]
CALLS: dict[str, list[tuple[Call, type | None]]] = {
    "create_intent": [
        (lambda port: port.create_intent(intent_request()), Intent),
        (lambda port: port.create_intent(debit("USD")), Intent),
        (lambda port: port.create_intent(debit("EUR")), Intent),
    ],
    "find_intent": [(lambda port: port.find_intent(DEPOSIT), Intent)],
    "get_intent": [(lambda port: port.get_intent("pi_1"), Intent)],
    "cancel_intent": [(lambda port: port.cancel_intent("pi_1", key("cancel")), Intent)],
    "create_transfer": [
        (lambda port: port.create_transfer(transfer_request("acct_1")), Transfer),
        (lambda port: port.create_transfer(transfer_request("acct_1", charge="ch_1")), Transfer),
    ],
    "find_transfer": [(lambda port: port.find_transfer(CONTRACT, RELEASE), None)],
    "create_refund": [(lambda port: port.create_refund(refund_request("pi_1")), Refund)],
    "find_refund": [(lambda port: port.find_refund("pi_1", WISH), None)],
    "reverse_transfer": [(lambda port: port.reverse_transfer(reversal_request("tr_1")), Transfer)],
    "find_reversal": [(lambda port: port.find_reversal("tr_1", REVERSAL), None)],
    "create_account": [(lambda port: port.create_account(account_request()), Account)],
    "get_account": [(lambda port: port.get_account("acct_1"), Account)],
    "attach_bank": [
        (lambda port: port.attach_bank(bank_request("acct_1")), Bank),
        (lambda port: port.attach_bank(unrouted("acct_1")), Bank),
    ],
    "find_bank": [(lambda port: port.find_bank("acct_1", BANK), None)],
    "make_default": [(lambda port: port.make_default("acct_1", "ba_1", key("default")), Bank)],
    "detach_bank": [(lambda port: port.detach_bank("acct_1", "ba_1", key("detach")), Bank)],
}
"""By method of the port. None: nothing of ours is in the mock's lists, but they were asked for and read."""
NO_CALL = {"open"}


def test_every_method_of_the_port_is_called() -> None:
    methods = {name for name, member in vars(PaymentProvider).items() if isfunction(member) and not name.startswith("_")}
    assert set(CALLS) == methods - NO_CALL


@pytest.mark.parametrize(("call", "kind"), [pytest.param(*each, id=name) for name, calls in CALLS.items() for each in calls])
async def test_stripe_takes_the_call_and_its_answer_is_read(port: StripePayments, call: Call, kind: type | None) -> None:
    answer = await call(port)
    assert answer is None if kind is None else isinstance(answer, kind), answer


async def test_what_was_sent_comes_back_read(port: StripePayments) -> None:
    """The mock reflects what is named alike in question and answer."""
    made = await port.create_transfer(transfer_request("acct_1"))
    assert isinstance(made, Transfer)
    assert (made.amount, made.currency, made.destination, made.amount_reversed) == (120_000, "USD", "acct_1", 0)
    refund = await port.create_refund(refund_request("pi_1"))
    assert isinstance(refund, Refund)
    assert (refund.amount, refund.currency, refund.status) == (30_000, "USD", RefundStatus.SUCCEEDED)
    intent = await port.create_intent(intent_request())
    assert isinstance(intent, Intent)
    assert (intent.amount, intent.currency, intent.amount_received) == (150_000, "USD", 0)


@pytest.mark.parametrize("account", [None, "acct_1"])
async def test_the_list_of_events_and_of_accounts(url: str, account: str | None) -> None:
    stretch = Stretch(account, 1, 2_000_000_000)
    async with StripeEvents("sk_test_1", HandClock(), STRIPE_TEST, api_base=url) as events:
        page = await events.oldest(stretch)
        assert [(each["object"], "type" in each, each.get("account")) for each in page.events] == [("event", True, account)]
        assert (await events.after(stretch, "evt_1")).events
        assert [each.id[:5] async for each in events.accounts()] == ["acct_"]


# --- that it would say no ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/v1/payment_intents", {"amount": 100, "currency": "usd", "ammount": 1}),
        ("/v1/payment_intents", {"currency": "usd"}),
        ("/v1/refunds", {"payment_intent": "pi_1", "reason": "because"}),
        ("/v1/accounts/acct_1/external_accounts", {"external_account": {"object": "bank_account", "account_number": "000123456789"}}),
        ("/v1/accounts/acct_1/external_accounts", {"external_account": {"account_number": "1", "country": "US", "iban": "1"}}),
    ],
)
async def test_it_refuses_what_stripe_does_not_describe(url: str, path: str, asked: dict[str, Any]) -> None:
    async with calling(url) as client:
        with pytest.raises(stripe.InvalidRequestError, match="validation error"):
            await client.raw_request_async("post", path, **asked)
