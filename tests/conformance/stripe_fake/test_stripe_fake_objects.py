"""What the objects do, seen through the real SDK. Sources: docs.stripe.com/api and docs.stripe.com/error-codes."""

import json
from typing import cast

import aiohttp
import pytest
import stripe
import stripe.params

from tests.support.stripe_fake import DAY, METADATA, Inbox, add_bank, calling, deposit, funded_payee, payee, transfer
from workers.ops.fakes.stripe import FakeSettings, ManualClock, StripeFake, Terms
from workers.ops.fakes.stripe.server import API_VERSION
from workers.ops.fakes.stripe.wire import accepted_parameters

# stripe 16.1 hands httpx its form as text through `data`, which httpx calls deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


async def test_payment_intent_from_creation_to_success(fake: StripeFake, client: stripe.StripeClient, inbox: Inbox) -> None:
    intent = await deposit(client)
    assert (intent.status, intent.livemode, intent.id[:3]) == ("requires_payment_method", False, "pi_")
    fake.controls.start_processing(intent.id)
    assert (await client.v1.payment_intents.retrieve_async(intent.id)).status == "processing"
    fake.controls.confirm(intent.id)
    done = await client.v1.payment_intents.retrieve_async(intent.id, {"expand": ["latest_charge"]})
    assert (done.status, done.amount_received) == ("succeeded", 150_000)
    charge = cast(stripe.Charge, done.latest_charge)
    assert (charge.payment_intent, charge.transfer_group) == (intent.id, "contract_c-1")
    assert charge.metadata.to_dict() == METADATA
    await fake.deliver_all()
    shown = [kind for kind in inbox.types("/stripe") if kind.startswith("payment_intent")]
    assert shown == ["payment_intent.created", "payment_intent.processing", "payment_intent.succeeded"]


async def test_declined_intent_may_still_succeed(fake: StripeFake, client: stripe.StripeClient) -> None:
    intent = await deposit(client)
    fake.controls.decline(intent.id, "insufficient_funds")
    declined = await client.v1.payment_intents.retrieve_async(intent.id)
    assert declined.status == "requires_payment_method"
    assert declined.last_payment_error is not None
    assert (declined.last_payment_error.code, declined.last_payment_error.decline_code) == ("card_declined", "insufficient_funds")
    fake.controls.confirm(intent.id)
    assert (await client.v1.payment_intents.retrieve_async(intent.id)).status == "succeeded"


async def test_cancel_is_refused_once_money_is_under_way(fake: StripeFake, client: stripe.StripeClient) -> None:
    first, second = await deposit(client), await deposit(client, key="key-2")
    canceled = await client.v1.payment_intents.cancel_async(first.id, {"cancellation_reason": "abandoned"})
    assert (canceled.status, canceled.cancellation_reason) == ("canceled", "abandoned")
    fake.controls.start_processing(second.id)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await client.v1.payment_intents.cancel_async(second.id)
    assert refused.value.code == "payment_intent_unexpected_state"


async def test_search_by_metadata_finds_after_its_lag(clock: ManualClock) -> None:
    query = "metadata['transactionId']:'t-1' AND metadata[\"environment\"]:\"test\""
    async with StripeFake(FakeSettings(terms=Terms(search_lag_seconds=60)), clock=clock) as fake, calling(fake.url) as client:
        intent = await deposit(client)
        assert (await client.v1.payment_intents.search_async({"query": query})).data == []
        clock.advance(60)
        found = await client.v1.payment_intents.search_async({"query": query})
        assert [one.id for one in found.data] == [intent.id]
        assert (await client.v1.payment_intents.search_async({"query": "metadata['transactionId']:'t-2'"})).data == []


async def test_lists_page_through_everything_newest_first(fake: StripeFake, client: stripe.StripeClient) -> None:
    made = [(await deposit(client, key=f"key-{number}")).id for number in range(7)]
    first = await client.v1.payment_intents.list_async({"limit": 3})
    assert first.has_more
    assert [intent.id async for intent in first.auto_paging_iter()] == made[::-1]


