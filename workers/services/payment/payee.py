"""A payee: the contractor's connected account at Stripe, and whether money can reach it. Banks stand in banks.py."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TypedDict

from pydantic import Field

from contracts.contractor import BankAction, KycStatus
from contracts.message import EventData, Value
from contracts.payment.commands import (
    RetryPayeeAccount,
    SyncPayee,
)
from contracts.payment.events import (
    PayeeAccountRequested,
    PayeeBlocked,
    PayeeReady,
)
from contracts.payment.values import BlockedReason, CurrencyCode, Requirements
from contracts.types import (
    BankDetailsId,
    BankNumber,
    CommandId,
    ContractorId,
    Country,
    DecisionTime,
    ProviderId,
    Sealed,
    Text200,
    Timestamp,
    TransactionId,
    UserId,
)
from workers.engine.aggregate import Aggregate, Items
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, ItemRef, Refused
from workers.engine.row import Row
from workers.services.payment.escrow import ESCROWS, TRANSACTIONS, is_admin, row_ref
from workers.services.payment.ledger import Transaction

DEAUTHORIZED = "deauthorized"
"""The ``disabled_reason`` of an account that left the platform."""
MOST_ANSWERS = 30
"""Results of effects that a payee remembers."""


class AccountState(StrEnum):
    NONE = "none"
    REQUESTED = "requested"
    CREATED = "created"
    FAILED = "failed"


class BankState(StrEnum):
    """WAITING: for the account to exist. REQUESTED: one step is at Stripe, the next one waits for its result."""

    WAITING = "waiting"
    REQUESTED = "requested"
    SYNCED = "synced"
    FAILED = "failed"


class Bank(Value):
    """``wanted`` is the newest wish. The numbers stay only until Stripe has them or refused them."""

    state: BankState
    wanted: BankAction
    external_account_id: ProviderId | None = None
    account_number: Sealed[BankNumber] | None = None
    routing_number: Sealed[BankNumber] | None = None
    currency: CurrencyCode | None = None
    country: Country | None = None


class PayoutTrouble(Value):
    """The last payout that bounced; a later one that is paid clears it."""

    payout_id: ProviderId
    since: Timestamp


class Payee(Row):
    """``account_requests`` counts the calls for an account; ``account_as_of`` is Stripe's time of the newest status.

    ``answers``: effects' last results that changed something. They name no step, so one that came again later would end another's.
    """

    user_id: UserId | None = None
    country: Country | None = None
    kyc_status: KycStatus | None = None
    kyc_decided_at: DecisionTime | None = None
    stripe_account_id: ProviderId | None = None
    account_state: AccountState = AccountState.NONE
    account_requests: int = 0
    transfers_active: bool = False
    payouts_enabled: bool = False
    requirements_due: Requirements = ()
    disabled_reason: Text200 | None = None
    account_as_of: Timestamp | None = None
    ready: bool = False
    banks: dict[BankDetailsId, Bank] = Field(default_factory=dict)
    payout_trouble: PayoutTrouble | None = None
    answers: tuple[CommandId, ...] = ()

    def to_item(self) -> dict[str, Any]:
        return {name: value for name, value in super().to_item().items() if value or name != "answers"}

    @property
    def block(self) -> BlockedReason | None:
        """Why money can't reach this payee; None when it can."""
        if self.kyc_status is not KycStatus.VERIFIED:
            return BlockedReason.KYC
        if self.disabled_reason == DEAUTHORIZED:
            return BlockedReason.DEAUTHORIZED
        if self.account_state is not AccountState.CREATED or not self.transfers_active:
            return BlockedReason.TRANSFERS
        return None if self.payouts_enabled else BlockedReason.PAYOUTS


class Person(TypedDict):
    """What every payee event says."""

    contractor_id: ContractorId
    user_id: UserId


@dataclass(frozen=True, slots=True)
class PayeeState:
    """``owners``: contractor of each connected account that the command names, by claim. ``payouts``: the row it names."""

    contractor_id: ContractorId
    payee: Payee | None = None
    owners: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    payouts: Mapping[TransactionId, Transaction] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def known(self) -> Payee | None:
        """The payee once it has a person: bank wishes may come first, facts of Stripe can't."""
        return self.payee if self.payee and self.payee.user_id else None

    def said(self) -> Person:
        """Raises LookupError for a payee without a person: decisions ask only for a known one."""
        if self.payee is None or self.payee.user_id is None:
            raise LookupError(f"payee {self.contractor_id} has no user yet")
        return Person(contractor_id=self.contractor_id, user_id=self.payee.user_id)

    def heard(self, command: CommandId) -> bool:
        """Whether this result was judged before."""
        return self.payee is not None and command in self.payee.answers

    def hearing(self, command: CommandId) -> "PayeeState":
        return self.with_payee(answers=(*(self.payee or Payee()).answers, command)[-MOST_ANSWERS:])

    def with_payee(self, **changes: object) -> "PayeeState":
        return replace(self, payee=(self.payee or Payee()).model_copy(update=changes))


