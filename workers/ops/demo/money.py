"""1500.00 in, 1200.00 out: a deposit is paid, released, and paid out to the contractor's bank."""

from contracts.payment.commands import ReleaseEscrow, RequestDeposit
from contracts.payment.events import DepositPrepared, DepositReceived, EscrowReleased, PayeeAccountCreated, PayoutPaid
from workers.ops.demo.stage import CURRENCY, DEPOSIT, RELEASE, Scene, Stage

DUPLICATE, REORDER = 0.5, 0.4
"""Shares of the webhooks that come twice, and that later ones overtake."""


async def deposited(stage: Stage) -> None:
    contract = stage.cast.contract_id
    await stage.stripe.misbehave(duplicate=DUPLICATE, reorder=REORDER)
    wish = {"contractId": contract, "transactionId": stage.cast.deposit_id, "amount": DEPOSIT, "currency": CURRENCY, "method": "card"}
    await stage.upstream.send(RequestDeposit, wish, stage.cast.client.actor)
    prepared = await stage.log.until(DepositPrepared, contract)
    await stage.stripe.pay(prepared.payment_intent_id)
    await stage.log.until(DepositReceived, contract)


async def released(stage: Stage) -> None:
    contract = stage.cast.contract_id
    wish = {
        "contractId": contract,
        "transactionId": stage.cast.release_id,
        "amount": RELEASE,
        "currency": CURRENCY,
        "note": "Two milestones.",
    }
    await stage.upstream.send(ReleaseEscrow, wish, stage.cast.client.actor)
    await stage.log.until(EscrowReleased, contract)


async def paid_out(stage: Stage) -> None:
    account = await stage.log.until(PayeeAccountCreated, stage.cast.contractor_id)
    await stage.stripe.pay_out(account.stripe_account_id)
    await stage.log.until(PayoutPaid, stage.cast.contractor_id)


SCENES = (
    Scene("A deposit of 1,500.00 USD; the payer pays; webhooks come doubled and out of order", deposited),
    Scene("1,200.00 USD are released to the contractor", released),
    Scene("The provider pays out to the contractor's bank", paid_out),
)
