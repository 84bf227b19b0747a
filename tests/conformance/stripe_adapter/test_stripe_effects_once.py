"""Every effect of payment through the real SDK, over every kind of trouble: what it asks for happens at Stripe once at most, by the
provider's own objects and events, and the result says what is so."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import pytest

from contracts.clear import Clear
from contracts.contractor import BankAction
from contracts.ids import derived
from contracts.message import EventData
from contracts.payment.events import (
    DepositCancelRequested,
    DepositRequested,
    EscrowReleaseRequested,
    PayeeAccountRefreshRequested,
    PayeeAccountRequested,
    PayeeBankSyncRequested,
    RefundRequested,
    ReleaseReversalRequested,
)
from contracts.payment.values import DepositMethod, RefundReason
from contracts.sealed import Reader, bank_number
from contracts.timestamps import from_seconds
from contracts.types import BankDetailsId, EventId, Purpose, UserId
from tests.conformance.stripe_adapter.steps import (
    BANK,
    CONTRACT,
    CONTRACTOR,
    CREATE_INTENT,
    CREATE_TRANSFER,
    DAY,
    DEPOSIT,
    RELEASE,
    SEALER,
    START,
    account_request,
    funded,
    intent,
    key,
    payee,
    transfer_request,
)
from tests.unit.services.payment.books import said
from workers.adapters.stripe import StripePayments
from workers.engine.decision import Item, ItemRef
from workers.engine.service import Call, Done, Effect, Event, Failed, Result
from workers.ops.fakes.stripe import Fault, ManualClock, StripeFake
from workers.ops.fakes.stripe.external_accounts import BankAccount
from workers.services.payment.ports import Account, Bank, BankRequest, Transfer
from workers.services.payment.service import SERVICE

WISH, REVERSAL = "66666666-6666-4666-8666-666666666666", "12121212-1212-4121-8121-121212121212"
SECOND_BANK = BankDetailsId(derived("bank:2"))
PERSON: Final[dict[str, Any]] = {"contractor_id": CONTRACTOR, "user_id": UserId(derived("user:1"))}
PAYEE: Final = ItemRef("payment-escrow", f"PAYEE#{CONTRACTOR}")
MINUTE: Final = 60
ONE_BANK: Final = "/v1/accounts/{id}/external_accounts/{external_id}"


@dataclass(frozen=True, slots=True)
class Wish:
    """``route``: the call that changes something at Stripe. ``happened``: how often it did, as Stripe sees it."""

    effect: str
    data: EventData
    route: str
    happened: Callable[[StripeFake], int]
    rows: Mapping[ItemRef, Item] = field(default_factory=dict)

    @property
    def declared(self) -> Effect[Any]:
        return next(each for each in SERVICE.effects if each.name == self.effect)


def events(kind: str) -> Callable[[StripeFake], int]:
    return lambda fake: sum(event.type == kind for event in fake.state.events)


def deposit() -> dict[str, Any]:
    return {**said(), "contractor_id": CONTRACTOR, "transaction_id": DEPOSIT}


# --- the eight, of which the last has three actions ----------------------------------------------------------------


async def create_intent(_port: StripePayments, _fake: StripeFake) -> Wish:
    data = DepositRequested(**deposit(), amount=150_000, method=DepositMethod.CARD)
    return Wish("payment.create-intent", data, CREATE_INTENT, events("payment_intent.created"))


async def cancel_intent(port: StripePayments, _fake: StripeFake) -> Wish:
    data = DepositCancelRequested(**deposit(), payment_intent_id=(await intent(port)).id)
    return Wish("payment.cancel-intent", data, "POST /v1/payment_intents/{id}/cancel", events("payment_intent.canceled"))


async def transfer(port: StripePayments, fake: StripeFake) -> Wish:
    account, charge = await payee(port, fake), await funded(port, fake)
    data = EscrowReleaseRequested(**deposit() | {"transaction_id": RELEASE}, attempt=1, amount=120_000, source_charge_id=charge)
    ready = {PAYEE: {"contractId": PAYEE.key, "ready": True, "stripeAccountId": account}}
    return Wish("payment.transfer", data, CREATE_TRANSFER, events("transfer.created"), ready)


async def reverse_transfer(port: StripePayments, fake: StripeFake) -> Wish:
    account, charge = await payee(port, fake), await funded(port, fake)
    made = await port.create_transfer(transfer_request(account, charge=charge))
    assert isinstance(made, Transfer)
    named = deposit() | {"transaction_id": RELEASE}
    data = ReleaseReversalRequested(**named, transfer_id=made.id, reversal_id=REVERSAL, amount=50_000)
    return Wish("payment.reverse-transfer", data, "POST /v1/transfers/{id}/reversals", events("transfer.reversed"))


async def refund(port: StripePayments, fake: StripeFake) -> Wish:
    paid = fake.controls.confirm((await intent(port)).id)
    named = deposit() | {"transaction_id": WISH, "deposit_id": DEPOSIT, "payment_intent_id": paid.id}
    data = RefundRequested(**named, amount=30_000, reason=RefundReason.DUPLICATE)
    return Wish("payment.refund", data, "POST /v1/refunds", events("refund.created"))


async def create_account(_port: StripePayments, _fake: StripeFake) -> Wish:
    data = PayeeAccountRequested(**PERSON, country="US", n=1)
    return Wish("payment.create-account", data, "POST /v1/accounts", lambda fake: fake.created["account"])


async def fetch_account(port: StripePayments, fake: StripeFake) -> Wish:
    data = PayeeAccountRefreshRequested(**PERSON, stripe_account_id=await payee(port, fake))
    return Wish("payment.fetch-account", data, "GET /v1/accounts/{id}", lambda fake: fake.created["account"])


async def attach_bank(port: StripePayments, fake: StripeFake) -> Wish:
    account = await port.create_account(account_request())
    assert isinstance(account, Account)
    number = await SEALER.seal(Purpose.READER, Reader.BANK_SYNC, bank_number(CONTRACTOR), "000123456789")
    routing = await SEALER.seal(Purpose.READER, Reader.BANK_SYNC, bank_number(CONTRACTOR), "110000000")
    data = bank_wish(account.id, BankAction.ATTACH, account_number=number, routing_number=routing, currency="USD", country="US")
    return Wish("payment.sync-bank", data, "POST /v1/accounts/{id}/external_accounts", events("account.external_account.created"))


async def make_default(port: StripePayments, fake: StripeFake) -> Wish:
    account, second = await two_banks(port, fake)
    data, rows = bank_wish(account, BankAction.DEFAULT), bank_rows(second)
    return Wish("payment.sync-bank", data, f"POST {ONE_BANK}", lambda fake: is_default(fake, second), rows)


async def detach_bank(port: StripePayments, fake: StripeFake) -> Wish:
    account, second = await two_banks(port, fake)
    data, rows = bank_wish(account, BankAction.DETACH), bank_rows(second)
    return Wish("payment.sync-bank", data, f"DELETE {ONE_BANK}", events("account.external_account.deleted"), rows)


def bank_wish(account: str, wanted: BankAction, **numbers: str) -> PayeeBankSyncRequested:
    named = BANK if wanted is BankAction.ATTACH else SECOND_BANK
    return PayeeBankSyncRequested(**PERSON, stripe_account_id=account, bank_details_id=named, wanted=wanted, **numbers)


async def two_banks(port: StripePayments, fake: StripeFake) -> tuple[str, str]:
    """The account, and its second bank, which is no default."""
    account = await payee(port, fake)
    request = BankRequest(key("second"), account, SECOND_BANK, Clear("000999999999"), Clear("110000000"), "USD", "US", "test")
    second = await port.attach_bank(request)
    assert isinstance(second, Bank)
    return account, second.id


def bank_rows(bank: str) -> dict[ItemRef, Item]:
    known = {"state": "requested", "wanted": "default", "externalAccountId": bank}
    return {PAYEE: {"contractId": PAYEE.key, "banks": {SECOND_BANK: known}}}


def is_default(fake: StripeFake, bank: str) -> int:
    return int(fake.state.table(BankAccount)[bank].default_for_currency)


WISHES: Final[Mapping[str, Callable[[StripePayments, StripeFake], Awaitable[Wish]]]] = {
    "create-intent": create_intent,
    "cancel-intent": cancel_intent,
    "transfer": transfer,
    "reverse-transfer": reverse_transfer,
    "refund": refund,
    "create-account": create_account,
    "fetch-account": fetch_account,
    "sync-bank attach": attach_bank,
    "sync-bank default": make_default,
    "sync-bank detach": detach_bank,
}
DONE: Final = {
    "create-intent": "RecordDepositPrepared",
    "cancel-intent": "RecordDepositCancelled",
    "transfer": "RecordTransferCreated",
    "reverse-transfer": "RecordTransferReversed",
    "refund": "RecordRefund",
    "create-account": "RecordPayeeAccountCreated",
    "fetch-account": "RecordPayeeAccountStatus",
    "sync-bank attach": "RecordPayeeBankSynced",
    "sync-bank default": "RecordPayeeBankSynced",
    "sync-bank detach": "RecordPayeeBankSynced",
}


def test_every_effect_is_here() -> None:
    assert {f"payment.{name.split()[0]}" for name in WISHES} == {effect.name for effect in SERVICE.effects}


class Tries:
    """As the engine tries: under one key, knowing how many calls were begun and how old the first one is."""

    def __init__(self, wish: Wish, port: StripePayments, clock: ManualClock) -> None:
        self._wish, self._port, self._clock = wish, port, clock
        self._event = Event(EventId(derived("event")), "payment", CONTRACT, from_seconds(START), "admin:1", wish.data)
        self._first, self._tries = clock.now(), 0

    async def once(self, after: int) -> Result:
        self._clock.advance(after)
        stale = self._clock.now() - self._first > self._wish.declared.key_lifetime.total_seconds()
        call = Call(key("wish"), self._event, "test", self._tries, stale)
        self._tries += 1
        result: Result = await self._wish.declared.run(call, self._wish.rows, self._port)
        assert not isinstance(result, Failed), result
        return result

    async def until_answered(self, pauses: Sequence[int]) -> str:
        """The name of the command that it ends with."""
        for pause in pauses:
            result = await self.once(pause)
            if isinstance(result, Done):
                (command,) = result.commands
                return type(command).__name__
        raise AssertionError(f"no answer in {len(pauses)} tries")


@dataclass(frozen=True, slots=True)
class Trouble:
    """``fault`` strikes the first call of the wish's route; ``pauses`` in seconds before each try. ``instead``: wishes that end with
    another command than usual, and whether what they asked for happened. An account that can't be told to be there is no loss: people
    decide, and its webhook, or the nightly reading of Stripe's events, records it."""

    fault: Fault
    pauses: Sequence[int]
    instead: Mapping[str, tuple[str, bool]] = field(default_factory=dict)


