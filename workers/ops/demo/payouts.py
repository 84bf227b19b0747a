"""Section 16, steps 10 and 11: where the contractor's money shall go."""

from contracts.contractor import AddBankDetails, BankDetailsAttached
from contracts.payment.events import PayeeAccountCreated, PayeeReady
from workers.ops.demo.stage import CURRENCY, Scene, Stage


async def attached(stage: Stage) -> None:
    cast = stage.cast
    bank = {
        "contractorId": cast.contractor_id,
        "bankDetailsId": cast.bank_details_id,
        "bankName": "First Example Bank",
        "accountNumber": cast.account_number,
        "routingNumber": cast.routing_number,
        "currency": CURRENCY,
        "country": "US",
        "makeDefault": True,
    }
    await stage.upstream.send(AddBankDetails, bank, cast.contractor.actor)
    await stage.log.until(BankDetailsAttached, cast.contractor_id)


async def ready(stage: Stage) -> None:
    contractor = stage.cast.contractor_id
    account = await stage.log.until(PayeeAccountCreated, contractor)
    await stage.stripe.enable_account(account.stripe_account_id)
    await stage.log.until(PayeeReady, contractor)


SCENES = (
    Scene("Bank details go to the payment provider", attached),
    Scene("Onboarding there ends; payouts are ready", ready),
)
