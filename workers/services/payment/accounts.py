"""The connected account of a payee: recorded once, claimed for its contractor, its status kept in Stripe's own order."""

from dataclasses import dataclass, replace
from typing import Any

from contracts.message import EventData
from contracts.payment.commands import (
    RecordPayeeAccountCreated,
    RecordPayeeAccountFailed,
    RecordPayeeAccountStatus,
    RefreshPayeeAccount,
)
from contracts.payment.events import PayeeAccountCreated, PayeeAccountFailed, PayeeAccountRefreshRequested
from contracts.types import CommandId, ProviderId, Timestamp
from workers.engine.aggregate import Read
from workers.engine.decision import UNCHANGED, Accepted, Claim, Command, Decision, Refused
from workers.services.payment.banks import send_waiting
from workers.services.payment.escrow import is_system
from workers.services.payment.payee import AccountState, Payee, PayeeState, account_ref, settle

ACCOUNT_TAKEN = "account_taken"


def named_account(_state: PayeeState, command: Command[Any]) -> tuple[Read, ...]:
    return (Read(account_ref(command.data.stripe_account_id), shared=True),)


@dataclass(frozen=True, slots=True)
class _Recorded:
    state: PayeeState
    events: tuple[EventData, ...] = ()
    claims: tuple[Claim, ...] = ()


def record_payee_account_created(state: PayeeState, command: Command[RecordPayeeAccountCreated], at: Timestamp) -> Decision[PayeeState]:
    payee = state.known
    if payee is None:
        return Refused("not_found")
    if payee.stripe_account_id:
        return UNCHANGED
    recorded = _recorded(state, command.data.stripe_account_id)
    if recorded is None:
        return _taken(state, payee, command.id)
    return _accepted(recorded, at)


def record_payee_account_failed(state: PayeeState, command: Command[RecordPayeeAccountFailed], _at: Timestamp) -> Decision[PayeeState]:
    payee = state.known
    if payee is None:
        return Refused("not_found")
    if payee.account_state is not AccountState.REQUESTED:
        return UNCHANGED
    state = state.with_payee(account_state=AccountState.FAILED)
    return Accepted(state, (PayeeAccountFailed(**state.said(), code=command.data.code),))


def record_payee_account_status(state: PayeeState, command: Command[RecordPayeeAccountStatus], at: Timestamp) -> Decision[PayeeState]:
    payee, data = state.known, command.data
    if payee is None:
        return Refused("not_found")
    if payee.stripe_account_id not in (None, data.stripe_account_id) or data.event_created < (payee.account_as_of or ""):
        return UNCHANGED
    if data.fetched and state.heard(command.id):
        return UNCHANGED
    if data.event_created == payee.account_as_of and not data.fetched:
        # Two statuses of one second: only Stripe knows which is the newer.
        return UNCHANGED if _content(payee) == _content(data) else _ask(state, data.stripe_account_id)
    recorded = _Recorded(state) if payee.stripe_account_id else _recorded(state, data.stripe_account_id)
    if recorded is None:
        return _taken(state, payee, command.id)
    recorded = _with_status(recorded, data)
    return _accepted(replace(recorded, state=recorded.state.hearing(command.id)) if data.fetched else recorded, at)


def refresh_payee_account(state: PayeeState, command: Command[RefreshPayeeAccount], _at: Timestamp) -> Decision[PayeeState]:
    payee = state.known
    if payee is None:
        return Refused("not_found")
    if not (is_system(command.actor) or command.actor.startswith("admin:")):
        return Refused("forbidden")
    if payee.stripe_account_id is None:
        return UNCHANGED if is_system(command.actor) else Refused("invalid_state")
    return _ask(state, payee.stripe_account_id)


def _recorded(state: PayeeState, account: ProviderId) -> _Recorded | None:
    """The payee with this account, and the bank wishes that waited for it. None when the account is another contractor's."""
    owner = state.owners.get(account)
    if owner not in (None, state.contractor_id):
        return None
    ref = account_ref(account)
    claims = () if owner else (Claim(ref, {"contractId": ref.key, "contractorId": state.contractor_id}),)
    state = state.with_payee(stripe_account_id=account, account_state=AccountState.CREATED)
    state, requests = send_waiting(state)
    return _Recorded(state, (PayeeAccountCreated(**state.said(), stripe_account_id=account), *requests), claims)


def _taken(state: PayeeState, payee: Payee, command: CommandId) -> Decision[PayeeState]:
    """Money must not reach somebody else's account: it is not recorded, and people are told once."""
    if payee.account_state is AccountState.FAILED or state.heard(command):
        return UNCHANGED
    state = state.hearing(command).with_payee(account_state=AccountState.FAILED)
    return Accepted(state, (PayeeAccountFailed(**state.said(), code=ACCOUNT_TAKEN),))


def _with_status(recorded: _Recorded, data: RecordPayeeAccountStatus) -> _Recorded:
    state = recorded.state.with_payee(
        transfers_active=data.transfers_active,
        payouts_enabled=data.payouts_enabled,
        requirements_due=data.requirements_due,
        disabled_reason=data.disabled_reason,
        account_as_of=data.event_created,
    )
    return _Recorded(state, recorded.events, recorded.claims)


def _accepted(recorded: _Recorded, at: Timestamp) -> Accepted[PayeeState]:
    settled = settle(recorded.state, recorded.events, at)
    return Accepted(settled.state, settled.events, claims=recorded.claims)


def _ask(state: PayeeState, account: ProviderId) -> Accepted[PayeeState]:
    return Accepted(state, (PayeeAccountRefreshRequested(**state.said(), stripe_account_id=account),))


def _content(status: Payee | RecordPayeeAccountStatus) -> tuple[object, ...]:
    return status.transfers_active, status.payouts_enabled, status.requirements_due, status.disabled_reason
