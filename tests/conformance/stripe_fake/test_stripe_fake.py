"""Idempotency keys and faults on calls, seen through the real SDK. Source: docs.stripe.com/api/idempotent_requests."""

import asyncio
from typing import cast

import pytest
import stripe

from tests.support.stripe_fake import DAY, calling, deposit, funded_payee, payee, transfer
from workers.ops.fakes.stripe import Fault, ManualClock, StripeFake

# stripe 16.1 hands httpx its form as text through `data`, which httpx calls deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


async def test_same_key_and_parameters_replay_the_first_answer(fake: StripeFake, client: stripe.StripeClient) -> None:
    first, second = await deposit(client), await deposit(client)
    assert first.id == second.id
    assert second.last_response is not None
    headers = cast(dict[str, str], second.last_response.headers)
    assert headers["idempotent-replayed"] == "true"
    assert headers["request-id"] != headers["original-request"]
    assert (fake.created["payment_intent"], fake.calls["POST /v1/payment_intents"]) == (1, 2)


async def test_concurrent_calls_without_trouble_create_one_object(fake: StripeFake, client: stripe.StripeClient) -> None:
    intents = await asyncio.gather(*(deposit(client) for _ in range(10)))
    assert len({intent.id for intent in intents}) == 1
    assert fake.created["payment_intent"] == 1


async def test_same_key_with_other_parameters_or_path_is_an_idempotency_error(fake: StripeFake, client: stripe.StripeClient) -> None:
    intent = await deposit(client)
    with pytest.raises(stripe.IdempotencyError) as refused:
        await deposit(client, amount=150_001)
    assert refused.value.http_status == 400
    with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
        await client.v1.payment_intents.cancel_async(intent.id, {}, {"idempotency_key": "key-1"})
    assert fake.created["payment_intent"] == 1


async def test_key_is_free_again_after_24_hours(fake: StripeFake, client: stripe.StripeClient, clock: ManualClock) -> None:
    first = await deposit(client)
    clock.advance(DAY - 1)
    assert (await deposit(client)).id == first.id
    clock.advance(1)
    assert (await deposit(client)).id != first.id
    assert fake.created["payment_intent"] == 2


async def test_key_in_use_is_a_conflict_that_is_not_stored(fake: StripeFake, client: stripe.StripeClient) -> None:
    fake.faults.plan("POST /v1/payment_intents", Fault.SLOW)
    async with asyncio.timeout(10):
        slow = asyncio.create_task(deposit(client))
        await fake.faults.until_held()
        with pytest.raises(stripe.StripeError) as refused:
            await deposit(client)
        # The SDK leaves `code` of a 409 empty and has it in `error` only.
        assert refused.value.error is not None
        assert (refused.value.http_status, refused.value.error.code) == (409, "idempotency_key_in_use")
        fake.faults.release()
        assert (await slow).id == (await deposit(client)).id
    assert fake.created["payment_intent"] == 1


async def test_validation_failures_are_not_stored(fake: StripeFake, client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await deposit(client, amount=1)
    assert (refused.value.code, refused.value.param) == ("amount_too_small", "amount")
    assert (await deposit(client)).amount == 150_000
    assert fake.created["payment_intent"] == 1


async def test_business_refusals_are_stored(fake: StripeFake, client: stripe.StripeClient) -> None:
    account = await payee(client, fake)
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await transfer(client, account)
        assert refused.value.code == "balance_insufficient"
        # The money comes in between, and yet the same key gets the old answer; a new attempt needs a new key.
        fake.controls.confirm((await deposit(client, key=f"deposit-{fake.created['payment_intent']}")).id)
    assert (await transfer(client, account, key="transfer-2")).amount == 120_000
    assert fake.created["transfer"] == 1


async def test_keys_of_connected_accounts_are_their_own(fake: StripeFake, client: stripe.StripeClient) -> None:
    account = await funded_payee(client, fake)
    options: stripe.RequestOptions = {"idempotency_key": "transfer-1", "stripe_account": account}
    payout = await client.v1.payouts.create_async({"amount": 100, "currency": "usd"}, options)
    assert payout.object == "payout"


# Faults on calls


async def test_timeout_after_the_effect_and_a_retry_make_one_object(fake: StripeFake, client: stripe.StripeClient) -> None:
    fake.faults.plan("POST /v1/payment_intents", Fault.TIMEOUT_AFTER)
    with pytest.raises(stripe.APIConnectionError):
        await deposit(client)
    assert fake.created["payment_intent"] == 1
    retried = await deposit(client)
    assert retried.id in [intent.id for intent in (await client.v1.payment_intents.list_async()).data]
    assert fake.created["payment_intent"] == 1


async def test_the_sdk_itself_retries_a_timeout_under_one_key(fake: StripeFake) -> None:
    fake.faults.plan("POST /v1/payment_intents", Fault.TIMEOUT_AFTER, times=2)
    async with calling(fake.url, retries=2) as client:
        await deposit(client)
    assert (fake.created["payment_intent"], fake.calls["POST /v1/payment_intents"]) == (1, 3)


async def test_refused_before_the_effect_leaves_nothing(fake: StripeFake, client: stripe.StripeClient) -> None:
    fake.faults.plan("POST /v1/payment_intents", Fault.REFUSED)
    with pytest.raises(stripe.APIConnectionError):
        await deposit(client)
    assert fake.created["payment_intent"] == 0
    await deposit(client, amount=200_000)
    assert fake.created["payment_intent"] == 1


async def test_rate_limit_is_not_stored(fake: StripeFake, client: stripe.StripeClient) -> None:
    fake.faults.plan("POST /v1/payment_intents", Fault.RATE_LIMITED)
    with pytest.raises(stripe.RateLimitError):
        await deposit(client)
    await deposit(client)
    assert fake.created["payment_intent"] == 1


@pytest.mark.parametrize(("fault", "created"), [(Fault.SERVER_ERROR, 0), (Fault.SERVER_ERROR_AFTER, 1)])
async def test_500_is_stored_and_replayed(fake: StripeFake, client: stripe.StripeClient, fault: Fault, created: int) -> None:
    fake.faults.plan("POST /v1/payment_intents", fault)
    replayed = []
    for _ in range(2):
        with pytest.raises(stripe.APIError) as failed:
            await deposit(client)
        assert failed.value.http_status == 500
        replayed.append("idempotent-replayed" in cast(dict[str, str], failed.value.headers))
    assert replayed == [False, True]
    assert fake.created["payment_intent"] == created


async def test_faults_strike_their_route_only_and_an_unknown_route_is_refused(fake: StripeFake, client: stripe.StripeClient) -> None:
    fake.faults.plan("POST /v1/transfers", Fault.SERVER_ERROR)
    await deposit(client)
    with pytest.raises(ValueError, match="no route"):
        fake.faults.plan("POST /v1/transfer", Fault.SERVER_ERROR)
