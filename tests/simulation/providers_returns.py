"""Stripe's part in money on its way back: refunds of PaymentIntents, reversals of transfers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from contracts.payment.commands import RecordChargeRefunded, RecordRefund, RecordTransferReversed
from contracts.payment.values import RefundStatus
from contracts.types import Id, TransactionId
from tests.simulation.draws_returns import DEPOSITED, RELEASED
from tests.simulation.stripe_keys import KeyedStripe
from workers.services.payment import ports as pay

if TYPE_CHECKING:
    from tests.simulation.providers import Outside, Webhook

ENDS = (RefundStatus.SUCCEEDED, RefundStatus.SUCCEEDED, RefundStatus.FAILED)


class SimulatedReturns(KeyedStripe):
    """PaymentIntents and transfers that it has not seen come into being were there before the run, with the amounts of that time."""

    def __init__(self, outside: Outside, now: Callable[[], int], say: Webhook, memory: float) -> None:
        super().__init__(outside, now, say, memory)
        self._intents: dict[str, pay.Intent] = {}
        self._of: dict[str, pay.Parties] = {}
        self._transfers: dict[str, pay.Transfer] = {}
        self._refunds: dict[str, list[tuple[pay.RefundRequest, pay.Refund]]] = {}
        self._reversals: dict[str, dict[Id, int]] = {}

    # --- refunds -------------------------------------------------------------------------------------------------------

    async def create_refund(self, request: pay.RefundRequest) -> pay.Refund | pay.Problem:
        def make() -> pay.Refund | pay.Refusal:
            intent, made = self._paid(request.intent), self._refunds.setdefault(request.intent, [])
            if request.amount > intent.amount_received - self._total(request.intent):
                return pay.Refusal(400, "charge_already_refunded", "more than is left of it", self._time)
            transaction = request.parties.transaction_id
            self._outside.done["refund", transaction] += 1
            status = RefundStatus.PENDING if self._outside.network.spread(1.0) < 0.3 else RefundStatus.SUCCEEDED
            name = f"re_{transaction[:8]}_{self._outside.done['refund', transaction]}"
            refund = pay.Refund(name, request.amount, intent.currency, status, None, self._time)
            made.append((request, refund))
            self._tell_refund(request, refund)
            if status is RefundStatus.PENDING:
                self._outside.network.late(1.0, lambda: self._bank_answers(request, refund))
            return refund

        return await self._asked(request.key, request, make)

    def _paid(self, intent: str) -> pay.Intent:
        before = pay.Intent(intent, pay.IntentStatus.SUCCEEDED, DEPOSITED, DEPOSITED, "USD", f"ch_{intent}", None, self._time)
        return self._intents.get(intent, before)

    def _total(self, intent: str) -> int:
        """Of what did not bounce."""
        return sum(refund.amount for _, refund in self._refunds.get(intent, ()) if refund.status is not RefundStatus.FAILED)

    def _bank_answers(self, request: pay.RefundRequest, refund: pay.Refund) -> None:
        status = ENDS[int(self._outside.network.spread(len(ENDS)))]
        ended = replace(refund, status=status, failure_reason="declined" if status is RefundStatus.FAILED else None, as_of=self._time)
        made = self._refunds[request.intent]
        made[made.index((request, refund))] = (request, ended)
        self._tell_refund(request, ended)

    def _tell_refund(self, request: pay.RefundRequest, refund: pay.Refund) -> None:
        ids = {"contract_id": request.parties.contract_id, "deposit_id": request.deposit_id}
        self._deliver(
            RecordRefund(
                **ids,
                refund_id=refund.id,
                transaction_id=request.parties.transaction_id,
                amount=refund.amount,
                currency=refund.currency,
                status=refund.status,
                failure_reason=refund.failure_reason,
                event_created=self._time,
            )
        )
        total = self._total(request.intent)
        if refund.status is not RefundStatus.FAILED:
            charge = self._paid(request.intent).charge_id or ""
            self._deliver(RecordChargeRefunded(**ids, charge_id=charge, amount_refunded=total, event_created=self._time))

    async def find_refund(self, intent: str, transaction: TransactionId) -> pay.Refund | pay.NoAnswer | None:
        def find() -> pay.Refund | None:
            made = self._refunds.get(intent, ())
            return next((refund for request, refund in made if request.parties.transaction_id == transaction), None)

        return await self._read(find)

    # --- reversals -----------------------------------------------------------------------------------------------------

    async def reverse_transfer(self, request: pay.ReversalRequest) -> pay.Transfer | pay.Problem:
        def make() -> pay.Transfer | pay.Refusal:
            transfer = self._transfer(request.transfer)
            if request.amount > transfer.amount - transfer.amount_reversed:
                return pay.Refusal(400, "parameter_invalid_integer", "more than is left of it", self._time)
            self._outside.done["reversal", f"{request.parties.transaction_id}/{request.reversal_id}"] += 1
            self._reversals.setdefault(transfer.id, {})[request.reversal_id] = request.amount
            reversed_ = replace(transfer, amount_reversed=transfer.amount_reversed + request.amount)
            self._transfers[transfer.id] = reversed_
            self._of.setdefault(transfer.id, request.parties)
            self._deliver(
                RecordTransferReversed(
                    contract_id=request.parties.contract_id,
                    transaction_id=request.parties.transaction_id,
                    transfer_id=transfer.id,
                    amount_reversed=reversed_.amount_reversed,
                )
            )
            return reversed_

        return await self._asked(request.key, request, make)

    def _transfer(self, transfer: str) -> pay.Transfer:
        return self._transfers.get(transfer, pay.Transfer(transfer, RELEASED, "USD", "acct_0"))

    async def find_reversal(self, transfer: str, reversal: Id) -> pay.Transfer | pay.NoAnswer | None:
        return await self._read(lambda: self._transfer(transfer) if reversal in self._reversals.get(transfer, {}) else None)
