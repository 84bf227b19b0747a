"""What the Stripe adapter is asked in its tests, and the steps that several of them need."""

from contracts.clear import Clear
from contracts.ids import derived
from contracts.payment.values import DepositMethod
from contracts.types import BankDetailsId, ClientId, ContractId, ContractorId, EffectId, TransactionId
from tests.support.keys import sealer
from workers.adapters.stripe import StripePayments
from workers.ops.fakes.stripe import StripeFake
from workers.services.payment.ports import (
    Account,
    AccountRequest,
    BankRequest,
    Intent,
    IntentRequest,
    Parties,
    TransferRequest,
)

CONTRACT = ContractId("11111111-1111-4111-8111-111111111111")
DEPOSIT = TransactionId("33333333-3333-4333-8333-333333333333")
RELEASE = TransactionId("44444444-4444-4444-8444-444444444444")
CONTRACTOR = ContractorId(derived("contractor:1"))
BANK = BankDetailsId("77777777-7777-4777-8777-777777777777")
START, DAY = 1_795_300_000, 86_400
SEALER = sealer()
CREATE_INTENT, CREATE_TRANSFER = "POST /v1/payment_intents", "POST /v1/transfers"


def key(name: str) -> EffectId:
    return EffectId(derived(f"effect:{name}"))


def parties(row: TransactionId) -> Parties:
    return Parties(CONTRACT, row, ClientId(derived("company:1")), CONTRACTOR, "test")


def intent_request(amount: int = 150_000, name: str = "intent") -> IntentRequest:
    return IntentRequest(key(name), amount, "USD", DepositMethod.CARD, parties(DEPOSIT))


def transfer_request(to: str, amount: int = 120_000, name: str = "transfer", charge: str | None = None) -> TransferRequest:
    return TransferRequest(key(name), amount, "USD", to, charge, parties(RELEASE))


def account_request(country: str = "US") -> AccountRequest:
    return AccountRequest(key(f"account-{country}"), country, CONTRACTOR, "test")


def bank_request(account: str, number: str = "000123456789", name: str = "bank") -> BankRequest:
    return BankRequest(key(name), account, BANK, Clear(number), Clear("110000000"), "USD", "US", "test")


async def intent(port: StripePayments) -> Intent:
    made = await port.create_intent(intent_request())
    assert isinstance(made, Intent)
    return made


async def payee(port: StripePayments, fake: StripeFake) -> str:
    account = await port.create_account(account_request())
    assert isinstance(account, Account)
    await port.attach_bank(bank_request(account.id))
    fake.controls.enable_account(account.id)
    return account.id


async def funded(port: StripePayments, fake: StripeFake) -> str:
    """The charge of a deposit that was paid."""
    paid = fake.controls.confirm((await intent(port)).id)
    assert paid.latest_charge is not None
    return paid.latest_charge
