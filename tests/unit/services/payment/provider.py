"""A payment provider that gives the answers it was told to give and keeps what it was asked."""

from collections.abc import Mapping

from contracts.clear import Clear, Redacted
from contracts.types import BankDetailsId, ContractId, ContractorId, EffectId, Id, TransactionId
from workers.services.payment.ports import (
    Account,
    AccountRequest,
    Bank,
    BankRequest,
    Intent,
    IntentRequest,
    NoAnswer,
    Problem,
    Refund,
    RefundRequest,
    ReversalRequest,
    Transfer,
    TransferRequest,
)

Answer = Intent | Transfer | Refund | Account | Bank | Problem | None


class Scripted:
    """``answers``: method -> its answers, in order; the last one stays. An unscripted call is a KeyError, so none goes unseen."""

    def __init__(self, **answers: Answer | list[Answer]) -> None:
        self._answers: Mapping[str, list[Answer]] = {
            name: list(given) if isinstance(given, list) else [given] for name, given in answers.items()
        }
        self.asked: list[tuple[str, object]] = []

    @property
    def methods(self) -> list[str]:
        return [method for method, _ in self.asked]

    def _next(self, method: str, request: object) -> Answer:
        self.asked.append((method, request))
        answers = self._answers[method]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    async def create_intent(self, request: IntentRequest) -> Intent | Problem:
        return self._next("create_intent", request)  # type: ignore[return-value]  # a test scripts what fits the method

    async def find_intent(self, transaction: TransactionId) -> Intent | NoAnswer | None:
        return self._next("find_intent", transaction)  # type: ignore[return-value]  # as above

    async def get_intent(self, intent: str) -> Intent | Problem:
        return self._next("get_intent", intent)  # type: ignore[return-value]  # as above

    async def cancel_intent(self, intent: str, key: EffectId) -> Intent | Problem:
        return self._next("cancel_intent", (intent, key))  # type: ignore[return-value]  # as above

    async def create_transfer(self, request: TransferRequest) -> Transfer | Problem:
        return self._next("create_transfer", request)  # type: ignore[return-value]  # as above

    async def find_transfer(self, contract: ContractId, transaction: TransactionId) -> Transfer | NoAnswer | None:
        return self._next("find_transfer", (contract, transaction))  # type: ignore[return-value]  # as above

    async def create_refund(self, request: RefundRequest) -> Refund | Problem:
        return self._next("create_refund", request)  # type: ignore[return-value]  # as above

    async def find_refund(self, intent: str, transaction: TransactionId) -> Refund | NoAnswer | None:
        return self._next("find_refund", (intent, transaction))  # type: ignore[return-value]  # as above

    async def reverse_transfer(self, request: ReversalRequest) -> Transfer | Problem:
        return self._next("reverse_transfer", request)  # type: ignore[return-value]  # as above

    async def find_reversal(self, transfer: str, reversal: Id) -> Transfer | NoAnswer | None:
        return self._next("find_reversal", (transfer, reversal))  # type: ignore[return-value]  # as above

    async def create_account(self, request: AccountRequest) -> Account | Problem:
        return self._next("create_account", request)  # type: ignore[return-value]  # as above

    async def get_account(self, account: str) -> Account | Problem:
        return self._next("get_account", account)  # type: ignore[return-value]  # as above

    async def attach_bank(self, request: BankRequest) -> Bank | Problem:
        return self._next("attach_bank", request)  # type: ignore[return-value]  # as above

    async def find_bank(self, account: str, bank_details: BankDetailsId) -> Bank | NoAnswer | None:
        return self._next("find_bank", (account, bank_details))  # type: ignore[return-value]  # as above

    async def make_default(self, account: str, bank: str, key: EffectId) -> Bank | Problem:
        return self._next("make_default", (account, bank, key))  # type: ignore[return-value]  # as above

    async def detach_bank(self, account: str, bank: str, key: EffectId) -> Bank | Problem:
        return self._next("detach_bank", (account, bank, key))  # type: ignore[return-value]  # as above

    async def open(self, sealed: str, contractor: ContractorId) -> Clear | Redacted:
        """Sealed texts that end in GONE belong to somebody whose key is destroyed."""
        self.asked.append(("open", contractor))
        return Redacted.ERASED if sealed.endswith("GONE") else Clear(f"clear:{sealed[-4:]}")
