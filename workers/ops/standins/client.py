"""Stand-in of client: companies exist, an admin verifies them, they answer for their contracts."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from contracts.client import (
    ClientRefusal,
    CompanyNumber,
    CompanyRegistered,
    CompanyRejected,
    CompanyVerified,
    ConfirmContractClient,
    ContractClientConfirmed,
    ContractClientRefused,
    DecideCompanyVerification,
    Jurisdiction,
    NoteContractClosed,
    NoteContractOpened,
    RegisterCompany,
    VerificationOutcome,
    VerifiedBy,
)
from contracts.contract.events import ContractActivated, ContractPartyCheckRequested
from contracts.ids import derived
from contracts.message import Value
from contracts.payment.events import EscrowClosed
from contracts.types import ClientId, CommandId, Country, Legal, Pii, Text500, Timestamp, UserId
from workers.engine.aggregate import Aggregate, Handler, Items
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, ItemRef, Refused
from workers.engine.service import Event, Reaction, Send, Service
from workers.ops.standins.actors import is_admin, may_act_for
from workers.ops.standins.standing import ContractStanding, closed, opened

TABLE = "client-companies"


class VerificationStatus(StrEnum):
    PENDING = "pending"
    VERIFIED = "verified"
    REJECTED = "rejected"


class RegistryData(Value):
    company_number: CompanyNumber | None = None
    jurisdiction: Jurisdiction | None = None


class Company(Value):
    id: ClientId
    user_id: UserId
    legal_name: Pii
    name_legal: Legal
    country: Country
    tax_id: Pii | None = None
    business_registry_data: RegistryData | None = None
    verification_status: VerificationStatus = VerificationStatus.PENDING
    verification_reason: Text500 | None = None
    contract_states: Mapping[str, ContractStanding] = {}
    created_by: CommandId | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None


State = Company | None

# --- decisions -----------------------------------------------------------------------------------------------------


def register_company(state: State, command: Command[RegisterCompany], _at: Timestamp) -> Decision[State]:
    data = command.data
    if not may_act_for(command.actor, data.user_id):
        return Refused("forbidden")
    if data.company_id != derived(f"company:{data.user_id}"):
        return Refused("id_mismatch")
    if state:
        return UNCHANGED if state.created_by == command.id else Refused("id_conflict")
    company = _registered(data)
    return Accepted(company, (CompanyRegistered(company_id=company.id, user_id=company.user_id, country=company.country),))


def _registered(data: RegisterCompany) -> Company:
    return Company(
        id=data.company_id,
        user_id=data.user_id,
        legal_name=data.legal_name,
        name_legal=data.name_legal,
        country=data.country,
        tax_id=data.tax_id,
        business_registry_data=_registry_data(data),
    )


def _registry_data(data: RegisterCompany) -> RegistryData | None:
    known = data.company_number or data.jurisdiction
    return RegistryData(company_number=data.company_number, jurisdiction=data.jurisdiction) if known else None


def decide_company_verification(state: State, command: Command[DecideCompanyVerification], _at: Timestamp) -> Decision[State]:
    if not is_admin(command.actor):
        return Refused("forbidden")
    if not state:
        return Refused("not_found")
    status = VerificationStatus(command.data.outcome)
    if state.verification_status is status:
        return UNCHANGED
    company = state.model_copy(update={"verification_status": status, "verification_reason": command.data.reason})
    return Accepted(company, (_verdict(company, command.data),))


def _verdict(company: Company, data: DecideCompanyVerification) -> CompanyVerified | CompanyRejected:
    if data.outcome is VerificationOutcome.VERIFIED:
        return CompanyVerified(company_id=company.id, user_id=company.user_id, country=company.country, by=VerifiedBy.ADMIN)
    return CompanyRejected(company_id=company.id, user_id=company.user_id, reason=data.reason)


def confirm_contract_client(state: State, command: Command[ConfirmContractClient], _at: Timestamp) -> Decision[State]:
    """Always answers, an unknown company too."""
    return Accepted(state, (_confirmed(state, command.data) if state else _refused(command.data),))


def _confirmed(company: Company, data: ConfirmContractClient) -> ContractClientConfirmed:
    return ContractClientConfirmed(
        contract_id=data.contract_id,
        check_no=data.check_no,
        client_id=company.id,
        user_id=company.user_id,
        name=company.name_legal,
        country=company.country,
        verified=company.verification_status is VerificationStatus.VERIFIED,
    )


def _refused(data: ConfirmContractClient) -> ContractClientRefused:
    reason = ClientRefusal.COMPANY_NOT_FOUND
    return ContractClientRefused(contract_id=data.contract_id, check_no=data.check_no, client_id=data.company_id, reason=reason)


def note_contract_opened(state: State, command: Command[NoteContractOpened], _at: Timestamp) -> Decision[State]:
    return _note(state, opened(state.contract_states, command.data.contract_id)) if state else Refused("not_found")


def note_contract_closed(state: State, command: Command[NoteContractClosed], _at: Timestamp) -> Decision[State]:
    return _note(state, closed(state.contract_states, command.data.contract_id)) if state else Refused("not_found")


def _note(company: Company, contracts: Mapping[str, ContractStanding]) -> Decision[State]:
    if contracts == company.contract_states:
        return UNCHANGED
    return Accepted(company.model_copy(update={"contract_states": contracts}))


# --- rows ----------------------------------------------------------------------------------------------------------


def load(key: str, items: Items) -> State:
    row = items.get(ItemRef(TABLE, key))
    return Company.from_item(row) if row else None


def save(state: State) -> Items:
    return {ItemRef(TABLE, state.id): state.to_item()} if state else {}


COMPANIES: Aggregate[State] = Aggregate(TABLE, load, save)

# --- reactions -----------------------------------------------------------------------------------------------------


def check_client(event: Event[ContractPartyCheckRequested], _rows: Sequence[object]) -> Sequence[Send]:
    data = event.data
    return (Send(ConfirmContractClient(company_id=data.client_id, contract_id=data.contract_id, check_no=data.check_no)),)


def note_opened(event: Event[ContractActivated], _rows: Sequence[object]) -> Sequence[Send]:
    return (Send(NoteContractOpened(company_id=event.data.client_id, contract_id=event.data.contract_id)),)


def note_closed(event: Event[EscrowClosed], _rows: Sequence[object]) -> Sequence[Send]:
    return (Send(NoteContractClosed(company_id=event.data.client_id, contract_id=event.data.contract_id)),)


SERVICE = Service(
    "client",
    timers=False,
    handlers=(
        Handler(RegisterCompany, COMPANIES, register_company),
        Handler(DecideCompanyVerification, COMPANIES, decide_company_verification),
        Handler(ConfirmContractClient, COMPANIES, confirm_contract_client, idempotency="answers again, with the same check number"),
        Handler(NoteContractOpened, COMPANIES, note_contract_opened),
        Handler(NoteContractClosed, COMPANIES, note_contract_closed),
    ),
    reactions=(
        Reaction(ContractPartyCheckRequested, check_client),
        Reaction(ContractActivated, note_opened),
        Reaction(EscrowClosed, note_closed),
    ),
)
