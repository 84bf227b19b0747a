"""PaymentIntents and transfers: what is asked of Stripe, what its answer becomes, and what is looked up before any second call."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from contracts.message import CommandData
from contracts.payment.commands import (
    RecordDepositCancelled,
    RecordDepositPrepared,
    RecordDepositProcessing,
    RecordDepositRequestFailed,
    RecordDepositSucceeded,
    RecordTransferCreated,
    RecordTransferFailed,
    RecordTransferWaiting,
)
from contracts.payment.events import DepositCancelRequested, DepositRequested, EscrowReleaseRequested
from contracts.payment.values import DepositMethod, WaitReason
from contracts.types import EffectId, EventId
from tests.support.oracle import START
from tests.unit.services.payment.books import (
    ACCOUNT,
    AS_SYSTEM,
    CHARGE,
    CLIENT,
    CONTRACT,
    CONTRACTOR,
    DEPOSIT,
    INTENT,
    RELEASE,
    TRANSFER,
    said,
    transferred,
)
from tests.unit.services.payment.provider import Scripted
from workers.engine.decision import Item, ItemRef
from workers.engine.service import Call, Done, Event, Failed, Result, Retryable, Unknown
from workers.services.payment.effects import cancel_intent, create_intent, payee_of, transfer
from workers.services.payment.ports import (
    Defect,
    Intent,
    IntentRequest,
    IntentStatus,
    Lost,
    Parties,
    Problem,
    Refusal,
    Transfer,
    TransferRequest,
    Unavailable,
)
from workers.services.payment.service import SERVICE

EFFECT = EffectId("eeeeeeee-1111-4111-8111-111111111111")
EVENT = EventId("dddddddd-1111-4111-8111-111111111111")
PAYEE = ItemRef("payment-escrow", f"PAYEE#{CONTRACTOR}")
READY: dict[ItemRef, Item] = {PAYEE: {"contractId": PAYEE.key, "ready": True, "stripeAccountId": ACCOUNT}}
OPEN = Intent(INTENT, IntentStatus.OPEN, 150_000, 0, "USD", None, None, START)
SENT = Transfer(TRANSFER, 120_000, "USD", ACCOUNT)
REPLAYED, LOST, AWAY = Lost("500 api_error", replayed=True), Lost("timeout"), Unavailable("429 rate_limit", 2.0)
REFUSED = Refusal(400, "amount_too_small", "At least 0.50", START)
PREPARED = RecordDepositPrepared(contract_id=CONTRACT, transaction_id=DEPOSIT, payment_intent_id=INTENT)


def deposit_call(*, stale: bool = False) -> Call[DepositRequested]:
    data = DepositRequested(**said(), transaction_id=DEPOSIT, amount=150_000, method=DepositMethod.CARD)
    return Call(EFFECT, Event(EVENT, "payment", CONTRACT, START, AS_SYSTEM, data), "test", int(stale), stale)


def cancel_call() -> Call[DepositCancelRequested]:
    data = DepositCancelRequested(**said(), transaction_id=DEPOSIT, payment_intent_id=INTENT)
    return Call(EFFECT, Event(EVENT, "payment", CONTRACT, START, AS_SYSTEM, data), "test")


def release_call(*, tries: int = 0, stale: bool = False, attempt: int = 1) -> Call[EscrowReleaseRequested]:
    data = EscrowReleaseRequested(**said(), transaction_id=RELEASE, attempt=attempt, amount=120_000, source_charge_id=CHARGE)
    return Call(EFFECT, Event(EVENT, "payment", CONTRACT, START, AS_SYSTEM, data), "test", tries, stale)


def request_failed(code: str, message: str) -> RecordDepositRequestFailed:
    return RecordDepositRequestFailed(contract_id=CONTRACT, transaction_id=DEPOSIT, code=code, message=message)


def waiting(reason: WaitReason, attempt: int = 1) -> Done:
    return Done((RecordTransferWaiting(contract_id=CONTRACT, transaction_id=RELEASE, attempt=attempt, reason=reason),))


async def test_an_intent_is_asked_for_under_the_effects_id() -> None:
    port = Scripted(create_intent=OPEN)
    assert await create_intent(deposit_call(), {}, port) == Done((PREPARED,), INTENT)
    parties = Parties(CONTRACT, DEPOSIT, CLIENT, CONTRACTOR, "test")
    assert port.asked == [("create_intent", IntentRequest(EFFECT, 150_000, "USD", DepositMethod.CARD, parties))]


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (REFUSED, Done((request_failed("amount_too_small", "At least 0.50"),))),
        (AWAY, Retryable("429 rate_limit", 2.0)),
        (LOST, Unknown("timeout")),
        (Defect("same key"), Failed("same key")),
    ],
)
async def test_problems_with_an_intent(answer: Problem, result: Result) -> None:
    assert await create_intent(deposit_call(), {}, Scripted(create_intent=answer)) == result


@pytest.mark.parametrize(
    ("found", "result"),
    [
        (OPEN, Done((PREPARED,), INTENT)),
        (None, Done((request_failed("provider_error", "500 api_error"),))),
        (AWAY, Retryable("429 rate_limit", 2.0)),
    ],
)
async def test_a_stored_error_is_looked_up(found: Intent | Unavailable | None, result: Result) -> None:
    port = Scripted(create_intent=REPLAYED, find_intent=found)
    assert await create_intent(deposit_call(), {}, port) == result
    assert port.methods == ["create_intent", "find_intent"]


@pytest.mark.parametrize(("found", "methods"), [(OPEN, ["find_intent"]), (None, ["find_intent", "create_intent"]), (AWAY, ["find_intent"])])
async def test_past_the_keys_lifetime_the_look_up_comes_first(found: Intent | Unavailable | None, methods: list[str]) -> None:
    port = Scripted(find_intent=found, create_intent=OPEN)
    await create_intent(deposit_call(stale=True), {}, port)
    assert port.methods == methods


# --- cancelling ----------------------------------------------------------------------------------------------------


def intent(status: IntentStatus, charge: str | None = None, received: int = 0) -> Intent:
    return Intent(INTENT, status, 150_000, received, "USD", charge, None, START)


CANCELLED = RecordDepositCancelled(contract_id=CONTRACT, transaction_id=DEPOSIT, reason="not_given", event_created=START)
PROCESSING = RecordDepositProcessing(contract_id=CONTRACT, transaction_id=DEPOSIT, payment_intent_id=INTENT, event_created=START)
SUCCEEDED = RecordDepositSucceeded(
    contract_id=CONTRACT,
    transaction_id=DEPOSIT,
    payment_intent_id=INTENT,
    charge_id=CHARGE,
    amount=150_000,
    amount_received=150_000,
    currency="USD",
    event_created=START,
)


async def test_a_cancelled_intent() -> None:
    port = Scripted(cancel_intent=intent(IntentStatus.CANCELLED))
    assert await cancel_intent(cancel_call(), {}, port) == Done((CANCELLED,), INTENT)
    assert port.asked == [("cancel_intent", (INTENT, EFFECT))]


@pytest.mark.parametrize("answer", [LOST, Refusal(400, "payment_intent_unexpected_state", "It is processing.", START)])
@pytest.mark.parametrize(
    ("now", "said_then"),
    [
        (intent(IntentStatus.CANCELLED), CANCELLED),
        (intent(IntentStatus.PROCESSING), PROCESSING),
        (intent(IntentStatus.SUCCEEDED, CHARGE, 150_000), SUCCEEDED),
    ],
)
async def test_what_can_not_be_cancelled_is_asked_for_its_status(answer: Problem, now: Intent, said_then: CommandData) -> None:
    port = Scripted(cancel_intent=answer, get_intent=now)
    assert await cancel_intent(cancel_call(), {}, port) == Done((said_then,), INTENT)


@pytest.mark.parametrize(
    ("answers", "result"),
    [
        ([LOST, OPEN], Unknown("pi_1 is open after it was to be cancelled")),
        ([LOST, AWAY], Retryable("429 rate_limit", 2.0)),
        ([AWAY, OPEN], Retryable("429 rate_limit", 2.0)),
        (
            [Refusal(404, "resource_missing", "No such intent", START), OPEN],
            Failed("Stripe refused with 404 resource_missing: No such intent"),
        ),
    ],
)
async def test_a_cancellation_without_an_answer(answers: Sequence[Intent | Problem], result: Result) -> None:
    port = Scripted(cancel_intent=answers[0], get_intent=answers[1])
    assert await cancel_intent(cancel_call(), {}, port) == result


# --- transfers -----------------------------------------------------------------------------------------------------


def test_a_transfer_reads_its_payee() -> None:
    assert payee_of(release_call().event, {}) == (PAYEE,)


async def test_a_transfer_goes_to_the_payees_account() -> None:
    port = Scripted(create_transfer=SENT)
    assert await transfer(release_call(), READY, port) == Done((transferred(),), TRANSFER)
    parties = Parties(CONTRACT, RELEASE, CLIENT, CONTRACTOR, "test")
    assert port.asked == [("create_transfer", TransferRequest(EFFECT, 120_000, "USD", ACCOUNT, CHARGE, parties))]


@pytest.mark.parametrize("rows", [{}, {PAYEE: {"contractId": PAYEE.key, "ready": False}}])
async def test_a_payee_that_is_not_ready_is_not_paid(rows: dict[ItemRef, Item]) -> None:
    port = Scripted()
    assert await transfer(release_call(attempt=3), rows, port) == waiting(WaitReason.PAYEE_NOT_READY, 3)
    assert port.asked == []


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (Refusal(400, "balance_insufficient", "Insufficient funds", START), waiting(WaitReason.FUNDS_NOT_AVAILABLE)),
        (
            Refusal(403, "account_invalid", "Closed", START),
            Done(
                (RecordTransferFailed(contract_id=CONTRACT, transaction_id=RELEASE, attempt=1, code="account_invalid", message="Closed"),)
            ),
        ),
        (AWAY, Retryable("429 rate_limit", 2.0)),
        (LOST, Unknown("timeout")),
        (Defect("same key"), Failed("same key")),
    ],
)
async def test_problems_with_a_transfer(answer: Problem, result: Result) -> None:
    assert await transfer(release_call(), READY, Scripted(create_transfer=answer)) == result


@pytest.mark.parametrize("call", [release_call(tries=1), release_call(attempt=2), release_call(tries=1, stale=True)])
async def test_what_may_have_left_is_looked_for_first(call: Call[EscrowReleaseRequested]) -> None:
    port = Scripted(find_transfer=SENT)
    result = await transfer(call, READY, port)
    assert isinstance(result, Done)
    assert [type(command) for command in result.commands] == [RecordTransferCreated]
    assert port.asked == [("find_transfer", (CONTRACT, RELEASE))]


async def test_what_did_not_leave_is_sent_under_the_same_key() -> None:
    port = Scripted(find_transfer=None, create_transfer=SENT)
    assert await transfer(release_call(tries=1), READY, port) == Done((transferred(),), TRANSFER)
    assert port.methods == ["find_transfer", "create_transfer"]


async def test_past_the_keys_lifetime_nothing_is_sent() -> None:
    port = Scripted(find_transfer=None)
    assert await transfer(release_call(tries=9, stale=True), READY, port) == waiting(WaitReason.NOT_FOUND_AT_STRIPE)


async def test_a_look_up_without_an_answer_sends_nothing() -> None:
    port = Scripted(find_transfer=AWAY)
    assert await transfer(release_call(tries=1), READY, port) == Retryable("429 rate_limit", 2.0)


async def test_a_payee_that_became_blocked_meanwhile_is_not_paid_either() -> None:
    port = Scripted(find_transfer=None)
    result = await transfer(release_call(tries=1), {}, port)
    assert result == Unknown("the payee is no longer ready and an earlier call may still show up")


@pytest.mark.parametrize(
    ("found", "result"),
    [(SENT, Done((transferred(),), TRANSFER)), (None, Unknown("500 api_error")), (AWAY, Retryable("429 rate_limit", 2.0))],
)
async def test_a_stored_error_of_a_transfer_is_looked_up(found: Transfer | Unavailable | None, result: Result) -> None:
    port = Scripted(create_transfer=REPLAYED, find_transfer=found)
    assert await transfer(release_call(), READY, port) == result
    assert port.methods == ["create_transfer", "find_transfer"]


def test_a_call_that_begins_while_its_key_is_trusted_arrives_while_stripe_knows_it() -> None:
    kept, clocks = timedelta(hours=24), timedelta(minutes=10)
    assert all(effect.key_lifetime + timedelta(seconds=effect.timeout) + clocks < kept for effect in SERVICE.effects)
