"""Section 16, steps 10, 11 and 19: where the contractor's money shall go, how it goes there, and how it comes back."""

from contracts.contractor import AddBankDetails, BankAction, BankDetailsAttached, BankDetailsRemoved, RemoveBankDetails
from contracts.payment.events import PayeeAccountCreated, PayeeBankSynced, PayeeReady, PayoutFailed, PayoutPaid
from workers.ops.demo.stage import CURRENCY, Scene, Stage


async def attached(stage: Stage) -> None:
    cast = stage.cast
    await _add(stage, cast.bank_details_id, "First Example Bank", cast.account_number)


async def _add(stage: Stage, bank_details: str, bank: str, account_number: str) -> None:
    """Returns once payouts go there."""
    cast = stage.cast
    wish = {
        "contractorId": cast.contractor_id,
        "bankDetailsId": bank_details,
        "bankName": bank,
        "accountNumber": account_number,
        "routingNumber": cast.routing_number,
        "currency": CURRENCY,
        "country": "US",
        "makeDefault": True,
    }
    await stage.upstream.send(AddBankDetails, wish, cast.contractor.actor)
    await stage.log.until(BankDetailsAttached, cast.contractor_id, lambda event: event.bank_details_id == bank_details)
    await _synced(stage, bank_details, BankAction.DEFAULT)


async def _synced(stage: Stage, bank_details: str, action: BankAction) -> None:
    await stage.log.until(
        PayeeBankSynced, stage.cast.contractor_id, lambda event: (event.bank_details_id, event.action) == (bank_details, action)
    )


async def ready(stage: Stage) -> None:
    await stage.stripe.enable_account(await _account(stage))
    await stage.log.until(PayeeReady, stage.cast.contractor_id)


async def paid_out(stage: Stage) -> None:
    await _paid(stage)


async def _paid(stage: Stage) -> str:
    payout = await stage.stripe.pay_out(await _account(stage))
    await stage.log.until(PayoutPaid, stage.cast.contractor_id, lambda event: event.payout_id == payout)
    return payout


async def returned(stage: Stage) -> None:
    contractor = stage.cast.contractor_id
    payout = (await stage.log.until(PayoutPaid, contractor)).payout_id
    await stage.stripe.return_payout(payout)
    await stage.log.until(PayoutFailed, contractor, lambda event: event.payout_id == payout and event.was_paid)


async def replaced(stage: Stage) -> None:
    cast = stage.cast
    await _add(stage, cast.other_bank_details_id, "Second Example Bank", cast.other_account_number)
    old = {"contractorId": cast.contractor_id, "bankDetailsId": cast.bank_details_id}
    await stage.upstream.send(RemoveBankDetails, old, cast.contractor.actor)
    await stage.log.until(BankDetailsRemoved, cast.contractor_id)
    await _synced(stage, cast.bank_details_id, BankAction.DETACH)
    await _paid(stage)


async def _account(stage: Stage) -> str:
    return (await stage.log.until(PayeeAccountCreated, stage.cast.contractor_id)).stripe_account_id


SCENES = (
    Scene("Bank details go to the payment provider", attached),
    Scene("Onboarding there ends; payouts are ready", ready),
)
PAID = (
    Scene("The provider pays out to the contractor's bank", paid_out),
    Scene("Days later the bank sends it back: the account is closed", returned),
    Scene("The contractor gives another bank account; the provider pays out there", replaced),
)
