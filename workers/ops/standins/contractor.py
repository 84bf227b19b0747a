"""Stand-in of contractor: profiles, their KYC status, party checks, what payment says of them."""

from collections.abc import Mapping, Sequence

from contracts.contract.events import ContractActivated, ContractPartyCheckRequested
from contracts.contractor import (
    AddBankDetails,
    ApplyKycOutcome,
    ConfirmContractContractor,
    ContractContractorConfirmed,
    ContractContractorRefused,
    ContractorKycStatusChanged,
    ContractorProfileCreated,
    ContractorRefusal,
    CreateContractorProfile,
    KycOutcome,
    KycStatus,
    NoteContractClosed,
    NoteContractOpened,
    RecordBankDetailsFailed,
    RecordBankDetailsSynced,
    RecordPayoutReadiness,
)
from contracts.ids import derived
from contracts.kyc import KycSessionVerified
from contracts.payment.events import EscrowClosed, PayeeBankFailed, PayeeBankSynced, PayeeBlocked, PayeeReady
from contracts.types import Timestamp
from workers.engine.aggregate import Handler
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Refused
from workers.engine.service import Event, Reaction, Send, Service
from workers.ops.standins.actors import may_act_for
from workers.ops.standins.bank_details import add_bank_details, record_bank_details_failed, record_bank_details_synced
from workers.ops.standins.contractor_rows import CONTRACTORS, Profile, State, named_bank_details
from workers.ops.standins.standing import ContractStanding, closed, opened

# --- decisions -----------------------------------------------------------------------------------------------------


def create_contractor_profile(state: State, command: Command[CreateContractorProfile], _at: Timestamp) -> Decision[State]:
    data = command.data
    if not may_act_for(command.actor, data.user_id):
        return Refused("forbidden")
    if data.contractor_id != derived(f"contractor:{data.user_id}"):
        return Refused("id_mismatch")
    if state.profile:
        return UNCHANGED if state.profile.created_by == command.id else Refused("id_conflict")
    profile = Profile(id=data.contractor_id, **data.model_dump(exclude={"contractor_id"}))
    return Accepted(state.with_profile(profile), (_created(profile),))


def _created(profile: Profile) -> ContractorProfileCreated:
    return ContractorProfileCreated(contractor_id=profile.id, user_id=profile.user_id, country=profile.country)


def apply_kyc_outcome(state: State, command: Command[ApplyKycOutcome], _at: Timestamp) -> Decision[State]:
    data, profile = command.data, state.profile
    if not profile:
        return Refused("not_found")
    if data.outcome in (KycOutcome.EXPIRED, KycOutcome.FAILED) or data.decision_time <= (profile.kyc_decided_at or ""):
        return UNCHANGED
    status = KycStatus(data.outcome)
    decided = profile.model_copy(update={"kyc_status": status, "kyc_decided_at": data.decision_time, "kyc_reason": data.reason})
    return Accepted(state.with_profile(decided), (_status_changed(decided, data),))


def _status_changed(profile: Profile, data: ApplyKycOutcome) -> ContractorKycStatusChanged:
    return ContractorKycStatusChanged(
        contractor_id=profile.id,
        user_id=profile.user_id,
        country=profile.country,
        kyc_status=profile.kyc_status,
        reason=data.reason,
        decision_time=data.decision_time,
    )


def record_payout_readiness(state: State, command: Command[RecordPayoutReadiness], _at: Timestamp) -> Decision[State]:
    profile, data = state.profile, command.data
    if not profile:
        return Refused("not_found")
    if data.as_of <= (profile.payouts_ready_as_of or ""):
        return UNCHANGED
    return Accepted(state.with_profile(profile.model_copy(update={"payouts_ready": data.ready, "payouts_ready_as_of": data.as_of})))


def confirm_contract_contractor(state: State, command: Command[ConfirmContractContractor], _at: Timestamp) -> Decision[State]:
    """Always answers, an unknown contractor too."""
    return Accepted(state, (_confirmed(state.profile, command.data) if state.profile else _refused(command.data),))


def _confirmed(profile: Profile, data: ConfirmContractContractor) -> ContractContractorConfirmed:
    return ContractContractorConfirmed(
        contract_id=data.contract_id,
        check_no=data.check_no,
        contractor_id=profile.id,
        user_id=profile.user_id,
        name=profile.name_legal,
        country=profile.country,
        verified=profile.kyc_status is KycStatus.VERIFIED,
    )


def _refused(data: ConfirmContractContractor) -> ContractContractorRefused:
    reason = ContractorRefusal.CONTRACTOR_NOT_FOUND
    return ContractContractorRefused(contract_id=data.contract_id, check_no=data.check_no, contractor_id=data.contractor_id, reason=reason)


