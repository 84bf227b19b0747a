"""The timers of a contract (domain.md 6): a date each, by name and contract."""

from contracts.contract.commands import CompleteContract, ExpireContractOffer, NoticeContractEnding, RemindContractSigning
from contracts.timestamps import end_of, plus
from contracts.types import ContractId, Day, Timestamp
from workers.engine.decision import CancelTimer, ScheduleTimer

REMIND_AFTER_DAYS = 7
SIGN_WITHIN_DAYS = 30
NOTICE_BEFORE_DAYS = 7

_REMINDER, _DEADLINE = "contract-sign-reminder", "contract-signing-deadline"
_NOTICE, _END = "contract-end-notice", "contract-end"


def sign_by(sent_at: Timestamp) -> Timestamp:
    return plus(sent_at, days=SIGN_WITHIN_DAYS)


def reminder_due(deadline: Timestamp) -> Timestamp:
    return plus(deadline, days=REMIND_AFTER_DAYS - SIGN_WITHIN_DAYS)


def notice_due(end: Day) -> Timestamp:
    return plus(end_of(end), days=-NOTICE_BEFORE_DAYS)


def signing_timers(contract: ContractId, deadline: Timestamp) -> tuple[ScheduleTimer, ...]:
    return (
        ScheduleTimer(_REMINDER, contract, reminder_due(deadline), RemindContractSigning(contract_id=contract)),
        ScheduleTimer(_DEADLINE, contract, deadline, ExpireContractOffer(contract_id=contract)),
    )


def without_signing_timers(contract: ContractId) -> tuple[CancelTimer, ...]:
    return CancelTimer(_REMINDER, contract), CancelTimer(_DEADLINE, contract)


def end_timers(contract: ContractId, end: Day | None, at: Timestamp) -> tuple[ScheduleTimer, ...]:
    """No notice of an end that is nearer than the notice."""
    if end is None:
        return ()
    ending = ScheduleTimer(_END, contract, end_of(end), CompleteContract(contract_id=contract))
    notice = ScheduleTimer(_NOTICE, contract, notice_due(end), NoticeContractEnding(contract_id=contract))
    return (notice, ending) if notice.due_at > at else (ending,)


def without_end_timers(contract: ContractId, end: Day | None) -> tuple[CancelTimer, ...]:
    return (CancelTimer(_NOTICE, contract), CancelTimer(_END, contract)) if end else ()
