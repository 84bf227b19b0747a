"""Connected accounts and their banks: what is asked of Stripe and what its answer becomes."""

import pytest

from contracts.clear import Clear
from contracts.contractor import BankAction
from contracts.payment.commands import RecordPayeeAccountFailed, RecordPayeeBankFailed, RecordPayeeBankSynced
from contracts.payment.events import PayeeAccountRefreshRequested, PayeeAccountRequested, PayeeBankSyncRequested
from contracts.types import BankDetailsId, EffectId, EventId
from tests.support.oracle import START
from tests.unit.services.payment.books import ACCOUNT, AS_SYSTEM, CONTRACTOR, PERSON, account_created, account_status
from tests.unit.services.payment.provider import Scripted
from workers.engine.decision import Item, ItemRef
from workers.engine.service import Call, Done, Event, Failed, Result, Retryable, Unknown
from workers.services.payment.payee_effects import create_account, fetch_account, payee_of, sync_bank
from workers.services.payment.ports import Account, AccountRequest, Bank, BankRequest, Lost, Problem, Refusal, Unavailable

EFFECT = EffectId("eeeeeeee-1111-4111-8111-111111111111")
EVENT = EventId("dddddddd-1111-4111-8111-111111111111")
BANK = BankDetailsId("77777777-7777-4777-8777-777777777777")
PAYEE = ItemRef("payment-escrow", f"PAYEE#{CONTRACTOR}")
ATTACHED: dict[ItemRef, Item] = {
    PAYEE: {"contractId": PAYEE.key, "banks": {BANK: {"state": "requested", "wanted": "default", "externalAccountId": "ba_1"}}}
}
NUMBER, ROUTING = "s1.reader.sync-bank.1.AQIDBA", "s1.reader.sync-bank.1.BQYHCA"
AWAY, LOST, REPLAYED = Unavailable("429 rate_limit", 2.0), Lost("timeout"), Lost("500 api_error", replayed=True)


def account(*, transfers: bool = True, payouts: bool = True) -> Account:
    return Account(ACCOUNT, transfers, payouts, ("external_account",), "requirements.past_due", START)


def account_call(*, stale: bool = False) -> Call[PayeeAccountRequested]:
    data = PayeeAccountRequested(**PERSON, country="EG", n=1)
    return Call(EFFECT, Event(EVENT, "payment", CONTRACTOR, START, AS_SYSTEM, data), "test", int(stale), stale)


def refresh_call() -> Call[PayeeAccountRefreshRequested]:
    data = PayeeAccountRefreshRequested(**PERSON, stripe_account_id=ACCOUNT)
    return Call(EFFECT, Event(EVENT, "payment", CONTRACTOR, START, AS_SYSTEM, data), "test")


def bank_call(
    wanted: BankAction = BankAction.ATTACH, *, tries: int = 0, number: str | None = NUMBER, routing: str | None = ROUTING
) -> Call[PayeeBankSyncRequested]:
    data = PayeeBankSyncRequested(
        **PERSON,
        stripe_account_id=ACCOUNT,
        bank_details_id=BANK,
        wanted=wanted,
        account_number=number,
        routing_number=routing,
        currency="EGP",
        country="EG",
    )
    return Call(EFFECT, Event(EVENT, "payment", CONTRACTOR, START, AS_SYSTEM, data), "test", tries)


def account_failed(code: str) -> Done:
    return Done((RecordPayeeAccountFailed(contractor_id=CONTRACTOR, code=code),))


def synced(action: BankAction = BankAction.ATTACH) -> Done:
    said = RecordPayeeBankSynced(contractor_id=CONTRACTOR, bank_details_id=BANK, action=action, external_account_id="ba_1")
    return Done((said,), "ba_1")


def bank_failed(code: str) -> Done:
    return Done((RecordPayeeBankFailed(contractor_id=CONTRACTOR, bank_details_id=BANK, code=code),))


async def test_an_account_is_asked_for_under_the_effects_id() -> None:
    port = Scripted(create_account=account())
    assert await create_account(account_call(), {}, port) == Done((account_created(),), ACCOUNT)
    assert port.asked == [("create_account", AccountRequest(EFFECT, "EG", CONTRACTOR, "test"))]


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (Refusal(400, "country_unsupported", "Not supported", START), account_failed("country_unsupported")),
        (REPLAYED, account_failed("provider_error")),
        (LOST, Unknown("timeout")),
        (AWAY, Retryable("429 rate_limit", 2.0)),
    ],
)
async def test_problems_with_an_account(answer: Problem, result: Result) -> None:
    assert await create_account(account_call(), {}, Scripted(create_account=answer)) == result


async def test_past_the_keys_lifetime_people_decide_about_an_account() -> None:
    port = Scripted()
    assert await create_account(account_call(stale=True), {}, port) == account_failed("outcome_unknown")
    assert port.asked == []


async def test_a_fetched_account_says_so() -> None:
    expected = account_status(payouts=False, seconds=0, fetched=True, due=("external_account",), disabled="requirements.past_due")
    result = await fetch_account(refresh_call(), {}, Scripted(get_account=account(payouts=False)))
    assert result == Done((expected,), ACCOUNT)