def settle(state: PayeeState, events: Iterable[EventData], at: Timestamp) -> Accepted[PayeeState]:
    """Says, after ``events``, whether the payee became ready or blocked by what changed."""
    payee = state.payee or Payee()
    ready = payee.block is None
    if ready == payee.ready:
        return Accepted(state, tuple(events))
    # `at` never goes back under one key, while Stripe's and the identity provider's times can't be compared with each other.
    said = PayeeReady(**state.said(), as_of=at) if ready else _blocked(state, payee, at)
    return Accepted(state.with_payee(ready=ready), (*events, said))


def _blocked(state: PayeeState, payee: Payee, at: Timestamp) -> PayeeBlocked:
    reason = payee.block or BlockedReason.TRANSFERS
    return PayeeBlocked(**state.said(), reason=reason, requirements_due=payee.requirements_due, as_of=at)


# --- the person ----------------------------------------------------------------------------------------------------


def sync_payee(state: PayeeState, command: Command[SyncPayee], at: Timestamp) -> Decision[PayeeState]:
    data, payee = command.data, state.payee or Payee()
    if payee.kyc_decided_at and not _is_newer(payee, data):
        return UNCHANGED
    state = state.with_payee(user_id=data.user_id, country=data.country, kyc_status=data.kyc_status, kyc_decided_at=data.decision_time)
    if data.kyc_status is KycStatus.VERIFIED and payee.account_state is AccountState.NONE:
        return _request_account(state, at)
    return settle(state, (), at)


def _is_newer(payee: Payee, data: SyncPayee) -> bool:
    """Of two verdicts at the same instant the rejection counts, as it does in kyc."""
    decided_at = payee.kyc_decided_at or ""
    overturned = payee.kyc_status is KycStatus.VERIFIED and data.kyc_status is KycStatus.REJECTED
    return data.decision_time > decided_at or (data.decision_time == decided_at and overturned)


def retry_payee_account(state: PayeeState, command: Command[RetryPayeeAccount], at: Timestamp) -> Decision[PayeeState]:
    payee = state.known
    if payee is None:
        return Refused("not_found")
    if not is_admin(command.actor):
        return Refused("forbidden")
    if payee.account_state is not AccountState.FAILED:
        return Refused("invalid_state") if payee.account_state is AccountState.NONE else UNCHANGED
    return _request_account(state, at)


def _request_account(state: PayeeState, at: Timestamp) -> Accepted[PayeeState]:
    payee = state.payee or Payee()
    number = payee.account_requests + 1
    state = state.with_payee(account_state=AccountState.REQUESTED, account_requests=number)
    return settle(state, (PayeeAccountRequested(**state.said(), country=payee.country or "", n=number),), at)


# --- at rest -------------------------------------------------------------------------------------------------------


def payee_key(contractor: str) -> str:
    return f"PAYEE#{contractor}"


def account_ref(account: str) -> ItemRef:
    """The claim that makes a connected account one contractor's."""
    return ItemRef(ESCROWS, f"ACCT#{account}")


def load(key: str, items: Items) -> PayeeState:
    payee = items.get(ItemRef(ESCROWS, payee_key(key)))
    payouts = {TransactionId(ref.key): Transaction.from_item(item) for ref, item in items.items() if ref.table == TRANSACTIONS}
    owners = {ref.key.removeprefix("ACCT#"): str(item["contractorId"]) for ref, item in items.items() if ref.key.startswith("ACCT#")}
    return PayeeState(ContractorId(key), Payee.from_item(payee) if payee else None, MappingProxyType(owners), MappingProxyType(payouts))


def save(state: PayeeState) -> Items:
    rows: dict[ItemRef, dict[str, Any]] = {row_ref(row.id): row.to_item() for row in state.payouts.values()}
    if state.payee is None:
        return rows
    own = payee_key(state.contractor_id)
    return rows | {ItemRef(ESCROWS, own): {"contractId": own, **state.payee.to_item()}}


PAYEE = Aggregate(table=ESCROWS, load=load, save=save, root_key=payee_key)
