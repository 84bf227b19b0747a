"""client: which function judges which command, and what its events set in motion."""

from contracts.auth import ErasureRequested
from contracts.client import (
    AcceptInvitation,
    CompanyErased,
    ConfirmContractClient,
    DecideCompanyVerification,
    EraseCompany,
    ExpireInvitation,
    InviteContractor,
    NoteContractClosed,
    NoteContractOpened,
    RecordRegistryResult,
    RecordRegistryUnavailable,
    RegisterCompany,
    RemindInvitation,
    RequestCompanyVerification,
    ResendInvitation,
    RevokeInvitation,
    UpdateCompanyDetails,
)
from contracts.contract.events import ContractActivated, ContractPartyCheckRequested
from contracts.payment.events import EscrowClosed
from workers.engine.aggregate import Handler
from workers.engine.service import Reaction, Service
from workers.services.client import answers, contracting, erasure, inviting, reactions, registration, verification
from workers.services.client.effects import REGISTRY_LOOKUP
from workers.services.client.state import CLIENTS, named_invitation

REMEMBERED = "state; the row remembers the last commands of such kinds"
REMEMBERED_MONTHS = "state; the row remembers the last commands of such kinds until its TTL, weeks after the invitation has ended"

SERVICE = Service(
    name="client",
    handlers=(
        Handler(RegisterCompany, CLIENTS, registration.register_company, idempotency="createdBy"),
        Handler(UpdateCompanyDetails, CLIENTS, registration.update_company_details, idempotency=REMEMBERED),
        Handler(RequestCompanyVerification, CLIENTS, verification.request_company_verification, idempotency=REMEMBERED),
        Handler(RecordRegistryResult, CLIENTS, verification.record_registry_result, idempotency="state; an attempt is answered once"),
        Handler(
            RecordRegistryUnavailable, CLIENTS, verification.record_registry_unavailable, idempotency="state; an attempt is answered once"
        ),
        Handler(DecideCompanyVerification, CLIENTS, verification.decide_company_verification, idempotency=REMEMBERED),
        Handler(InviteContractor, CLIENTS, inviting.invite_contractor, named_invitation, idempotency=REMEMBERED_MONTHS),
        Handler(ResendInvitation, CLIENTS, inviting.resend_invitation, named_invitation, idempotency=REMEMBERED_MONTHS),
        Handler(AcceptInvitation, CLIENTS, answers.accept_invitation, named_invitation),
        Handler(RevokeInvitation, CLIENTS, answers.revoke_invitation, named_invitation, idempotency=REMEMBERED_MONTHS),
        Handler(ExpireInvitation, CLIENTS, answers.expire_invitation, named_invitation),
        Handler(RemindInvitation, CLIENTS, inviting.remind_invitation, named_invitation, idempotency="state; once for each mail"),
        Handler(
            ConfirmContractClient,
            CLIENTS,
            contracting.confirm_contract_client,
            idempotency="answers again, with the same check number",
        ),
        Handler(
            NoteContractOpened,
            CLIENTS,
            contracting.note_contract_opened,
            idempotency="state, as long as the contract is among the thousand that are kept",
        ),
        Handler(NoteContractClosed, CLIENTS, contracting.note_contract_closed),
        Handler(EraseCompany, CLIENTS, erasure.erase_company),
    ),
    reactions=(
        Reaction(ContractPartyCheckRequested, reactions.party_check_requested),
        Reaction(ContractActivated, reactions.contract_activated),
        Reaction(EscrowClosed, reactions.escrow_closed),
        Reaction(ErasureRequested, reactions.erasure_requested),
        Reaction(CompanyErased, reactions.company_erased, reactions.invitations_of_company),
    ),
    effects=(REGISTRY_LOOKUP,),
)
