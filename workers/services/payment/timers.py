"""The timers of an escrow: when each is due and which command it sends."""

from contracts.payment.commands import CancelDeposit, RemindEscrowClosing, RetryRelease
from contracts.timestamps import plus
from contracts.types import ContractId, Timestamp, TransactionId
from workers.engine.decision import CancelTimer, ScheduleTimer

ABANDON = "deposit-abandon"
RETRY = "release-retry"
CLOSING = "escrow-closing-reminder"

_RETRY_HOURS = (1, 6)
"""After the first and second attempt; every later one waits a day."""


def deposit_abandon(contract: ContractId, deposit: TransactionId, at: Timestamp) -> ScheduleTimer:
    return ScheduleTimer(ABANDON, deposit, plus(at, days=7), CancelDeposit(contract_id=contract, transaction_id=deposit))


def no_deposit_abandon(deposit: TransactionId) -> CancelTimer:
    return CancelTimer(ABANDON, deposit)


def release_retry(contract: ContractId, release: TransactionId, attempt: int, at: Timestamp) -> ScheduleTimer:
    hours = _RETRY_HOURS[attempt - 1] if attempt <= len(_RETRY_HOURS) else 24
    return ScheduleTimer(RETRY, release, plus(at, hours=hours), RetryRelease(contract_id=contract, transaction_id=release))


def no_release_retry(release: TransactionId) -> CancelTimer:
    return CancelTimer(RETRY, release)


def closing_reminder(contract: ContractId, at: Timestamp) -> ScheduleTimer:
    return ScheduleTimer(CLOSING, contract, plus(at, days=14), RemindEscrowClosing(contract_id=contract))
