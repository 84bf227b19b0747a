"""The timers of an invitation (domain.md 3): a date each, by name and invitation."""

from contracts.client import ExpireInvitation, InvitationId, RemindInvitation
from workers.engine.decision import CancelTimer, ScheduleTimer
from workers.services.client.invitation import Invitation, reminder_due

_EXPIRY, _REMINDER = "invitation-expiry", "invitation-reminder"


def invitation_timers(row: Invitation) -> tuple[ScheduleTimer, ...]:
    names = {"company_id": row.client_id, "invitation_id": row.id}
    return (
        ScheduleTimer(_REMINDER, row.id, reminder_due(row.valid_until), RemindInvitation.model_validate(names)),
        ScheduleTimer(_EXPIRY, row.id, row.valid_until, ExpireInvitation.model_validate(names)),
    )


def without_invitation_timers(invitation: InvitationId) -> tuple[CancelTimer, ...]:
    return CancelTimer(_REMINDER, invitation), CancelTimer(_EXPIRY, invitation)