@pytest.mark.parametrize("status", [403, 404])
async def test_an_account_out_of_reach_is_deauthorized(status: int) -> None:
    port = Scripted(get_account=Refusal(status, "account_invalid", "No access", START))
    expected = account_status(False, False, 0, fetched=True, disabled="deauthorized")
    assert await fetch_account(refresh_call(), {}, port) == Done((expected,), ACCOUNT)


async def test_a_fetch_without_an_answer_is_repeated() -> None:
    assert await fetch_account(refresh_call(), {}, Scripted(get_account=AWAY)) == Retryable("429 rate_limit", 2.0)


# --- banks ---------------------------------------------------------------------------------------------------------


async def test_a_bank_is_attached_with_its_opened_numbers() -> None:
    port = Scripted(attach_bank=Bank("ba_1"))
    assert await sync_bank(bank_call(), {}, port) == synced()
    request = BankRequest(EFFECT, ACCOUNT, BANK, Clear("clear:IDBA"), Clear("clear:YHCA"), "EGP", "EG", "test")
    assert port.asked[-1] == ("attach_bank", request)
    assert "clear" not in repr(request)


async def test_an_iban_has_no_routing_number() -> None:
    port = Scripted(attach_bank=Bank("ba_1"))
    assert await sync_bank(bank_call(routing=None), {}, port) == synced()
    assert port.methods == ["open", "attach_bank"]


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (Refusal(400, "account_number_invalid", "Invalid", START), bank_failed("account_number_invalid")),
        (LOST, Unknown("timeout")),
        (AWAY, Retryable("429 rate_limit", 2.0)),
    ],
)
async def test_problems_with_a_bank(answer: Problem, result: Result) -> None:
    assert await sync_bank(bank_call(), {}, Scripted(attach_bank=answer)) == result


@pytest.mark.parametrize(
    ("found", "result"), [(Bank("ba_1"), synced()), (None, bank_failed("provider_error")), (AWAY, Retryable("429 rate_limit", 2.0))]
)
async def test_a_stored_error_of_a_bank_is_looked_up(found: Bank | Unavailable | None, result: Result) -> None:
    assert await sync_bank(bank_call(), {}, Scripted(attach_bank=REPLAYED, find_bank=found)) == result


async def test_a_bank_that_may_be_attached_is_looked_for_first() -> None:
    found = Scripted(find_bank=Bank("ba_1"))
    assert await sync_bank(bank_call(tries=1), {}, found) == synced()
    absent = Scripted(find_bank=None, attach_bank=Bank("ba_1"))
    assert await sync_bank(bank_call(tries=1), {}, absent) == synced()
    assert absent.methods == ["find_bank", "open", "open", "attach_bank"]


@pytest.mark.parametrize(("number", "routing"), [("s1.reader.x.1.GONE", None), (NUMBER, "s1.reader.x.1.GONE")])
async def test_numbers_of_an_erased_person_do_not_open(number: str, routing: str | None) -> None:
    assert await sync_bank(bank_call(number=number, routing=routing), {}, Scripted()) == bank_failed("erased")


async def test_an_event_without_numbers_is_a_defect() -> None:
    assert isinstance(await sync_bank(bank_call(number=None), {}, Scripted()), Failed)


@pytest.mark.parametrize(("wanted", "method"), [(BankAction.DEFAULT, "make_default"), (BankAction.DETACH, "detach_bank")])
async def test_an_attached_bank_is_named_by_the_payees_row(wanted: BankAction, method: str) -> None:
    port = Scripted(make_default=Bank("ba_1"), detach_bank=Bank("ba_1"))
    assert payee_of(bank_call().event, {}) == (PAYEE,)
    assert await sync_bank(bank_call(wanted, number=None), ATTACHED, port) == synced(wanted)
    assert port.asked == [(method, (ACCOUNT, "ba_1", EFFECT))]


async def test_a_bank_that_is_gone_is_detached() -> None:
    gone = Refusal(404, "resource_missing", "No such external account", START)
    assert await sync_bank(bank_call(BankAction.DETACH), ATTACHED, Scripted(detach_bank=gone)) == synced(BankAction.DETACH)
    assert await sync_bank(bank_call(BankAction.DEFAULT), ATTACHED, Scripted(make_default=gone)) == bank_failed("resource_missing")


@pytest.mark.parametrize(
    ("found", "result"),
    [
        (Bank("ba_1", is_default=True), synced(BankAction.DEFAULT)),
        (Bank("ba_1"), Unknown("500 api_error")),
        (None, Unknown("500 api_error")),
        (AWAY, Unknown("500 api_error")),
    ],
)
async def test_whether_a_bank_became_the_default_is_seen_from_the_list(found: Bank | Unavailable | None, result: Result) -> None:
    port = Scripted(make_default=REPLAYED, find_bank=found)
    assert await sync_bank(bank_call(BankAction.DEFAULT), ATTACHED, port) == result


async def test_a_step_that_nobody_waits_for_is_left_out() -> None:
    assert await sync_bank(bank_call(BankAction.DETACH), {}, Scripted()) == Done()
