"""Bank details in the stand-in of contractor: added, then attached or refused by the payment provider."""

from contracts.contractor import (
    AddBankDetails,
    BankAction,
    BankDetailsAdded,
    BankDetailsAttached,
    BankDetailsFailed,
    RecordBankDetailsFailed,
    RecordBankDetailsSynced,
)
from contracts.types import Timestamp
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Refused
from workers.ops.standins.actors import may_act_for
from workers.ops.standins.contractor_rows import BankDetails, BankStatus, Profile, State


def add_bank_details(state: State, command: Command[AddBankDetails], _at: Timestamp) -> Decision[State]:
    data, profile = command.data, state.profile
    if not profile:
        return Refused("not_found")
    if not may_act_for(command.actor, profile.user_id):
        return Refused("forbidden")
    if state.bank:
        return UNCHANGED if state.bank.created_by == command.id else Refused("id_conflict")
    bank = BankDetails(id=data.bank_details_id, **data.model_dump(exclude={"bank_details_id", "make_default"}))
    is_default = data.make_default or profile.default_bank_details_id is None
    if is_default:
        profile = profile.model_copy(update={"default_bank_details_id": bank.id})
    return Accepted(State(profile=profile, bank=bank), (_added(profile, data, is_default=is_default),))


def _added(profile: Profile, data: AddBankDetails, *, is_default: bool) -> BankDetailsAdded:
    shown = data.model_dump(exclude={"fingerprint", "make_default"})
    return BankDetailsAdded(user_id=profile.user_id, is_default=is_default, **shown)


def record_bank_details_synced(state: State, command: Command[RecordBankDetailsSynced], _at: Timestamp) -> Decision[State]:
    profile, bank = _own(state)
    if not profile or not bank:
        return Refused("not_found")
    if command.data.action is not BankAction.ATTACH or bank.status is BankStatus.ATTACHED:
        return UNCHANGED
    emptied = {"account_number": None, "routing_number": None, "failure_code": None}
    account = command.data.stripe_external_account_id
    attached = bank.model_copy(update={"status": BankStatus.ATTACHED, "stripe_external_account_id": account, **emptied})
    event = BankDetailsAttached(contractor_id=profile.id, user_id=profile.user_id, bank_details_id=bank.id, last4=bank.last4)
    return Accepted(state.with_bank(attached), (event,))


def record_bank_details_failed(state: State, command: Command[RecordBankDetailsFailed], _at: Timestamp) -> Decision[State]:
    profile, bank = _own(state)
    if not profile or not bank:
        return Refused("not_found")
    code = command.data.code
    if bank.status is BankStatus.FAILED and bank.failure_code == code:
        return UNCHANGED
    failed = bank.model_copy(update={"status": BankStatus.FAILED, "failure_code": code})
    event = BankDetailsFailed(contractor_id=profile.id, user_id=profile.user_id, bank_details_id=bank.id, last4=bank.last4, code=code)
    return Accepted(state.with_bank(failed), (event,))


def _own(state: State) -> tuple[Profile | None, BankDetails | None]:
    """A row of somebody else's is as good as absent."""
    mine = state.profile and state.bank and state.bank.contractor_id == state.profile.id
    return state.profile, state.bank if mine else None
