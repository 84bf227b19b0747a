"""Drafting: terms, template and parties, until the document is asked for."""

from collections.abc import Iterable

from contracts.contract.commands import (
    CreateContractDraft,
    RecordContractParty,
    RefreshContractParties,
    SendContract,
    UpdateContractDraft,
)
from contracts.contract.events import (
    ContractDrafted,
    ContractDraftUpdated,
    ContractPartyCheckRequested,
    ContractPartyRecorded,
    ContractPdfRequested,
)
from contracts.contract.values import Terms
from contracts.types import TemplateId, Timestamp
from workers.engine.aggregate import Read
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Refused
from workers.services.contract.contract import OFFERED, Contract, ContractState, PartyCheck, PdfState, Status, permitted, tell
from workers.services.contract.placeholders import FROM_CONTRACT
from workers.services.contract.rights import Role, role_of
from workers.services.contract.template import Template, TemplateState, template_ref

_EDITABLE = (*Terms.model_fields, "template_id", "variables")


def create_draft(state: ContractState, command: Command[CreateContractDraft], _at: Timestamp) -> Decision[ContractState]:
    data = command.data
    if role_of(command.actor, data.client_id, data.contractor_id) not in (Role.CLIENT, Role.ADMIN):
        return Refused("forbidden")
    if state.contract is not None:
        return UNCHANGED if state.contract.created_by == command.id else Refused("id_conflict")
    template = _usable(state, data.template_id)
    if template is None:
        return Refused("template_not_found")
    contract = _draft(data, template)
    if refusal := _terms_refusal(contract, template):
        return refusal
    return Accepted(state.become(contract), (tell(ContractDrafted, contract), tell(ContractPartyCheckRequested, contract)))


def update_draft(state: ContractState, command: Command[UpdateContractDraft], _at: Timestamp) -> Decision[ContractState]:
    contract = permitted(state, command, Role.CLIENT, Role.ADMIN)
    if isinstance(contract, Refused):
        return contract
    if contract.status is not Status.DRAFT:
        return Refused("invalid_state")
    edited = _edited(contract, command.data)
    template = _usable(state, edited.template_id, kept=contract.template_id)
    if template is None:
        return Refused("template_not_found")
    if refusal := _terms_refusal(edited, template):
        return refusal
    changed = [name for name in _EDITABLE if getattr(edited, name) != getattr(contract, name)]
    return _revised(state, edited, template, changed) if changed else UNCHANGED


def refresh_parties(state: ContractState, command: Command[RefreshContractParties], _at: Timestamp) -> Decision[ContractState]:
    contract = permitted(state, command, Role.CLIENT, Role.ADMIN)
    if isinstance(contract, Refused):
        return contract
    if contract.status is not Status.DRAFT:
        return Refused("invalid_state")
    asking = contract.without_document().having(check_no=contract.check_no + 1)
    return Accepted(state.become(asking), (tell(ContractPartyCheckRequested, asking),))


def record_party(state: ContractState, command: Command[RecordContractParty], _at: Timestamp) -> Decision[ContractState]:
    contract = permitted(state, command, Role.SYSTEM, Role.ADMIN)
    if isinstance(contract, Refused):
        return contract
    data, known = command.data, contract.parties.of(command.data.party)
    outdated = contract.status is not Status.DRAFT or data.check_no != contract.check_no
    # The first answer to a check stands: a party asked twice may say two things, and the older must not come back.
    if outdated or (known is not None and known.check_no == data.check_no):
        return UNCHANGED
    parties = contract.parties.model_copy(update={data.party.value: PartyCheck.model_validate(data.model_dump())})
    event = tell(ContractPartyRecorded, contract, party=data.party, ok=data.ok, verified=data.verified, reason=data.reason)
    return Accepted(state.become(contract.without_document().having(parties=parties)), (event,))


def send_contract(state: ContractState, command: Command[SendContract], _at: Timestamp) -> Decision[ContractState]:
    contract = permitted(state, command, Role.CLIENT, Role.ADMIN)
    if isinstance(contract, Refused):
        return contract
    if contract.status in OFFERED:
        return UNCHANGED
    if contract.status is not Status.DRAFT:
        return Refused("invalid_state")
    if contract.pdf_state is PdfState.RENDERING:
        return UNCHANGED
    if refusal := _sending_refusal(contract, state.templates.get(contract.template_id)):
        return refusal
    rendering = contract.having(pdf_state=PdfState.RENDERING, content_sha256=contract.digest())
    return Accepted(state.become(rendering), (tell(ContractPdfRequested, rendering),))


# --- rules ---------------------------------------------------------------------------------------------------------


def _usable(state: ContractState, wanted: TemplateId, kept: TemplateId | None = None) -> Template | None:
    """A retired template stays with the drafts that use it."""
    template = state.templates.get(wanted)
    retired = template is not None and template.state is TemplateState.RETIRED
    return None if retired and wanted != kept else template


def _terms_refusal(contract: Contract, template: Template) -> Refused | None:
    if contract.type is not template.type:
        return Refused("template_type_mismatch")
    if contract.end_date is not None and contract.end_date < contract.start_date:
        return Refused("dates_invalid")
    if not contract.variables.keys() <= set(template.variables):
        return Refused("unknown_variable")
    return None


def _sending_refusal(contract: Contract, template: Template | None) -> Refused | None:
    client, contractor = contract.parties.client, contract.parties.contractor
    for check in (client, contractor):
        if check is None or not check.ok or check.check_no != contract.check_no:
            return Refused("party_not_confirmed")
    if not (client and client.verified and contractor and contractor.verified):
        return Refused("party_not_verified")
    if client.user_id == contractor.user_id:
        return Refused("same_party")
    if template is None:
        return Refused("template_not_found")
    missing = set(template.variables) - FROM_CONTRACT - contract.variables.keys()
    return Refused("variables_missing") if missing else None


def _edited(contract: Contract, data: UpdateContractDraft) -> Contract:
    given = {name: value for name in _EDITABLE if (value := getattr(data, name)) is not None}
    return contract.having(**given | ({"end_date": None} if data.open_ended else {}))


def _revised(state: ContractState, edited: Contract, template: Template, changed: Iterable[str]) -> Accepted[ContractState]:
    revised = edited.without_document().having(
        revision=edited.revision + 1, template_version=template.version, template_sha256=template.content_sha256
    )
    names = tuple(sorted(str(Contract.model_fields[name].alias) for name in changed))
    event = tell(ContractDraftUpdated, revised, changed=names)
    return Accepted(state.become(revised), (event,))


def _draft(data: CreateContractDraft, template: Template) -> Contract:
    return Contract(
        id=data.contract_id,
        client_id=data.client_id,
        contractor_id=data.contractor_id,
        title=data.title,
        type=data.type,
        currency=data.currency,
        rate=data.rate,
        start_date=data.start_date,
        end_date=data.end_date,
        status=Status.DRAFT,
        template_id=template.id,
        template_version=template.version,
        template_sha256=template.content_sha256,
        variables=data.variables,
        revision=1,
        check_no=1,
    )


# --- reads ---------------------------------------------------------------------------------------------------------


def named_template(_state: ContractState, command: Command[CreateContractDraft]) -> Iterable[Read]:
    return (Read(template_ref(command.data.template_id), shared=True),)


def wanted_template(state: ContractState, command: Command[UpdateContractDraft]) -> Iterable[Read]:
    """The template that the draft will have."""
    wanted = command.data.template_id or (state.contract.template_id if state.contract else None)
    return (Read(template_ref(wanted), shared=True),) if wanted else ()
