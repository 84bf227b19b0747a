"""How an invitation ends: accepted, revoked, expired."""

from contracts.client import (
    AcceptInvitation,
    ExpireInvitation,
    InvitationAccepted,
    InvitationExpired,
    InvitationRevoked,
    RevokeInvitation,
)
from contracts.ids import derived
from contracts.types import Timestamp
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Refused
from workers.services.client.company import Company
from workers.services.client.invitation import Invitation, Status
from workers.services.client.inviting import ALREADY_ACCEPTED
from workers.services.client.rights import anyone, is_contractor, ours, owner_or_ours
from workers.services.client.state import ClientState, found, living
from workers.services.client.timers import without_invitation_timers


def accept_invitation(state: ClientState, command: Command[AcceptInvitation], at: Timestamp) -> Decision[ClientState]:
    company, row, data = living(state, command, anyone), state.invitation(command.data.invitation_id), command.data
    if isinstance(company, Refused):
        return company
    if row is None:
        return Refused("not_found")
    if not is_contractor(command.actor, data.user_id):
        return Refused("forbidden")
    if data.contractor_id != derived(f"contractor:{data.user_id}"):
        return Refused("id_mismatch")
    if row.accepted_by == data.user_id:
        return UNCHANGED
    return _acceptance_refusal(row, data, at) or _accepted(state, company, row, data, at)


def revoke_invitation(state: ClientState, command: Command[RevokeInvitation], at: Timestamp) -> Decision[ClientState]:
    """Of an erased company too: its own reaction asks for that."""
    company, row = found(state, command, owner_or_ours), state.invitation(command.data.invitation_id)
    if isinstance(company, Refused):
        return company
    if row is None:
        return Refused("not_found")
    if row.status is Status.REVOKED or command.id in row.decided_by:
        return UNCHANGED
    if row.status is not Status.PENDING:
        return Refused(ALREADY_ACCEPTED if row.status is Status.ACCEPTED else "invalid_state")
    revoked = row.ended(Status.REVOKED, at).decided(command.id)
    event = InvitationRevoked(invitation_id=row.id, client_id=row.client_id)
    return Accepted(state.with_invitation(revoked), (event,), without_invitation_timers(row.id))


def expire_invitation(state: ClientState, command: Command[ExpireInvitation], at: Timestamp) -> Decision[ClientState]:
    """The row may be gone: its TTL is only a month later."""
    company, row = found(state, command, ours), state.invitation(command.data.invitation_id)
    if isinstance(company, Refused):
        return company
    if row is None or row.status is not Status.PENDING or at < row.valid_until:
        return UNCHANGED
    event = InvitationExpired(
        invitation_id=row.id, client_id=row.client_id, client_user_id=company.user_id, contractor_email=row.contractor_email
    )
    return Accepted(state.with_invitation(row.ended(Status.EXPIRED, at)), (event,))


# --- rules ---------------------------------------------------------------------------------------------------------


def _acceptance_refusal(row: Invitation, data: AcceptInvitation, at: Timestamp) -> Refused | None:
    """Who has not the link learns nothing else."""
    if data.token_hash != row.token:
        return Refused("token_invalid")
    if data.email_hash != row.email_hash:
        return Refused("email_mismatch")
    reasons = {Status.EXPIRED: "invitation_expired", Status.REVOKED: "invitation_revoked", Status.ACCEPTED: ALREADY_ACCEPTED}
    reason = reasons.get(row.status_at(at))
    return Refused(reason) if reason else None


def _accepted(state: ClientState, company: Company, row: Invitation, data: AcceptInvitation, at: Timestamp) -> Accepted[ClientState]:
    accepted = row.having(
        status=Status.ACCEPTED, expires_at=None, accepted_by=data.user_id, accepted_at=at, contractor_id=data.contractor_id
    )
    event = InvitationAccepted(
        invitation_id=row.id,
        client_id=row.client_id,
        client_user_id=company.user_id,
        contractor_email=row.contractor_email,
        contractor_id=data.contractor_id,
        user_id=data.user_id,
    )
    return Accepted(state.with_invitation(accepted), (event,), without_invitation_timers(row.id))