def note_contract_opened(state: State, command: Command[NoteContractOpened], _at: Timestamp) -> Decision[State]:
    if not state.profile:
        return Refused("not_found")
    return _note(state, state.profile, opened(state.profile.contract_states, command.data.contract_id))


def note_contract_closed(state: State, command: Command[NoteContractClosed], _at: Timestamp) -> Decision[State]:
    if not state.profile:
        return Refused("not_found")
    return _note(state, state.profile, closed(state.profile.contract_states, command.data.contract_id))


def _note(state: State, profile: Profile, contracts: Mapping[str, ContractStanding]) -> Decision[State]:
    if contracts == profile.contract_states:
        return UNCHANGED
    return Accepted(state.with_profile(profile.model_copy(update={"contract_states": contracts})))


# --- reactions -----------------------------------------------------------------------------------------------------


def apply_verdict(event: Event[KycSessionVerified], _rows: Sequence[object]) -> Sequence[Send]:
    data, outcome = event.data, KycOutcome.VERIFIED
    command = ApplyKycOutcome(
        contractor_id=data.contractor_id, kyc_session_id=data.kyc_session_id, outcome=outcome, decision_time=data.decision_time
    )
    return (Send(command),)


def check_contractor(event: Event[ContractPartyCheckRequested], _rows: Sequence[object]) -> Sequence[Send]:
    data = event.data
    return (Send(ConfirmContractContractor(contractor_id=data.contractor_id, contract_id=data.contract_id, check_no=data.check_no)),)


def note_opened(event: Event[ContractActivated], _rows: Sequence[object]) -> Sequence[Send]:
    return (Send(NoteContractOpened(contractor_id=event.data.contractor_id, contract_id=event.data.contract_id)),)


def note_closed(event: Event[EscrowClosed], _rows: Sequence[object]) -> Sequence[Send]:
    return (Send(NoteContractClosed(contractor_id=event.data.contractor_id, contract_id=event.data.contract_id)),)


def record_bank_synced(event: Event[PayeeBankSynced], _rows: Sequence[object]) -> Sequence[Send]:
    data = event.data
    command = RecordBankDetailsSynced(
        contractor_id=data.contractor_id,
        bank_details_id=data.bank_details_id,
        action=data.action,
        stripe_external_account_id=data.external_account_id,
    )
    return (Send(command),)


def record_bank_failed(event: Event[PayeeBankFailed], _rows: Sequence[object]) -> Sequence[Send]:
    data = event.data
    return (Send(RecordBankDetailsFailed(contractor_id=data.contractor_id, bank_details_id=data.bank_details_id, code=data.code)),)


def record_ready(event: Event[PayeeReady], _rows: Sequence[object]) -> Sequence[Send]:
    return (Send(RecordPayoutReadiness(contractor_id=event.data.contractor_id, ready=True, as_of=event.data.as_of)),)


def record_blocked(event: Event[PayeeBlocked], _rows: Sequence[object]) -> Sequence[Send]:
    data = event.data
    return (Send(RecordPayoutReadiness(contractor_id=data.contractor_id, ready=False, reason=data.reason, as_of=data.as_of)),)


LAST_WORD = "the last word of payment holds"

SERVICE = Service(
    "contractor",
    timers=False,
    handlers=(
        Handler(CreateContractorProfile, CONTRACTORS, create_contractor_profile),
        Handler(ApplyKycOutcome, CONTRACTORS, apply_kyc_outcome),
        Handler(AddBankDetails, CONTRACTORS, add_bank_details, reads=named_bank_details),
        Handler(RecordBankDetailsSynced, CONTRACTORS, record_bank_details_synced, reads=named_bank_details, idempotency=LAST_WORD),
        Handler(RecordBankDetailsFailed, CONTRACTORS, record_bank_details_failed, reads=named_bank_details, idempotency=LAST_WORD),
        Handler(RecordPayoutReadiness, CONTRACTORS, record_payout_readiness),
        Handler(
            ConfirmContractContractor, CONTRACTORS, confirm_contract_contractor, idempotency="answers again, with the same check number"
        ),
        Handler(NoteContractOpened, CONTRACTORS, note_contract_opened),
        Handler(NoteContractClosed, CONTRACTORS, note_contract_closed),
    ),
    reactions=(
        Reaction(KycSessionVerified, apply_verdict),
        Reaction(PayeeBankSynced, record_bank_synced),
        Reaction(PayeeBankFailed, record_bank_failed),
        Reaction(PayeeReady, record_ready),
        Reaction(PayeeBlocked, record_blocked),
        Reaction(ContractPartyCheckRequested, check_contractor),
        Reaction(ContractActivated, note_opened),
        Reaction(EscrowClosed, note_closed),
    ),
)
