"""contractor: which function judges which command, and what events of others set in motion."""

from contracts.auth import ErasureRequested
from contracts.client import InvitationAccepted
from contracts.contract.events import ContractActivated, ContractPartyCheckRequested
from contracts.contractor import (
    AddBankDetails,
    ApplyKycOutcome,
    ConfirmContractContractor,
    CreateContractorProfile,
    EraseContractor,
    LinkContractorToClient,
    NoteContractClosed,
    NoteContractOpened,
    RecordBankDetailsFailed,
    RecordBankDetailsSynced,
    RecordPayoutReadiness,
    RemoveBankDetails,
    RequestContractorKyc,
    SetDefaultBankDetails,
    UpdateContractorProfile,
)
from contracts.kyc import KycSessionExpired, KycSessionFailed, KycSessionRejected, KycSessionVerified
from contracts.payment.events import EscrowClosed, PayeeBankFailed, PayeeBankSynced, PayeeBlocked, PayeeReady
from workers.engine.aggregate import Handler
from workers.engine.service import Reaction, Service
from workers.services.contractor import (
    bank_details,
    clients,
    contracting,
    erasure,
    kyc_outcomes,
    kyc_requests,
    payouts,
    profile,
    reactions,
)
from workers.services.contractor.state import CONTRACTORS, all_bank_details, all_bank_details_if_leaving, named_bank_details

REMEMBERED = "state; the contractor remembers the last commands of such kinds"
FACTS = "state; the row remembers the last facts that changed it"
ANSWERS = "answers again, with the same check number"
THOUSAND = "state, as long as the contract is among the thousand that are kept"

SERVICE = Service(
    name="contractor",
    handlers=(
        Handler(CreateContractorProfile, CONTRACTORS, profile.create_contractor_profile, idempotency="createdBy"),
        Handler(UpdateContractorProfile, CONTRACTORS, profile.update_contractor_profile, idempotency=REMEMBERED),
        Handler(LinkContractorToClient, CONTRACTORS, clients.link_contractor_to_client),
        Handler(
            RequestContractorKyc,
            CONTRACTORS,
            kyc_requests.request_contractor_kyc,
            idempotency="state; the session's id is the command's, and the last twenty are remembered",
        ),
        Handler(ApplyKycOutcome, CONTRACTORS, kyc_outcomes.apply_kyc_outcome),
        Handler(AddBankDetails, CONTRACTORS, bank_details.add_bank_details, named_bank_details, idempotency="createdBy"),
        Handler(SetDefaultBankDetails, CONTRACTORS, bank_details.set_default_bank_details, named_bank_details, idempotency=REMEMBERED),
        Handler(RemoveBankDetails, CONTRACTORS, bank_details.remove_bank_details, named_bank_details),
        Handler(RecordBankDetailsSynced, CONTRACTORS, payouts.record_bank_details_synced, named_bank_details, idempotency=FACTS),
        Handler(RecordBankDetailsFailed, CONTRACTORS, payouts.record_bank_details_failed, named_bank_details, idempotency=FACTS),
        Handler(RecordPayoutReadiness, CONTRACTORS, payouts.record_payout_readiness),
        Handler(ConfirmContractContractor, CONTRACTORS, contracting.confirm_contract_contractor, idempotency=ANSWERS),
        Handler(NoteContractOpened, CONTRACTORS, contracting.note_contract_opened, idempotency=THOUSAND),
        Handler(NoteContractClosed, CONTRACTORS, contracting.note_contract_closed, all_bank_details_if_leaving),
        Handler(EraseContractor, CONTRACTORS, erasure.erase_contractor, all_bank_details),
    ),
    reactions=(
        Reaction(InvitationAccepted, reactions.invitation_accepted),
        Reaction(KycSessionVerified, reactions.kyc_session_verified),
        Reaction(KycSessionRejected, reactions.kyc_session_rejected),
        Reaction(KycSessionExpired, reactions.kyc_session_expired),
        Reaction(KycSessionFailed, reactions.kyc_session_failed),
        Reaction(PayeeBankSynced, reactions.payee_bank_synced),
        Reaction(PayeeBankFailed, reactions.payee_bank_failed),
        Reaction(PayeeReady, reactions.payee_ready),
        Reaction(PayeeBlocked, reactions.payee_blocked),
        Reaction(ContractPartyCheckRequested, reactions.party_check_requested),
        Reaction(ContractActivated, reactions.contract_activated),
        Reaction(EscrowClosed, reactions.escrow_closed),
        Reaction(ErasureRequested, reactions.erasure_requested),
    ),
    timers=False,
)
