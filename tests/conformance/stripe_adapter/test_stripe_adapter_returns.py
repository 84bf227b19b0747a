"""Refunds and reversals: the adapter against the project's fake, and what the fake tells by webhooks."""

from collections.abc import Awaitable, Callable

import pytest

from contracts.ids import derived
from contracts.payment.commands import RecordRefund, RecordRefundRejected, RecordReversalFailed, RecordTransferReversed
from contracts.payment.events import RefundRequested, ReleaseReversalRequested
from contracts.payment.values import RefundReason, RefundStatus
from contracts.timestamps import from_seconds
from contracts.types import ClientId, Currency, EventId, TransactionId, UserId
from tests.conformance.stripe_adapter.steps import (
    CONTRACT,
    DAY,
    DEPOSIT,
    RELEASE,
    START,
    funded,
    intent,
    key,
    parties,
    payee,
    transfer_request,
)
from workers.adapters.stripe import StripePayments
from workers.engine.service import Call, Done, Event, Result
from workers.ops.fakes.stripe import Fault, ManualClock, NotPossible, StripeFake
from workers.services.payment.ports import Lost, Problem, Refund, RefundRequest, Refusal, ReversalRequest, Transfer
from workers.services.payment.return_effects import refund, reverse_transfer

WISH = TransactionId("66666666-6666-4666-8666-666666666666")
REVERSAL = "12121212-1212-4121-8121-121212121212"
CREATE, REVERSE = "POST /v1/refunds", "POST /v1/transfers/{id}/reversals"


def told(fake: StripeFake) -> list[str]:
    return [event.type for event in fake.state.events]


async def paid(port: StripePayments, fake: StripeFake) -> str:
    made = await intent(port)
    fake.controls.confirm(made.id)
    return made.id


def refund_request(of: str, amount: int = 30_000, name: str = "refund") -> RefundRequest:
    return RefundRequest(key(name), of, amount, RefundReason.REQUESTED_BY_CUSTOMER, DEPOSIT, parties(WISH))


async def refunded(port: StripePayments, of: str, amount: int = 30_000, name: str = "refund") -> Refund:
    answer = await port.create_refund(refund_request(of, amount, name))
    assert isinstance(answer, Refund)
    return answer


async def test_a_refund_is_made_once_per_key_and_found_by_its_transaction(port: StripePayments, fake: StripeFake) -> None:
    of = await paid(port, fake)
    assert await port.find_refund(of, WISH) is None
    first = await refunded(port, of)
    assert (first.amount, first.currency, first.status, first.failure_reason) == (30_000, "USD", RefundStatus.SUCCEEDED, None)
    assert await refunded(port, of) == first
    assert await port.find_refund(of, WISH) == first
    assert await port.find_refund(of, DEPOSIT) is None
    assert fake.created["refund"] == 1
    (event,) = [event for event in fake.state.events if event.type == "refund.created"]
    made = event.data["object"]
    assert isinstance(made, dict)
    assert made["metadata"] == {
        "contractId": CONTRACT,
        "transactionId": WISH,
        "depositId": DEPOSIT,
        "clientId": derived("company:1"),
        "contractorId": parties(WISH).contractor_id,
        "kind": "withdrawal",
        "environment": "test",
    }


@pytest.mark.parametrize("status", [RefundStatus.PENDING, RefundStatus.FAILED])
async def test_a_refunds_status(port: StripePayments, fake: StripeFake, status: RefundStatus) -> None:
    of = await paid(port, fake)
    made = await refunded(port, of, 150_000)
    if status is RefundStatus.FAILED:
        fake.controls.fail_refund(made.id)
        found = await port.find_refund(of, WISH)
        assert isinstance(found, Refund)
        assert (found.status, found.failure_reason) == (RefundStatus.FAILED, "expired_or_canceled_card")
    else:
        with pytest.raises(NotPossible, match="succeeded"):
            fake.controls.settle_refund(made.id)


async def test_a_refund_of_money_that_has_left_is_pending(port: StripePayments, fake: StripeFake) -> None:
    account, charge = await payee(port, fake), await funded(port, fake)
    await port.create_transfer(transfer_request(account, charge=charge))
    of = (await intent(port)).id
    made = await refunded(port, of, 50_000)
    assert made.status is RefundStatus.PENDING
    fake.controls.settle_refund(made.id)
    assert told(fake)[-2:] == ["refund.updated", "charge.refund.updated"]


