"""What others do that a contractor has to follow, note or answer."""

from collections.abc import Sequence

from contracts.auth import ErasureRequested
from contracts.client import InvitationAccepted
from contracts.contract.events import ContractActivated, ContractPartyCheckRequested
from contracts.contractor import (
    ApplyKycOutcome,
    ConfirmContractContractor,
    EraseContractor,
    KycOutcome,
    LinkContractorToClient,
    NoteContractClosed,
    NoteContractOpened,
    RecordBankDetailsFailed,
    RecordBankDetailsSynced,
    RecordPayoutReadiness,
)
from contracts.kyc import KycSessionExpired, KycSessionFailed, KycSessionRejected, KycSessionVerified
from contracts.payment.events import EscrowClosed, PayeeBankFailed, PayeeBankSynced, PayeeBlocked, PayeeReady
from workers.engine.decision import Item
from workers.engine.service import Event, Send

Rows = Sequence[Item]
Ended = KycSessionVerified | KycSessionRejected | KycSessionExpired | KycSessionFailed


def invitation_accepted(event: Event[InvitationAccepted], _rows: Rows) -> Sequence[Send]:
    data = event.data
    command = LinkContractorToClient(contractor_id=data.contractor_id, client_id=data.client_id, invitation_id=data.invitation_id)
    return (Send(command, data.invitation_id),)


# --- from kyc ------------------------------------------------------------------------------------------------------


def kyc_session_verified(event: Event[KycSessionVerified], _rows: Rows) -> Sequence[Send]:
    return _ended(event.data, KycOutcome.VERIFIED, None)


def kyc_session_rejected(event: Event[KycSessionRejected], _rows: Rows) -> Sequence[Send]:
    return _ended(event.data, KycOutcome.REJECTED, event.data.reason)


def kyc_session_expired(event: Event[KycSessionExpired], _rows: Rows) -> Sequence[Send]:
    return _ended(event.data, KycOutcome.EXPIRED, event.data.reason)


def kyc_session_failed(event: Event[KycSessionFailed], _rows: Rows) -> Sequence[Send]:
    return _ended(event.data, KycOutcome.FAILED, event.data.code)


def _ended(data: Ended, outcome: KycOutcome, reason: str | None) -> Sequence[Send]:
    command = ApplyKycOutcome(
        contractor_id=data.contractor_id,
        kyc_session_id=data.kyc_session_id,
        outcome=outcome,
        decision_time=data.decision_time,
        reason=reason,
    )
    return (Send(command),)


# --- from payment --------------------------------------------------------------------------------------------------


def payee_bank_synced(event: Event[PayeeBankSynced], _rows: Rows) -> Sequence[Send]:
    data = event.data
    command = RecordBankDetailsSynced(
        contractor_id=data.contractor_id,
        bank_details_id=data.bank_details_id,
        action=data.action,
        stripe_external_account_id=data.external_account_id,
    )
    return (Send(command, data.bank_details_id),)


def payee_bank_failed(event: Event[PayeeBankFailed], _rows: Rows) -> Sequence[Send]:
    data = event.data
    command = RecordBankDetailsFailed(contractor_id=data.contractor_id, bank_details_id=data.bank_details_id, code=data.code)
    return (Send(command, data.bank_details_id),)


def payee_ready(event: Event[PayeeReady], _rows: Rows) -> Sequence[Send]:
    return (Send(RecordPayoutReadiness(contractor_id=event.data.contractor_id, ready=True, as_of=event.data.as_of)),)


def payee_blocked(event: Event[PayeeBlocked], _rows: Rows) -> Sequence[Send]:
    data = event.data
    return (Send(RecordPayoutReadiness(contractor_id=data.contractor_id, ready=False, reason=data.reason, as_of=data.as_of)),)


def escrow_closed(event: Event[EscrowClosed], _rows: Rows) -> Sequence[Send]:
    return (Send(NoteContractClosed(contractor_id=event.data.contractor_id, contract_id=event.data.contract_id)),)


# --- from contract and auth ----------------------------------------------------------------------------------------


def party_check_requested(event: Event[ContractPartyCheckRequested], _rows: Rows) -> Sequence[Send]:
    data = event.data
    return (Send(ConfirmContractContractor(contractor_id=data.contractor_id, contract_id=data.contract_id, check_no=data.check_no)),)


def contract_activated(event: Event[ContractActivated], _rows: Rows) -> Sequence[Send]:
    return (Send(NoteContractOpened(contractor_id=event.data.contractor_id, contract_id=event.data.contract_id)),)


def erasure_requested(event: Event[ErasureRequested], _rows: Rows) -> Sequence[Send]:
    return (Send(EraseContractor(contractor_id=event.data.contractor_id, user_id=event.data.user_id)),)
