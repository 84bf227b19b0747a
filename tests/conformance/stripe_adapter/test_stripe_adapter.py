"""The Stripe adapter against the project's fake: every method's answer, and one object per key."""

import pytest

from contracts.clear import Clear
from contracts.ids import derived
from contracts.sealed import Reader, bank_number
from contracts.types import BankDetailsId, ContractorId, Purpose, TransactionId
from tests.conformance.stripe_adapter.steps import (
    BANK,
    CONTRACT,
    CONTRACTOR,
    DEPOSIT,
    RELEASE,
    SEALER,
    account_request,
    bank_request,
    funded,
    intent,
    key,
    parties,
    payee,
    transfer_request,
)
from workers.adapters.sealing import ForgedSealError
from workers.adapters.stripe import StripePayments
from workers.ops.fakes.stripe import StripeFake
from workers.services.payment.ports import (
    Account,
    Bank,
    BankRequest,
    Intent,
    IntentStatus,
    Refusal,
    Transfer,
    TransferRequest,
)

# --- deposits ------------------------------------------------------------------------------------------------------


async def test_an_intent_is_created_once_per_key(port: StripePayments, fake: StripeFake) -> None:
    first, second = await intent(port), await intent(port)
    assert first.id == second.id
    assert (first.status, first.amount, first.amount_received, first.currency) == (IntentStatus.OPEN, 150_000, 0, "USD")
    assert fake.created["payment_intent"] == 1
    (event,) = [event for event in fake.state.events if event.type == "payment_intent.created"]
    made = event.data["object"]
    assert isinstance(made, dict)
    assert made["transfer_group"] == f"contract_{CONTRACT}"
    assert made["payment_method_types"] in (["card"], ("card",))
    assert made["metadata"] == {
        "contractId": CONTRACT,
        "transactionId": DEPOSIT,
        "clientId": derived("company:1"),
        "contractorId": CONTRACTOR,
        "kind": "deposit",
        "environment": "test",
    }


async def test_an_intent_is_found_by_its_transaction(port: StripePayments) -> None:
    assert await port.find_intent(DEPOSIT) is None
    made = await intent(port)
    found = await port.find_intent(DEPOSIT)
    assert isinstance(found, Intent)
    assert (found.id, found.status) == (made.id, IntentStatus.OPEN)


async def test_an_intents_status_and_charge(port: StripePayments, fake: StripeFake) -> None:
    made = await intent(port)
    fake.controls.start_processing(made.id)
    processing = await port.get_intent(made.id)
    assert isinstance(processing, Intent)
    assert processing.status is IntentStatus.PROCESSING
    paid = fake.controls.confirm(made.id, 149_000)
    succeeded = await port.get_intent(made.id)
    assert isinstance(succeeded, Intent)
    assert (succeeded.status, succeeded.amount_received, succeeded.charge_id) == (IntentStatus.SUCCEEDED, 149_000, paid.latest_charge)


async def test_cancelling_an_intent(port: StripePayments, fake: StripeFake) -> None:
    made = await intent(port)
    cancelled = await port.cancel_intent(made.id, key("cancel"))
    assert isinstance(cancelled, Intent)
    assert cancelled.status is IntentStatus.CANCELLED
    again = await port.cancel_intent(made.id, key("cancel"))
    assert isinstance(again, Intent)
    other = await port.cancel_intent(made.id, key("cancel-2"))
    assert isinstance(other, Refusal)
    assert (other.status, other.code) == (400, "payment_intent_unexpected_state")
    absent = await port.get_intent("pi_absent")
    assert isinstance(absent, Refusal)
    assert (absent.status, absent.code) == (404, "resource_missing")


# --- transfers -----------------------------------------------------------------------------------------------------


async def test_a_transfer_is_made_once_per_key_and_found_by_its_transaction(port: StripePayments, fake: StripeFake) -> None:
    account, charge = await payee(port, fake), await funded(port, fake)
    assert await port.find_transfer(CONTRACT, RELEASE) is None
    first = await port.create_transfer(transfer_request(account, charge=charge))
    assert isinstance(first, Transfer)
    assert (first.amount, first.currency, first.destination) == (120_000, "USD", account)
    assert await port.create_transfer(transfer_request(account, charge=charge)) == first
    assert await port.find_transfer(CONTRACT, RELEASE) == first
    assert await port.find_transfer(CONTRACT, DEPOSIT) is None
    assert fake.created["transfer"] == 1