async def refusal(port: StripePayments, of: str, amount: int) -> str:
    answer: Refund | Problem = await port.create_refund(refund_request(of, amount, f"refused-{amount}"))
    assert isinstance(answer, Refusal)
    assert answer.status == 400
    return answer.code


async def test_refunds_that_are_refused(port: StripePayments, fake: StripeFake) -> None:
    of = await paid(port, fake)
    assert await refusal(port, of, 150_001) == "invalid_request_error"
    fake.controls.refund(of)
    assert await refusal(port, of, 1) == "charge_already_refunded"


async def test_a_disputed_charge_is_not_refunded(port: StripePayments, fake: StripeFake) -> None:
    of = await paid(port, fake)
    dispute = fake.controls.dispute(of)
    assert await refusal(port, of, 2) == "charge_disputed"
    fake.controls.close_dispute(dispute.id, "won")
    assert (await refunded(port, of)).amount == 30_000


async def test_a_refund_that_was_made_without_an_answer_is_found(port: StripePayments, fake: StripeFake) -> None:
    of = await paid(port, fake)
    fake.faults.plan(CREATE, Fault.TIMEOUT_AFTER)
    assert isinstance(await port.create_refund(refund_request(of)), Lost)
    assert isinstance(await port.find_refund(of, WISH), Refund)
    assert await refunded(port, of) == await port.find_refund(of, WISH)
    assert fake.created["refund"] == 1


async def test_after_a_day_the_key_would_make_a_second_refund(port: StripePayments, fake: StripeFake, clock: ManualClock) -> None:
    """Why the effect looks first: the look-up is what stands between a late repeat and the client's second refund."""
    of = await paid(port, fake)
    first = await refunded(port, of)
    clock.advance(86_400 + 1)
    assert (await refunded(port, of)).id != first.id
    assert fake.created["refund"] == 2


# --- reversals -----------------------------------------------------------------------------------------------------


async def moved(port: StripePayments, fake: StripeFake) -> Transfer:
    account, charge = await payee(port, fake), await funded(port, fake)
    made = await port.create_transfer(transfer_request(account, charge=charge))
    assert isinstance(made, Transfer)
    return made


def reversal_request(transfer: str, amount: int = 50_000, name: str = "reversal") -> ReversalRequest:
    return ReversalRequest(key(name), transfer, REVERSAL, amount, parties(RELEASE))


async def test_a_reversal_answers_with_what_has_come_back_in_all(port: StripePayments, fake: StripeFake) -> None:
    transfer = await moved(port, fake)
    fake.controls.reverse(transfer.id, 20_000)
    assert await port.find_reversal(transfer.id, REVERSAL) is None
    answer = await port.reverse_transfer(reversal_request(transfer.id))
    assert isinstance(answer, Transfer)
    assert (answer.id, answer.amount, answer.amount_reversed) == (transfer.id, 120_000, 70_000)
    assert await port.reverse_transfer(reversal_request(transfer.id)) == answer
    assert await port.find_reversal(transfer.id, REVERSAL) == answer
    assert fake.created["transfer_reversal"] == 2
    assert told(fake).count("transfer.reversed") == 2


async def test_reversals_that_are_refused(port: StripePayments, fake: StripeFake) -> None:
    transfer = await moved(port, fake)
    too_much = await port.reverse_transfer(reversal_request(transfer.id, 120_001))
    assert isinstance(too_much, Refusal)
    assert too_much.code == "invalid_request_error"
    fake.controls.pay_out(transfer.destination)
    spent = await port.reverse_transfer(reversal_request(transfer.id, 1, "spent"))
    assert isinstance(spent, Refusal)
    assert (spent.status, spent.code) == (400, "balance_insufficient")


async def test_a_reversal_that_was_made_without_an_answer_is_found(port: StripePayments, fake: StripeFake) -> None:
    transfer = await moved(port, fake)
    fake.faults.plan(REVERSE, Fault.TIMEOUT_AFTER)
    assert isinstance(await port.reverse_transfer(reversal_request(transfer.id)), Lost)
    found = await port.find_reversal(transfer.id, REVERSAL)
    assert isinstance(found, Transfer)
    assert found.amount_reversed == 50_000


# --- disputes ------------------------------------------------------------------------------------------------------


