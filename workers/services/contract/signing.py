"""Signing: from the recorded document to the second signature."""

from contracts.contract.commands import (
    RecallContract,
    RecordContractPdf,
    RecordContractPdfFailed,
    RecordExecutedPdf,
    RemindContractSigning,
    SignContract,
)
from contracts.contract.events import (
    ContractActivated,
    ContractExecutedPdfStored,
    ContractPdfFailed,
    ContractRecalled,
    ContractSent,
    ContractSigned,
    ContractSigningReminderDue,
)
from contracts.contract.values import Party
from contracts.types import Timestamp, UserId
from workers.engine.decision import UNCHANGED, Accepted, CancelTimer, Command, Decision, Refused, ScheduleTimer
from workers.services.contract.contract import (
    OFFERED,
    Contract,
    ContractState,
    PdfState,
    Signature,
    Signatures,
    Status,
    Step,
    permitted,
    tell,
)
from workers.services.contract.rights import Role, is_user
from workers.services.contract.timers import end_timers, reminder_due, sign_by, signing_timers, without_signing_timers

_STEP = {Party.CLIENT: Step.CLIENT_SIGNS, Party.CONTRACTOR: Step.CONTRACTOR_SIGNS}


def record_pdf(state: ContractState, command: Command[RecordContractPdf], at: Timestamp) -> Decision[ContractState]:
    contract = permitted(state, command, Role.SYSTEM, Role.ADMIN)
    if isinstance(contract, Refused):
        return contract
    data, status = command.data, contract.after(Step.OFFER)
    if status is None or (data.revision, data.content_sha256) != (contract.revision, contract.content_sha256):
        return UNCHANGED
    ready = contract.having(pdf_state=PdfState.READY, pdf_key=data.pdf_key, pdf_sha256=data.pdf_sha256)
    deadline = sign_by(at)
    sent = ready.having(status=status, sign_by=deadline, reminded_at=None)
    return Accepted(state.become(sent), (tell(ContractSent, sent),), signing_timers(sent.id, deadline))


def record_pdf_failed(state: ContractState, command: Command[RecordContractPdfFailed], _at: Timestamp) -> Decision[ContractState]:
    contract = permitted(state, command, Role.SYSTEM, Role.ADMIN)
    if isinstance(contract, Refused):
        return contract
    data = command.data
    if contract.status is not Status.DRAFT or contract.pdf_state is not PdfState.RENDERING or data.revision != contract.revision:
        return UNCHANGED
    event = tell(ContractPdfFailed, contract, code=data.code)
    return Accepted(state.become(contract.having(pdf_state=PdfState.FAILED)), (event,))


def sign_contract(state: ContractState, command: Command[SignContract], at: Timestamp) -> Decision[ContractState]:
    contract, data = state.contract, command.data
    if contract is None:
        return Refused("not_found")
    signer = _signer(contract, command)
    if isinstance(signer, Refused):
        return signer
    if contract.signatures.of(data.party) is not None:
        return UNCHANGED
    status = contract.after(_STEP[data.party])
    if status is None:
        return Refused("invalid_state")
    signed = _with_signature(contract, data, signer, at).having(status=status)
    return _accepted(state, signed, data.party, at) if _same_document(signed) else Refused("document_changed")


def recall_contract(state: ContractState, command: Command[RecallContract], _at: Timestamp) -> Decision[ContractState]:
    contract = permitted(state, command, Role.CLIENT, Role.ADMIN)
    if isinstance(contract, Refused):
        return contract
    status = contract.after(Step.RECALL)
    if status is None:
        return Refused("invalid_state")
    unsigned = contract.having(signatures=Signatures(), client_signed_at=None, contractor_signed_at=None, sign_by=None)
    draft = unsigned.without_document().having(status=status, revision=contract.revision + 1, reminded_at=None)
    event = tell(ContractRecalled, contract, reason=command.data.reason)
    return Accepted(state.become(draft), (event,), without_signing_timers(contract.id))


def remind_signing(state: ContractState, command: Command[RemindContractSigning], at: Timestamp) -> Decision[ContractState]:
    contract = permitted(state, command, Role.SYSTEM, Role.ADMIN)
    if isinstance(contract, Refused):
        return contract
    deadline = contract.sign_by
    if contract.status not in OFFERED or deadline is None or contract.reminded_at is not None or at < reminder_due(deadline):
        return UNCHANGED
    waiting = tuple(party for party in Party if contract.signatures.of(party) is None)
    event = tell(ContractSigningReminderDue, contract, waiting_for=waiting)
    return Accepted(state.become(contract.having(reminded_at=at)), (event,))


def record_executed_pdf(state: ContractState, command: Command[RecordExecutedPdf], _at: Timestamp) -> Decision[ContractState]:
    contract = permitted(state, command, Role.SYSTEM, Role.ADMIN)
    if isinstance(contract, Refused):
        return contract
    data = command.data
    unsigned = any(contract.signatures.of(party) is None for party in Party)
    if unsigned or contract.executed_pdf_key is not None:
        return UNCHANGED
    stored = contract.having(executed_pdf_key=data.executed_pdf_key, executed_pdf_sha256=data.executed_pdf_sha256)
    event = tell(ContractExecutedPdfStored, stored)
    return Accepted(state.become(stored), (event,))


# --- rules ---------------------------------------------------------------------------------------------------------


def _signer(contract: Contract, command: Command[SignContract]) -> UserId | Refused:
    """Nobody signs for another, an admin neither."""
    check = contract.parties.of(command.data.party)
    if contract.status is Status.DRAFT:
        return Refused("not_sent")
    if check is None or check.user_id is None or not is_user(command.actor, check.user_id):
        return Refused("forbidden")
    return check.user_id


def _with_signature(contract: Contract, data: SignContract, user_id: UserId, at: Timestamp) -> Contract:
    signature = Signature(name=data.signature_name, user_id=user_id, pdf_sha256=data.pdf_sha256, ip_hash=data.ip_hash, at=at)
    signatures = contract.signatures.model_copy(update={data.party.value: signature})
    return contract.having(signatures=signatures, **{f"{data.party.value}_signed_at": at})


def _same_document(contract: Contract) -> bool:
    """Every signature is on the recorded document, and that document still says what the contract says."""
    seen = {signature.pdf_sha256 for party in Party if (signature := contract.signatures.of(party))}
    return seen == {contract.pdf_sha256} and contract.content_sha256 == contract.digest()


def _accepted(state: ContractState, signed: Contract, party: Party, at: Timestamp) -> Accepted[ContractState]:
    event = tell(ContractSigned, signed, party=party, signed_at=at)
    if signed.status is not Status.ACTIVE:
        return Accepted(state.become(signed), (event,))
    timers: tuple[ScheduleTimer | CancelTimer, ...] = (*without_signing_timers(signed.id), *end_timers(signed.id, signed.end_date, at))
    return Accepted(state.become(signed), (event, tell(ContractActivated, signed)), timers)
