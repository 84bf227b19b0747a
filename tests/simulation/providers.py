"""The outside: a payment provider with idempotency keys, documents. Each counts what it did."""

import hashlib
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from contracts.clear import Clear, Redacted
from contracts.message import CommandData
from contracts.payment.commands import RecordDepositCancelled, RecordDepositProcessing, RecordDepositSucceeded, RecordTransferCreated
from contracts.types import BankDetailsId, CommandId, ContractId, ContractorId, EffectId, Hash, Timestamp, TransactionId
from tests.simulation.draws import PDF
from tests.simulation.faults import Fault, Faults
from tests.simulation.network import Network
from tests.simulation.providers_returns import SimulatedReturns
from workers.services.contract.ports import Document, DocumentStoreUnavailableError, Rendered, RenderingInterruptedError
from workers.services.payment import ports as pay

R = TypeVar("R")

Webhook = Callable[[CommandId, CommandData], None]


class Outside:
    """How calls go wrong, and what was really done: ``done`` counts by (kind, of what)."""

    def __init__(self, network: Network, faults: Faults) -> None:
        self.network, self._faults = network, faults
        self.done: Counter[tuple[str, str]] = Counter()
        self.unforeseen: list[str] = []

    async def call(self, do: Callable[[], R]) -> tuple[R | None, str]:
        """The answer, or None and why there is none: "away" (nothing happened) or "lost"."""
        await self.network.hop()
        struck = self._faults.first(Fault.PROVIDER_AWAY, Fault.PROVIDER_LOST, Fault.PROVIDER_HAPPENED, Fault.PROVIDER_HANGS)
        if struck is Fault.PROVIDER_AWAY:
            return None, "away"
        if struck is Fault.PROVIDER_HANGS:
            self.network.late(1.0, do)
            await self.network.silence()
        answer = do() if struck is not Fault.PROVIDER_LOST else None
        await self.network.hop()
        return (None, "lost") if struck else (answer, "")

    def errs(self) -> bool:
        """Whether a provider that keeps its answers keeps an error this time."""
        return self._faults.strikes(Fault.PROVIDER_ERROR)


