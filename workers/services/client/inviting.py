"""Contractors are invited: asked, asked again, reminded."""

from contracts.client import InvitationReminderDue, InvitationSent, InviteContractor, RemindInvitation, ResendInvitation
from contracts.types import Timestamp
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Refused
from workers.services.client.company import Company, ErasedCompany
from workers.services.client.invitation import Invitation, Status, deadline, invitation_id, reminder_due
from workers.services.client.rights import ours, owner
from workers.services.client.state import ClientState, found, living
from workers.services.client.timers import invitation_timers

MOST_SENDS = 5
ALREADY_ACCEPTED = "already_accepted"


def invite_contractor(state: ClientState, command: Command[InviteContractor], at: Timestamp) -> Decision[ClientState]:
    company, row = living(state, command, owner), state.invitation(command.data.invitation_id)
    if isinstance(company, Refused):
        return company
    if command.data.invitation_id != invitation_id(company.id, command.data.email_hash):
        return Refused("id_mismatch")
    status = row.status_at(at) if row else None
    if status is Status.PENDING or (row and command.id in row.decided_by):
        return UNCHANGED
    if status is Status.ACCEPTED:
        return Refused(ALREADY_ACCEPTED)
    if not company.is_verified:
        return Refused("company_not_verified")
    return _sent(state, company, _invited(company, command, row, at))


def resend_invitation(state: ClientState, command: Command[ResendInvitation], at: Timestamp) -> Decision[ClientState]:
    company, row = living(state, command, owner), state.invitation(command.data.invitation_id)
    if isinstance(company, Refused):
        return company
    if row is None:
        return Refused("not_found")
    if command.id in row.decided_by:
        return UNCHANGED
    if row.status is Status.ACCEPTED:
        return Refused(ALREADY_ACCEPTED)
    if row.status is Status.REVOKED:
        return Refused("invalid_state")
    if row.sent >= MOST_SENDS:
        return Refused("too_many_requests")
    return _sent(state, company, row.sent_out(command.data.token, at).decided(command.id))


def remind_invitation(state: ClientState, command: Command[RemindInvitation], at: Timestamp) -> Decision[ClientState]:
    """Once for each mail. The row may be gone by now, or the company."""
    company, row = found(state, command, ours), state.invitation(command.data.invitation_id)
    if isinstance(company, Refused):
        return company
    if isinstance(company, ErasedCompany) or row is None or not _to_be_reminded(row, at):
        return UNCHANGED
    event = row.mail(InvitationReminderDue, company.legal_name)
    return Accepted(state.with_invitation(row.having(reminded_at=at)), (event,))


# --- rules ---------------------------------------------------------------------------------------------------------


def _invited(company: Company, command: Command[InviteContractor], before: Invitation | None, at: Timestamp) -> Invitation:
    """Nothing of an earlier invitation counts, but the commands that were decided."""
    data = command.data
    blank = Invitation(
        id=data.invitation_id,
        client_id=company.id,
        contractor_email=data.contractor_email,
        email_hash=data.email_hash,
        token=data.token.hash,
        nonce=data.token.nonce,
        kid=data.token.kid,
        locale=data.locale,
        message=data.message,
        status=Status.PENDING,
        valid_until=deadline(at),
        sent=0,
        decided_by=before.decided_by if before else (),
    )
    return blank.sent_out(data.token, at).decided(command.id)


def _sent(state: ClientState, company: Company, row: Invitation) -> Accepted[ClientState]:
    return Accepted(state.with_invitation(row), (row.mail(InvitationSent, company.legal_name),), invitation_timers(row))


def _to_be_reminded(row: Invitation, at: Timestamp) -> bool:
    return row.status_at(at) is Status.PENDING and row.reminded_at is None and at >= reminder_due(row.valid_until)