NOT_DONE: Final = {
    "transfer": ("RecordTransferWaiting", False),
    "reverse-transfer": ("RecordReversalFailed", False),
    "refund": ("RecordRefundRejected", False),
}
TROUBLES: Final = {
    "time-out after the effect": Trouble(Fault.TIMEOUT_AFTER, (0, MINUTE)),
    "a 500 after the effect, replayed": Trouble(
        Fault.SERVER_ERROR_AFTER,
        (0, MINUTE),
        {"create-account": ("RecordPayeeAccountFailed", True)},
    ),
    "dropped before the effect": Trouble(Fault.REFUSED, (0, MINUTE)),
    "too many calls": Trouble(Fault.RATE_LIMITED, (0, MINUTE)),
    "a 500 without effect, replayed until the key is gone": Trouble(
        Fault.SERVER_ERROR,
        (0, MINUTE, DAY),
        NOT_DONE
        | {
            "create-intent": ("RecordDepositRequestFailed", False),
            "create-account": ("RecordPayeeAccountFailed", False),
            "sync-bank attach": ("RecordPayeeBankFailed", False),
        },
    ),
    "time-out after the effect, then the key is gone": Trouble(
        Fault.TIMEOUT_AFTER,
        (0, DAY + MINUTE),
        {"create-account": ("RecordPayeeAccountFailed", True)},
    ),
    "dropped before the effect, then the key is gone": Trouble(
        Fault.REFUSED, (0, DAY + MINUTE), NOT_DONE | {"create-account": ("RecordPayeeAccountFailed", False)}
    ),
}