class SimulatedStripe(SimulatedReturns):
    """One object a key, whatever is repeated while the key lives."""

    # --- deposits ------------------------------------------------------------------------------------------------------

    async def create_intent(self, request: pay.IntentRequest) -> pay.Intent | pay.Problem:
        def make() -> pay.Intent:
            transaction = request.parties.transaction_id
            self._outside.done["intent", transaction] += 1
            name = f"pi_{transaction[:8]}_{self._outside.done['intent', transaction]}"
            intent = pay.Intent(name, pay.IntentStatus.OPEN, request.amount, 0, request.currency, None, None, self._time)
            self._intents[name], self._of[name] = intent, request.parties
            self._outside.network.late(1.0, lambda: self._payer(name))
            return intent

        return await self._asked(request.key, request, make)

    def _payer(self, name: str) -> None:
        """Pays, mostly; otherwise leaves it open."""
        intent, parties = self._intents[name], self._of[name]
        if intent.status is not pay.IntentStatus.OPEN or self._outside.network.spread(1.0) < 0.25:
            return
        paid = pay.Intent(name, pay.IntentStatus.SUCCEEDED, intent.amount, intent.amount, intent.currency, f"ch_{name}", None, self._time)
        self._intents[name] = paid
        ids = {"contract_id": parties.contract_id, "transaction_id": parties.transaction_id}
        self._deliver(RecordDepositProcessing(**ids, payment_intent_id=name, event_created=self._time))
        self._deliver(
            RecordDepositSucceeded(
                **ids,
                payment_intent_id=name,
                charge_id=f"ch_{name}",
                amount=intent.amount,
                amount_received=intent.amount,
                currency=intent.currency,
                event_created=self._time,
            )
        )

    async def find_intent(self, transaction: TransactionId) -> pay.Intent | pay.NoAnswer | None:
        return await self._read(lambda: next((i for i in self._intents.values() if self._of[i.id].transaction_id == transaction), None))

    async def get_intent(self, intent: str) -> pay.Intent | pay.Problem:
        return await self._read(lambda: self._intents[intent])

    async def cancel_intent(self, intent: str, key: EffectId) -> pay.Intent | pay.Problem:
        def make() -> pay.Intent | pay.Refusal:
            known = self._intents.get(intent)
            if known is None or known.status is pay.IntentStatus.SUCCEEDED:
                return pay.Refusal(400, "payment_intent_unexpected_state", "cannot be cancelled", self._time)
            cancelled = pay.Intent(
                intent, pay.IntentStatus.CANCELLED, known.amount, 0, known.currency, None, "requested_by_customer", self._time
            )
            self._intents[intent] = cancelled
            parties = self._of[intent]
            ids = {"contract_id": parties.contract_id, "transaction_id": parties.transaction_id}
            self._deliver(RecordDepositCancelled(**ids, reason="requested_by_customer", event_created=self._time))
            return cancelled

        return await self._asked(key, intent, make)

    # --- releases ------------------------------------------------------------------------------------------------------

    async def create_transfer(self, request: pay.TransferRequest) -> pay.Transfer | pay.Problem:
        def make() -> pay.Transfer:
            transaction = request.parties.transaction_id
            self._outside.done["transfer", transaction] += 1
            name = f"tr_{transaction[:8]}_{self._outside.done['transfer', transaction]}"
            transfer = pay.Transfer(name, request.amount, request.currency, request.destination)
            self._transfers[name], self._of[name] = transfer, request.parties
            self._deliver(
                RecordTransferCreated(
                    contract_id=request.parties.contract_id,
                    transaction_id=transaction,
                    transfer_id=name,
                    amount=request.amount,
                    currency=request.currency,
                    destination=request.destination,
                )
            )
            return transfer

        return await self._asked(request.key, request, make)

    async def find_transfer(self, contract: ContractId, transaction: TransactionId) -> pay.Transfer | pay.NoAnswer | None:
        def find() -> pay.Transfer | None:
            return next((t for t in self._transfers.values() if self._of[t.id].transaction_id == transaction), None)

        return await self._read(find)

    # --- payees --------------------------------------------------------------------------------------------------------

    async def create_account(self, request: pay.AccountRequest) -> pay.Account | pay.Problem:
        def make() -> pay.Account:
            self._outside.done["account", request.key] += 1
            return self._account(f"acct_{request.key[:8]}")

        return await self._asked(request.key, request, make)

    def _account(self, name: str) -> pay.Account:
        return pay.Account(name, True, True, (), None, self._time)

    async def get_account(self, account: str) -> pay.Account | pay.Problem:
        return await self._read(lambda: self._account(account))

    async def attach_bank(self, request: pay.BankRequest) -> pay.Bank | pay.Problem:
        return await self._asked(request.key, request.bank_details_id, lambda: pay.Bank(f"ba_{request.bank_details_id[:8]}"))

    async def find_bank(self, account: str, bank_details: BankDetailsId) -> pay.Bank | pay.NoAnswer | None:
        return await self._read(lambda: None)

    async def make_default(self, account: str, bank: str, key: EffectId) -> pay.Bank | pay.Problem:
        return await self._asked(key, bank, lambda: pay.Bank(bank))

    async def detach_bank(self, account: str, bank: str, key: EffectId) -> pay.Bank | pay.Problem:
        return await self._asked(key, bank, lambda: pay.Bank(bank))

    async def open(self, sealed: str, contractor: ContractorId) -> Clear | Redacted:
        return Clear("12345678")


class SimulatedDocuments:
    """Renderer, store and reader in one: the same bytes for every document."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self.renderer = self.store = self.reader = self

    async def render(self, document: Document) -> Rendered:
        answer, _ = await self._outside.call(lambda: PDF)
        if answer is None:
            raise RenderingInterruptedError
        return Rendered(answer, 1)

    async def put(self, key: str, content: bytes, *, retain_until: Timestamp | None = None) -> Hash:
        answer, _ = await self._outside.call(lambda: hashlib.sha256(content).hexdigest())
        if answer is None:
            raise DocumentStoreUnavailableError
        return answer

    async def open(self, sealed: str) -> Clear | Redacted:
        return Clear("Somebody")
