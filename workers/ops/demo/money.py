"""Section 16, steps 16 to 18 and 21: 1500.00 in, 1200.00 out, and what is left back to the client once the contract has ended."""

from contracts.payment.commands import RefundDeposit, ReleaseEscrow, RequestDeposit
from contracts.payment.events import DepositPrepared, DepositProcessing, DepositReceived, EscrowClosed, EscrowRefunded, EscrowReleased
from contracts.payment.values import RefundReason
from workers.ops.demo.stage import CURRENCY, DEPOSIT, RELEASE, Scene, Stage

DUPLICATE, REORDER = 0.5, 0.4
"""Shares of the webhooks that come twice, and that later ones overtake."""


async def deposited(stage: Stage) -> None:
    """By bank debit, which takes its time: nothing is credited before it has succeeded."""
    contract = stage.cast.contract_id
    await stage.stripe.misbehave(duplicate=DUPLICATE, reorder=REORDER)
    wish = {"contractId": contract, "transactionId": stage.cast.deposit_id, "amount": DEPOSIT, "currency": CURRENCY, "method": "bank_debit"}
    await stage.upstream.send(RequestDeposit, wish, stage.cast.client.actor)
    prepared = await stage.log.until(DepositPrepared, contract)
    await stage.stripe.begin_paying(prepared.payment_intent_id)
    await stage.log.until(DepositProcessing, contract)
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


async def refunded(stage: Stage) -> None:
    contract = stage.cast.contract_id
    wish = {
        "contractId": contract,
        "transactionId": stage.cast.refund_id,
        "depositId": stage.cast.deposit_id,
        "amount": DEPOSIT - RELEASE,
        "reason": RefundReason.REQUESTED_BY_CUSTOMER,
    }
    await stage.upstream.send(RefundDeposit, wish, stage.cast.client.actor)
    await stage.log.until(EscrowRefunded, contract)
    await stage.log.until(EscrowClosed, contract)


SCENES = (
    Scene("A deposit of 1,500.00 USD; the payer pays; webhooks come doubled and out of order", deposited),
    Scene("1,200.00 USD are released to the contractor", released),
)
END = Scene("300.00 USD go back to the client; the escrow is closed", refunded)
