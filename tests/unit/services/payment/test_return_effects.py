"""Refunds and reversals: what is asked of Stripe, what its answer becomes, and what is looked for before any second call."""

import pytest

from contracts.payment.commands import RecordRefund, RecordRefundRejected, RecordReversalFailed, RecordTransferReversed
from contracts.payment.events import RefundRequested, ReleaseReversalRequested
from contracts.payment.values import RefundReason, RefundStatus
from contracts.types import EffectId, EventId
from tests.support.oracle import START
from tests.unit.services.payment.books import (
    ACCOUNT,
    AS_ADMIN,
    CLIENT,
    CONTRACT,
    CONTRACTOR,
    DEPOSIT,
    INTENT,
    REFUND,
    RELEASE,
    TRANSFER,
    said,
)
from tests.unit.services.payment.provider import Scripted
from workers.engine.service import Call, Done, Event, Failed, Result, Retryable, Unknown
from workers.services.payment.ports import (
    Defect,
    Lost,
    Parties,
    Problem,
    Refund,
    RefundRequest,
    Refusal,
    ReversalRequest,
    Transfer,
    Unavailable,
)
from workers.services.payment.return_effects import refund, reverse_transfer

EFFECT = EffectId("eeeeeeee-1111-4111-8111-111111111111")
EVENT = EventId("dddddddd-1111-4111-8111-111111111111")
REVERSAL = "12121212-1212-4121-8121-121212121212"
REPLAYED, LOST, AWAY = Lost("500 api_error", replayed=True), Lost("timeout"), Unavailable("429 rate_limit", 2.0)
MADE = Refund("re_1", 30_000, "USD", RefundStatus.PENDING, None, START)
BACK = Transfer(TRANSFER, 120_000, "USD", ACCOUNT, 70_000)


def refund_call(*, tries: int = 0, stale: bool = False) -> Call[RefundRequested]:
    data = RefundRequested(
        **said(150_000, 120_000),
        transaction_id=REFUND,
        deposit_id=DEPOSIT,
        payment_intent_id=INTENT,
        amount=30_000,
        reason=RefundReason.DUPLICATE,
    )
    return Call(EFFECT, Event(EVENT, "payment", CONTRACT, START, AS_ADMIN, data), "test", tries, stale)


def reversal_call(*, tries: int = 0, stale: bool = False) -> Call[ReleaseReversalRequested]:
    data = ReleaseReversalRequested(**said(30_000), transaction_id=RELEASE, transfer_id=TRANSFER, reversal_id=REVERSAL, amount=50_000)
    return Call(EFFECT, Event(EVENT, "payment", CONTRACT, START, AS_ADMIN, data), "test", tries, stale)


RECORDED = Done(
    (
        RecordRefund(
            contract_id=CONTRACT,
            refund_id="re_1",
            transaction_id=REFUND,
            deposit_id=DEPOSIT,
            amount=30_000,
            currency="USD",
            status=RefundStatus.PENDING,
            event_created=START,
        ),
    ),
    "re_1",
)
REVERSED = Done(
    (RecordTransferReversed(contract_id=CONTRACT, transaction_id=RELEASE, transfer_id=TRANSFER, amount_reversed=70_000),), TRANSFER
)


def rejected(code: str) -> Done:
    return Done((RecordRefundRejected(contract_id=CONTRACT, transaction_id=REFUND, code=code),))


def failed(code: str) -> Done:
    return Done((RecordReversalFailed(contract_id=CONTRACT, transaction_id=RELEASE, reversal_id=REVERSAL, code=code),))


async def test_a_refund_names_its_rows() -> None:
    port = Scripted(create_refund=MADE)
    assert await refund(refund_call(), {}, port) == RECORDED
    parties = Parties(CONTRACT, REFUND, CLIENT, CONTRACTOR, "test")
    assert port.asked == [("create_refund", RefundRequest(EFFECT, INTENT, 30_000, RefundReason.DUPLICATE, DEPOSIT, parties))]


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (Refusal(400, "charge_already_refunded", "It is", START), rejected("charge_already_refunded")),
        (AWAY, Retryable("429 rate_limit", 2.0)),
        (LOST, Unknown("timeout")),
        (Defect("same key"), Failed("same key")),
    ],
)
async def test_problems_with_a_refund(answer: Problem, result: Result) -> None:
    assert await refund(refund_call(), {}, Scripted(create_refund=answer)) == result


@pytest.mark.parametrize("call", [refund_call(tries=1), refund_call(tries=1, stale=True)])
async def test_a_refund_that_may_exist_is_looked_for_first(call: Call[RefundRequested]) -> None:
    port = Scripted(find_refund=MADE)
    assert await refund(call, {}, port) == RECORDED
    assert port.asked == [("find_refund", (INTENT, REFUND))]


async def test_a_refund_that_is_not_there_is_made_under_the_same_key() -> None:
    port = Scripted(find_refund=None, create_refund=MADE)
    assert await refund(refund_call(tries=1), {}, port) == RECORDED
    assert port.methods == ["find_refund", "create_refund"]


async def test_past_the_keys_lifetime_no_refund_is_made() -> None:
    assert await refund(refund_call(tries=9, stale=True), {}, Scripted(find_refund=None)) == rejected("not_found_at_stripe")
    assert await refund(refund_call(tries=9, stale=True), {}, Scripted(find_refund=AWAY)) == Retryable("429 rate_limit", 2.0)


@pytest.mark.parametrize(
    ("found", "result"), [(MADE, RECORDED), (None, Unknown("500 api_error")), (AWAY, Retryable("429 rate_limit", 2.0))]
)
async def test_a_stored_error_of_a_refund_is_looked_up(found: Refund | Unavailable | None, result: Result) -> None:
    assert await refund(refund_call(), {}, Scripted(create_refund=REPLAYED, find_refund=found)) == result


async def test_a_reversal_is_looked_for_and_then_made() -> None:
    port = Scripted(find_reversal=None, reverse_transfer=BACK)
    assert await reverse_transfer(reversal_call(), {}, port) == REVERSED
    parties = Parties(CONTRACT, RELEASE, CLIENT, CONTRACTOR, "test")
    asked = ReversalRequest(EFFECT, TRANSFER, REVERSAL, 50_000, parties)
    assert port.asked == [("find_reversal", (TRANSFER, REVERSAL)), ("reverse_transfer", asked)]


async def test_one_reversal_id_is_reversed_once() -> None:
    port = Scripted(find_reversal=BACK)
    assert await reverse_transfer(reversal_call(), {}, port) == REVERSED
    assert port.methods == ["find_reversal"]


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (Refusal(400, "balance_insufficient", "None left", START), failed("balance_insufficient")),
        (AWAY, Retryable("429 rate_limit", 2.0)),
        (LOST, Unknown("timeout")),
    ],
)
async def test_problems_with_a_reversal(answer: Problem, result: Result) -> None:
    assert await reverse_transfer(reversal_call(), {}, Scripted(find_reversal=None, reverse_transfer=answer)) == result


async def test_a_reversal_whose_outcome_is_not_known() -> None:
    assert await reverse_transfer(reversal_call(stale=True), {}, Scripted(find_reversal=None)) == failed("not_found_at_stripe")
    port = Scripted(find_reversal=[None, BACK], reverse_transfer=REPLAYED)
    assert await reverse_transfer(reversal_call(), {}, port) == REVERSED
    assert await reverse_transfer(reversal_call(), {}, Scripted(find_reversal=AWAY)) == Retryable("429 rate_limit", 2.0)