@pytest.mark.parametrize("name", WISHES)
@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)
async def test_one_wish_happens_once(port: StripePayments, fake: StripeFake, clock: ManualClock, name: str, trouble: Trouble) -> None:
    wish = await WISHES[name](port, fake)
    before = wish.happened(fake)
    fake.faults.plan(wish.route, trouble.fault)
    said_so = await Tries(wish, port, clock).until_answered(trouble.pauses)
    command, happened = trouble.instead.get(name, (DONE[name], name != "fetch-account"))
    assert (said_so, wish.happened(fake) - before) == (command, int(happened))


@pytest.mark.parametrize("name", WISHES)
@pytest.mark.parametrize("pause", [MINUTE, DAY + MINUTE], ids=["at once", "after the key is gone"])
async def test_a_crash_after_the_answer_repeats_nothing(
    port: StripePayments, fake: StripeFake, clock: ManualClock, name: str, pause: int
) -> None:
    wish = await WISHES[name](port, fake)
    before, tries = wish.happened(fake), Tries(wish, port, clock)
    assert await tries.until_answered([0]) == DONE[name]
    again = await tries.until_answered([pause])
    unfound = name == "create-account" and pause > DAY
    assert again == ("RecordPayeeAccountFailed" if unfound else DONE[name])
    assert wish.happened(fake) - before == int(name != "fetch-account")


FAULTS: Final = (Fault.TIMEOUT_AFTER, Fault.SERVER_ERROR_AFTER, Fault.SERVER_ERROR, Fault.REFUSED, Fault.RATE_LIMITED)
PAUSES: Final = (0, MINUTE, 3_600, 12 * 3_600, DAY + MINUTE)


@pytest.mark.parametrize("name", WISHES)
@pytest.mark.parametrize("seed", range(12))
async def test_whatever_comes_it_happens_once_at_most(
    port: StripePayments, fake: StripeFake, clock: ManualClock, name: str, seed: int
) -> None:
    """Faults of any kind on any call, look-ups too; answers are lost to crashes as well, so it is tried on and on."""
    chance = Random(f"{name}{seed}")
    wish = await WISHES[name](port, fake)
    before, tries = wish.happened(fake), Tries(wish, port, clock)
    for _ in range(6):
        for _ in range(chance.randrange(3)):
            fake.faults.plan(chance.choice([wish.route, "*"]), chance.choice(FAULTS), skip=chance.randrange(2))
        await tries.once(chance.choice(PAUSES))
        fake.faults.clear()
        assert wish.happened(fake) - before <= 1