async def test_a_transfer_is_found_behind_the_first_page(port: StripePayments, fake: StripeFake) -> None:
    account = await payee(port, fake)
    fake.controls.confirm((await intent(port)).id)
    wanted = await port.create_transfer(transfer_request(account, 1))
    for number in range(101):
        row = TransactionId(derived(f"row:{number}"))
        assert isinstance(await port.create_transfer(TransferRequest(key(str(number)), 1, "USD", account, None, parties(row))), Transfer)
    assert await port.find_transfer(CONTRACT, RELEASE) == wanted
    assert fake.calls["GET /v1/transfers"] == 2


async def test_transfers_that_are_refused(port: StripePayments, fake: StripeFake) -> None:
    account = await payee(port, fake)
    broke = await port.create_transfer(transfer_request(account))
    assert isinstance(broke, Refusal)
    assert broke.code == "balance_insufficient"
    fake.controls.restrict_account(account)
    await funded(port, fake)
    closed = await port.create_transfer(transfer_request(account, name="transfer-2"))
    assert isinstance(closed, Refusal)
    assert closed.code == "insufficient_capabilities_for_transfer"


# --- payees --------------------------------------------------------------------------------------------------------


async def test_an_account_and_its_status(port: StripePayments, fake: StripeFake) -> None:
    made = await port.create_account(account_request())
    assert isinstance(made, Account)
    assert (made.transfers_active, made.payouts_enabled, made.disabled_reason) == (False, False, "requirements.past_due")
    assert made.requirements_due == ("external_account", "tos_acceptance.date", "tos_acceptance.ip")
    again = await port.create_account(account_request())
    assert isinstance(again, Account)
    assert again.id == made.id
    await port.attach_bank(bank_request(made.id))
    fake.controls.enable_account(made.id)
    enabled = await port.get_account(made.id)
    assert isinstance(enabled, Account)
    assert (enabled.transfers_active, enabled.payouts_enabled, enabled.requirements_due) == (True, True, ())
    fake.controls.deauthorize_account(made.id)
    left = await port.get_account(made.id)
    assert isinstance(left, Refusal)
    assert (left.status, left.code) == (403, "account_invalid")


async def test_a_country_that_stripe_does_not_serve(port: StripePayments) -> None:
    refused = await port.create_account(account_request("CU"))
    assert isinstance(refused, Refusal)
    assert (refused.status, refused.code) == (400, "country_unsupported")


async def test_a_banks_way(port: StripePayments, fake: StripeFake) -> None:
    account = await payee(port, fake)
    first = await port.find_bank(account, BANK)
    assert isinstance(first, Bank)
    assert first.is_default
    other = BankDetailsId(derived("bank:2"))
    second = await port.attach_bank(
        BankRequest(key("bank-2"), account, other, Clear("000999999999"), Clear("110000000"), "USD", "US", "test")
    )
    assert isinstance(second, Bank)
    assert await port.make_default(account, second.id, key("default")) == second
    assert await port.detach_bank(account, first.id, key("detach")) == Bank(first.id)
    assert await port.find_bank(account, BANK) is None
    gone = await port.detach_bank(account, first.id, key("detach-2"))
    assert isinstance(gone, Refusal)
    assert gone.status == 404


async def test_a_bad_number_is_refused_without_being_repeated(
    port: StripePayments, fake: StripeFake, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    account = await payee(port, fake)
    refused = await port.attach_bank(bank_request(account, "12-34-5678901", "bank-2"))
    assert isinstance(refused, Refusal)
    assert refused.code == "account_number_invalid"
    assert "12-34-5678901" not in refused.message + caplog.text
    assert "000123456789" not in caplog.text


async def test_a_sealed_number_opens_for_its_contractor_only(port: StripePayments) -> None:
    sealed = await SEALER.seal(Purpose.READER, Reader.BANK_SYNC, bank_number(CONTRACTOR), "000123456789")
    assert await port.open(sealed, CONTRACTOR) == Clear("000123456789")
    with pytest.raises(ForgedSealError):
        await port.open(sealed, ContractorId(derived("contractor:2")))