async def test_transfer_waits_for_the_account_and_for_the_funds(clock: ManualClock) -> None:
    async with StripeFake(FakeSettings(terms=Terms(settle_seconds=2 * DAY)), clock=clock) as fake, calling(fake.url) as client:
        account = (await client.v1.accounts.create_async({"country": "US"})).id
        intent = await deposit(client)
        fake.controls.confirm(intent.id)
        with pytest.raises(stripe.InvalidRequestError) as unready:
            await transfer(client, account, key="a")
        fake.controls.enable_account(account)
        with pytest.raises(stripe.InvalidRequestError) as uncovered:
            await transfer(client, account, key="b")
        assert (unready.value.code, uncovered.value.code) == ("insufficient_capabilities_for_transfer", "balance_insufficient")
        charge = cast(str, (await client.v1.payment_intents.retrieve_async(intent.id)).latest_charge)
        assert (await transfer(client, account, key="c", source=charge)).source_transaction == charge
        with pytest.raises(stripe.InvalidRequestError, match="must not exceed"):
            await transfer(client, account, key="d", source=charge)
        fake.controls.confirm((await deposit(client, key="deposit-2")).id)
        clock.advance(2 * DAY)
        await transfer(client, account, key="e")
        in_group = await client.v1.transfers.list_async({"transfer_group": "contract_c-1"})
        assert [one.metadata.to_dict()["environment"] for one in in_group.data] == ["test", "test"]


async def test_account_is_created_once_and_enabled_by_onboarding(fake: StripeFake, client: stripe.StripeClient, inbox: Inbox) -> None:
    account = await payee(client, fake)
    await payee(client, fake)
    shown = await client.v1.accounts.retrieve_async(account)
    assert (shown.payouts_enabled, shown.to_dict()["capabilities"]) == (True, {"transfers": "active"})
    assert fake.created["account"] == 1
    await fake.deliver_all()
    assert inbox.types("/stripe") == []
    _, body, _ = inbox.received[-1]
    event = json.loads(body)
    assert (event["type"], event["account"], event["data"]["object"]["id"]) == ("account.updated", account, account)


async def test_unknown_and_deauthorized_accounts_are_forbidden(fake: StripeFake, client: stripe.StripeClient) -> None:
    account = await payee(client, fake)
    fake.controls.deauthorize_account(account)
    for unreachable in (account, "acct_unknown"):
        with pytest.raises(stripe.PermissionError) as refused:
            await client.v1.accounts.retrieve_async(unreachable)
        assert refused.value.http_status == 403


async def test_external_accounts_create_default_list_delete(fake: StripeFake, client: stripe.StripeClient) -> None:
    account = await payee(client, fake)
    banks = client.v1.accounts.external_accounts
    second = await add_bank(client, account, "000111222333")
    (first,) = (one for one in (await banks.list_async(account)).data if one.id != second.id)
    assert (second.last4, second.default_for_currency, second.to_dict()["metadata"]) == ("2333", False, {"bankDetailsId": "bank-2333"})
    with pytest.raises(stripe.InvalidRequestError, match="cannot delete the default"):
        await banks.delete_async(account, first.id)
    await banks.update_async(account, second.id, {"default_for_currency": True})
    assert (await banks.delete_async(account, first.id)).deleted is True
    left = (await client.v1.accounts.retrieve_async(account)).to_dict()["external_accounts"]["data"]
    assert [(bank["id"], bank["default_for_currency"]) for bank in left] == [(second.id, True)]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await add_bank(client, account, "12")
    assert refused.value.code == "account_number_invalid"


async def test_payout_fails_after_it_was_paid_and_the_money_is_back(fake: StripeFake, client: stripe.StripeClient, inbox: Inbox) -> None:
    account = await funded_payee(client, fake)
    payout = fake.controls.pay_out(account)
    fake.controls.fail_payout(payout.id, "account_closed")
    await fake.deliver_all()
    sent = [json.loads(body) for path, body, _ in inbox.received if path == "/stripe-connect"]
    payouts = [event for event in sent if event["type"].startswith("payout")]
    assert [event["type"] for event in payouts] == ["payout.created", "payout.updated", "payout.paid", "payout.failed"]
    assert [event["data"]["object"]["status"] for event in payouts] == ["pending", "in_transit", "paid", "failed"]
    assert {event["account"] for event in payouts} == {account}
    assert payouts[-1]["data"]["previous_attributes"]["status"] == "paid"
    shown = await client.v1.payouts.retrieve_async(payout.id, {}, {"stripe_account": account})
    assert (shown.status, shown.failure_code, shown.automatic) == ("failed", "account_closed", True)
    balance = await client.v1.balance.retrieve_async({}, {"stripe_account": account})
    assert [(one.amount, one.currency) for one in balance.available] == [(120_000, "usd")]


