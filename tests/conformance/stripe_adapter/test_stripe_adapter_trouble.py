"""The Stripe adapter when something is wrong: what it says of faults, refusals and lost answers."""

from socket import socket

import pytest

from tests.conformance.stripe_adapter.steps import (
    BANK,
    CONTRACT,
    CREATE_INTENT,
    DAY,
    DEPOSIT,
    RELEASE,
    SEALER,
    funded,
    intent,
    intent_request,
    payee,
    transfer_request,
)
from workers.adapters.stripe import StripePayments
from workers.ops.fakes.stripe import Fault, ManualClock, StripeFake
from workers.services.payment.ports import (
    Defect,
    Intent,
    Lost,
    Problem,
    Refusal,
    Transfer,
    Unavailable,
)


@pytest.mark.parametrize(
    ("fault", "kind", "reason"),
    [
        (Fault.RATE_LIMITED, Unavailable, "429 rate_limit"),
        (Fault.SERVER_ERROR, Lost, "500 api_error"),
        (Fault.SERVER_ERROR_AFTER, Lost, "500 api_error"),
        (Fault.TIMEOUT_AFTER, Lost, "no answer RemoteProtocolError"),
        (Fault.REFUSED, Lost, "no answer RemoteProtocolError"),
    ],
)
async def test_what_a_fault_looks_like(port: StripePayments, fake: StripeFake, fault: Fault, kind: type[Problem], reason: str) -> None:
    fake.faults.plan(CREATE_INTENT, fault)
    problem = await port.create_intent(intent_request())
    assert isinstance(problem, kind)
    assert isinstance(problem, Unavailable | Lost)
    assert problem.reason.startswith(f"{reason} (request ")
    assert fake.calls[CREATE_INTENT] == 1


async def test_a_stored_error_is_recognised_by_its_replay(port: StripePayments, fake: StripeFake) -> None:
    fake.faults.plan(CREATE_INTENT, Fault.SERVER_ERROR_AFTER)
    first, second = await port.create_intent(intent_request()), await port.create_intent(intent_request())
    assert isinstance(first, Lost)
    assert isinstance(second, Lost)
    assert (first.replayed, second.replayed) == (False, True)
    found = await port.find_intent(DEPOSIT)
    assert isinstance(found, Intent)
    assert fake.created["payment_intent"] == 1


async def test_a_repeat_after_a_lost_answer_finds_the_same_object(port: StripePayments, fake: StripeFake) -> None:
    fake.faults.plan(CREATE_INTENT, Fault.TIMEOUT_AFTER)
    assert isinstance(await port.create_intent(intent_request()), Lost)
    await intent(port)
    assert fake.created["payment_intent"] == 1


async def test_a_slow_call_is_lost_when_its_time_is_over(fake: StripeFake) -> None:
    fake.faults.plan(CREATE_INTENT, Fault.SLOW)
    async with StripePayments("sk_test_1", SEALER, api_base=fake.url, timeout=0.2) as hasty:
        problem = await hasty.create_intent(intent_request())
    assert problem == Lost("no answer ReadTimeout (request unknown)")


async def test_a_key_in_use_waits(fake: StripeFake, port: StripePayments) -> None:
    fake.faults.plan(CREATE_INTENT, Fault.SLOW)
    async with StripePayments("sk_test_1", SEALER, api_base=fake.url, timeout=0.2) as hasty:
        await hasty.create_intent(intent_request())
    problem = await port.create_intent(intent_request())
    assert isinstance(problem, Unavailable)
    assert problem.reason.startswith("409 idempotency_key_in_use")


async def test_the_same_key_for_another_request_is_a_defect(port: StripePayments) -> None:
    await intent(port)
    problem = await port.create_intent(intent_request(99_000))
    assert isinstance(problem, Defect)


async def test_a_refusal_names_stripes_code(port: StripePayments) -> None:
    refused = await port.create_intent(intent_request(1))
    assert isinstance(refused, Refusal)
    assert (refused.status, refused.code) == (400, "amount_too_small")
    assert refused.message


async def test_nobody_listening_is_no_lost_call() -> None:
    with socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
        async with StripePayments("sk_test_1", SEALER, api_base=address) as away:
            assert await away.create_intent(intent_request()) == Unavailable("not reached: ConnectError")


async def test_a_key_that_stripe_does_not_know_stops_nothing_for_good(fake: StripeFake) -> None:
    async with StripePayments("sk_live_1", SEALER, api_base=fake.url) as stranger:
        problem = await stranger.create_intent(intent_request())
    assert isinstance(problem, Unavailable)
    assert problem.reason.startswith("401")


@pytest.mark.parametrize("fault", [Fault.SERVER_ERROR, Fault.TIMEOUT_AFTER, Fault.RATE_LIMITED])
async def test_look_ups_and_reads_are_simply_repeated(port: StripePayments, fake: StripeFake, fault: Fault) -> None:
    fake.faults.plan("*", fault, times=5)
    answers = [
        await port.find_intent(DEPOSIT),
        await port.find_transfer(CONTRACT, RELEASE),
        await port.find_bank("acct_1", BANK),
        await port.get_intent("pi_1"),
        await port.get_account("acct_1"),
    ]
    assert {type(answer) for answer in answers} == {Unavailable}


async def test_a_refused_look_up_is_no_verdict(port: StripePayments) -> None:
    assert isinstance(await port.find_bank("acct_absent", BANK), Defect)


async def test_past_a_keys_lifetime_the_look_up_finds_what_the_key_would_make_twice(
    port: StripePayments, fake: StripeFake, clock: ManualClock
) -> None:
    account, charge = await payee(port, fake), await funded(port, fake)
    made = await port.create_transfer(transfer_request(account, 1_000, charge=charge))
    clock.advance(2 * DAY)
    assert await port.find_transfer(CONTRACT, RELEASE) == made
    twice = await port.create_transfer(transfer_request(account, 1_000, charge=charge))
    assert isinstance(twice, Transfer)
    assert fake.created["transfer"] == 2