async def test_the_story_of_a_dispute(port: StripePayments, fake: StripeFake) -> None:
    of = await paid(port, fake)
    dispute = fake.controls.dispute(of, inquiry=True)
    assert (dispute.status, dispute.transactions) == ("warning_needs_response", ())
    assert [movement["amount"] for movement in fake.controls.escalate_dispute(dispute.id).transactions] == [-150_000]
    won = fake.controls.close_dispute(dispute.id, "won")
    assert [movement["amount"] for movement in won.transactions] == [-150_000, 150_000]
    assert told(fake)[-5:] == [
        "charge.dispute.created",
        "charge.dispute.updated",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
    ]
    with pytest.raises(NotPossible, match="won"):
        fake.controls.close_dispute(dispute.id, "lost")
    with pytest.raises(NotPossible, match="outcome"):
        fake.controls.close_dispute(dispute.id, "drawn")


# --- the effects, over trouble -------------------------------------------------------------------------------------


def refund_event(of: str) -> RefundRequested:
    parts = parties(WISH)
    return RefundRequested(
        contract_id=CONTRACT,
        client_id=ClientId(parts.client_id),
        contractor_id=parts.contractor_id,
        client_user_id=UserId(WISH),
        contractor_user_id=UserId(WISH),
        currency=Currency.USD,
        balance=150_000,
        available=120_000,
        transaction_id=WISH,
        deposit_id=DEPOSIT,
        payment_intent_id=of,
        amount=30_000,
        reason=RefundReason.DUPLICATE,
    )


def reversal_event(transfer: str) -> ReleaseReversalRequested:
    said = refund_event("pi_1").model_dump(include=set(ReleaseReversalRequested.model_fields) - {"transaction_id", "amount"})
    return ReleaseReversalRequested(**said, transaction_id=RELEASE, transfer_id=transfer, reversal_id=REVERSAL, amount=50_000)


async def answered(run: Callable[[int, bool], Awaitable[Result]], clock: ManualClock) -> Done:
    """As the engine tries: again under the same key after an unknown outcome, and past the key's lifetime at last."""
    for tries in range(4):
        stale = tries == 3
        clock.advance(DAY + 1 if stale else 60)
        result = await run(tries, stale)
        if isinstance(result, Done):
            return result
    raise AssertionError("no answer in four tries")


WITH_EFFECT = (Fault.TIMEOUT_AFTER, Fault.SERVER_ERROR_AFTER, Fault.RATE_LIMITED, Fault.REFUSED)


@pytest.mark.parametrize("fault", [*WITH_EFFECT, Fault.SERVER_ERROR])
async def test_one_wish_makes_one_refund(port: StripePayments, fake: StripeFake, clock: ManualClock, fault: Fault) -> None:
    event = Event(EventId(derived("event")), "payment", CONTRACT, from_seconds(START), "admin:1", refund_event(await paid(port, fake)))
    fake.faults.plan(CREATE, fault)
    done = await answered(lambda tries, stale: refund(Call(key("wish"), event, "test", tries, stale), {}, port), clock)
    if fault is Fault.SERVER_ERROR:
        rejected = RecordRefundRejected(contract_id=CONTRACT, transaction_id=WISH, code="not_found_at_stripe")
        assert (done.commands, fake.created["refund"]) == ((rejected,), 0)
    else:
        assert [type(command) for command in done.commands] == [RecordRefund]
        assert fake.created["refund"] == 1


@pytest.mark.parametrize("fault", [*WITH_EFFECT, Fault.SERVER_ERROR])
async def test_one_wish_makes_one_reversal(port: StripePayments, fake: StripeFake, clock: ManualClock, fault: Fault) -> None:
    transfer = await moved(port, fake)
    event = Event(EventId(derived("event")), "payment", CONTRACT, from_seconds(START), "admin:1", reversal_event(transfer.id))
    fake.faults.plan(REVERSE, fault)
    done = await answered(lambda tries, stale: reverse_transfer(Call(key("back"), event, "test", tries, stale), {}, port), clock)
    if fault is Fault.SERVER_ERROR:
        failed = RecordReversalFailed(contract_id=CONTRACT, transaction_id=RELEASE, reversal_id=REVERSAL, code="not_found_at_stripe")
        assert (done.commands, fake.created["transfer_reversal"]) == ((failed,), 0)
    else:
        told_back = RecordTransferReversed(contract_id=CONTRACT, transaction_id=RELEASE, transfer_id=transfer.id, amount_reversed=50_000)
        assert (done.commands, fake.created["transfer_reversal"]) == ((told_back,), 1)
