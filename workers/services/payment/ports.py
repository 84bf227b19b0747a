"""What payment's effects need of a payment provider. Amounts are minor units; every ``key`` makes a repeat of its call harmless.

No method retries, and none raises for what the provider says: it answers with the object or with one of the four problems.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias

from contracts.clear import Clear, Redacted
from contracts.payment.values import DepositMethod, RefundReason, RefundStatus
from contracts.types import BankDetailsId, ContractId, ContractorId, EffectId, Id, Timestamp, TransactionId


@dataclass(frozen=True, slots=True)
class Refusal:
    """The provider said no, and will say no again. ``as_of``: its own time of the answer."""

    status: int
    code: str
    message: str
    as_of: Timestamp


@dataclass(frozen=True, slots=True)
class Unavailable:
    """It certainly did nothing, or repeating under the same key is safe. ``after``: its own wish, in seconds."""

    reason: str
    after: float | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """The call may have happened. ``replayed``: this key will only ever give the same stored error, so only a look-up can tell."""

    reason: str
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Defect:
    """Our request contradicts an earlier one under its key: a bug, for people."""

    reason: str


Problem: TypeAlias = Refusal | Unavailable | Lost | Defect
NoAnswer: TypeAlias = Unavailable | Defect
"""All that can go wrong with a look-up: a refused question is no verdict on what was asked about."""


@dataclass(frozen=True, slots=True)
class Parties:
    """What every object at the provider is marked with, so that its webhooks find their way back."""

    contract_id: ContractId
    transaction_id: TransactionId
    client_id: str
    contractor_id: ContractorId
    environment: str


@dataclass(frozen=True, slots=True)
class IntentRequest:
    key: EffectId
    amount: int
    currency: str
    method: DepositMethod
    parties: Parties


class IntentStatus(StrEnum):
    """OPEN stands for every status in which the payer still has to do something."""

    OPEN = "open"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Intent:
    """``as_of``: the provider's time of this answer."""

    id: str
    status: IntentStatus
    amount: int
    amount_received: int
    currency: str
    charge_id: str | None
    cancellation_reason: str | None
    as_of: Timestamp


@dataclass(frozen=True, slots=True)
class TransferRequest:
    """``source_charge_id``: the charge whose money it is, so that it may leave before the charge settles."""

    key: EffectId
    amount: int
    currency: str
    destination: str
    source_charge_id: str | None
    parties: Parties


@dataclass(frozen=True, slots=True)
class Transfer:
    """``amount_reversed``: what has come back of it so far."""

    id: str
    amount: int
    currency: str
    destination: str
    amount_reversed: int = 0


@dataclass(frozen=True, slots=True)
class RefundRequest:
    key: EffectId
    intent: str
    amount: int
    reason: RefundReason
    deposit_id: TransactionId
    parties: Parties


@dataclass(frozen=True, slots=True)
class Refund:
    """``as_of``: the provider's time of this answer."""

    id: str
    amount: int
    currency: str
    status: RefundStatus
    failure_reason: str | None
    as_of: Timestamp


@dataclass(frozen=True, slots=True)
class ReversalRequest:
    key: EffectId
    transfer: str
    reversal_id: Id
    amount: int
    parties: Parties


@dataclass(frozen=True, slots=True)
class AccountRequest:
    key: EffectId
    country: str
    contractor_id: ContractorId
    environment: str


@dataclass(frozen=True, slots=True)
class Account:
    """A connected account; ``as_of``: the provider's time of this answer."""

    id: str
    transfers_active: bool
    payouts_enabled: bool
    requirements_due: tuple[str, ...]
    disabled_reason: str | None
    as_of: Timestamp


@dataclass(frozen=True, slots=True, repr=False)
class BankRequest:
    """Holds bank numbers in clear; it has no repr, so that no log or traceback shows them."""

    key: EffectId
    account: str
    bank_details_id: BankDetailsId
    account_number: Clear
    routing_number: Clear | None
    currency: str
    country: str
    environment: str


@dataclass(frozen=True, slots=True)
class Bank:
    """An external account of a connected account. ``is_default``: for its currency, as far as the answer says."""

    id: str
    is_default: bool = False


class PaymentProvider(Protocol):
    """Stripe, as payment sees it. Every method waits for the network; a call that dies here may or may not have happened."""

    async def create_intent(self, request: IntentRequest) -> Intent | Problem: ...

    async def find_intent(self, transaction: TransactionId) -> Intent | NoAnswer | None:
        """None: no such PaymentIntent in the provider's search, which may be a minute behind."""

    async def get_intent(self, intent: str) -> Intent | Problem: ...

    async def cancel_intent(self, intent: str, key: EffectId) -> Intent | Problem: ...

    async def create_transfer(self, request: TransferRequest) -> Transfer | Problem: ...

    async def find_transfer(self, contract: ContractId, transaction: TransactionId) -> Transfer | NoAnswer | None:
        """None: none of the contract's transfers is this transaction's."""

    async def create_refund(self, request: RefundRequest) -> Refund | Problem: ...

    async def find_refund(self, intent: str, transaction: TransactionId) -> Refund | NoAnswer | None:
        """None: none of the PaymentIntent's refunds is this transaction's."""

    async def reverse_transfer(self, request: ReversalRequest) -> Transfer | Problem:
        """The transfer, as it stands after the reversal."""

    async def find_reversal(self, transfer: str, reversal: Id) -> Transfer | NoAnswer | None:
        """The transfer, if it has a reversal of this id."""

    async def create_account(self, request: AccountRequest) -> Account | Problem: ...

    async def get_account(self, account: str) -> Account | Problem: ...

    async def attach_bank(self, request: BankRequest) -> Bank | Problem: ...

    async def find_bank(self, account: str, bank_details: BankDetailsId) -> Bank | NoAnswer | None: ...

    async def make_default(self, account: str, bank: str, key: EffectId) -> Bank | Problem: ...

    async def detach_bank(self, account: str, bank: str, key: EffectId) -> Bank | Problem: ...

    async def open(self, sealed: str, contractor: ContractorId) -> Clear | Redacted:
        """A bank number in clear, for the one call it is needed for. Redacted: its key is destroyed. Raises KeysUnavailable."""