async def test_automatic_payouts_follow_the_clock_and_avoid_a_bank_that_bounced(clock: ManualClock) -> None:
    terms = Terms(automatic_payouts=True, payout_seconds=2 * DAY)
    async with StripeFake(FakeSettings(terms=terms), clock=clock) as fake, calling(fake.url) as client:
        account = await funded_payee(client, fake)
        statuses = []
        for advance in (0, 0, 2 * DAY):
            clock.advance(advance)
            fake.controls.run_payout_schedule()
            statuses.append([one.status for one in (await client.v1.payouts.list_async({}, {"stripe_account": account})).data])
        assert statuses == [["pending"], ["in_transit"], ["paid"]]
        (paid,) = (await client.v1.payouts.list_async({}, {"stripe_account": account})).data
        fake.controls.fail_payout(paid.id)
        assert fake.controls.run_payout_schedule() == 0
        replacement = await add_bank(client, account, "000999888777")
        await client.v1.accounts.external_accounts.update_async(account, replacement.id, {"default_for_currency": True})
        assert fake.controls.run_payout_schedule() == 1


async def test_ids_and_events_follow_from_the_seed(clock: ManualClock) -> None:
    runs = []
    for seed in (7, 7, 8):
        async with StripeFake(FakeSettings(seed=seed), clock=clock) as fake, calling(fake.url) as client:
            runs.append([(await deposit(client)).id, *(event.id for event in fake.state.events)])
    assert runs[0] == runs[1] != runs[2]


async def raw_intent(fake: StripeFake, **form: str) -> tuple[aiohttp.ClientResponse, dict[str, dict[str, str]]]:
    async with (
        aiohttp.ClientSession(headers={"Authorization": "Bearer sk_test_1"}) as session,
        session.post(f"{fake.url}/v1/payment_intents", data=form) as answer,
    ):
        return answer, await answer.json()


async def test_errors_have_stripes_form(fake: StripeFake, client: stripe.StripeClient) -> None:
    answer, body = await raw_intent(fake, amount="x", currency="usd")
    assert answer.headers["Request-Id"].startswith("req_")
    assert answer.headers["Stripe-Version"] == API_VERSION
    assert body["error"] == {
        "code": "parameter_invalid_integer",
        "doc_url": "https://stripe.com/docs/error-codes/parameter-invalid-integer",
        "message": "Invalid integer: x",
        "param": "amount",
        "type": "invalid_request_error",
    }
    with pytest.raises(stripe.InvalidRequestError) as missing:
        await client.v1.payment_intents.retrieve_async("pi_none")
    assert (missing.value.http_status, missing.value.code) == (404, "resource_missing")


@pytest.mark.parametrize("key", ["sk_live_real", "pk_test_public"])
async def test_keys_that_are_not_secret_test_keys_are_refused(fake: StripeFake, key: str) -> None:
    async with calling(fake.url, key=key) as client:
        with pytest.raises(stripe.AuthenticationError):
            await deposit(client)


def test_parameters_are_those_of_the_sdk() -> None:
    options = set(stripe.RequestOptions.__annotations__)
    known = {
        "POST /v1/payment_intents": stripe.params.PaymentIntentCreateParams,
        "POST /v1/transfers": stripe.params.TransferCreateParams,
        "POST /v1/accounts": stripe.params.AccountCreateParams,
        "POST /v1/payouts": stripe.params.PayoutCreateParams,
        "GET /v1/events": stripe.params.EventListParams,
        "POST /v1/refunds": stripe.params.RefundCreateParams,
        "POST /v1/transfers/{id}/reversals": stripe.params.TransferReversalCreateParams,
    }
    for route, declared in known.items():
        assert accepted_parameters(route) == set(declared.__annotations__) - options, route


async def test_unknown_parameters_are_refused(fake: StripeFake) -> None:
    answer, body = await raw_intent(fake, amount="100", currency="usd", ammount="1")
    assert (answer.status, body["error"]["code"]) == (400, "parameter_unknown")
