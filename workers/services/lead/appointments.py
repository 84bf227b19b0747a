"""A demonstration is asked for, gets its appointment, is reminded of, held or called off."""

from contracts.lead import (
    CancelDemo,
    CompleteDemo,
    DemoCancelled,
    DemoCompleted,
    DemoReminderDue,
    DemoRequested,
    DemoScheduled,
    RequestDemo,
    ScheduleDemo,
    SendDemoReminder,
    SetDemoNotes,
)
from contracts.sealed import lead
from contracts.types import Pii, Text5000, Timestamp
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Refused
from workers.services.lead.demo import Demo, State, Status, reminder_due
from workers.services.lead.retention import kept_until
from workers.services.lead.rights import admin, found, ours
from workers.services.lead.timers import demo_reminder, without_demo_reminder

DATE_PAST = "date_past"
OPEN = frozenset({Status.PENDING, Status.SCHEDULED})


def request_demo(state: State, command: Command[RequestDemo], at: Timestamp) -> Decision[State]:
    data = command.data
    if state is not None:
        return UNCHANGED if state.created_by == command.id else Refused("id_conflict")
    if data.preferred_date <= at:
        return Refused(DATE_PAST)
    return Accepted(_requested(data, at), (_told(data),))


def schedule_demo(state: State, command: Command[ScheduleDemo], at: Timestamp) -> Decision[State]:
    demo, scheduled_at = found(state, command.actor, admin), command.data.scheduled_at
    if isinstance(demo, Refused):
        return demo
    if command.id in demo.decided_by or demo.is_set_for(scheduled_at):
        return UNCHANGED
    if demo.status not in OPEN:
        return Refused("invalid_state")
    if scheduled_at <= at:
        return Refused(DATE_PAST)
    scheduled = _set_for(demo, command, at)
    return Accepted(scheduled, (scheduled.appointment(DemoScheduled, scheduled_at),), (demo_reminder(demo.id, scheduled_at, at),))


def complete_demo(state: State, command: Command[CompleteDemo], at: Timestamp) -> Decision[State]:
    demo = found(state, command.actor, admin)
    if isinstance(demo, Refused):
        return demo
    if demo.status is Status.COMPLETED:
        return UNCHANGED
    if demo.status is not Status.SCHEDULED:
        return Refused("invalid_state")
    return _closed(demo.having(status=Status.COMPLETED), DemoCompleted(demo_id=demo.id), at)


def cancel_demo(state: State, command: Command[CancelDemo], at: Timestamp) -> Decision[State]:
    demo = found(state, command.actor, admin)
    if isinstance(demo, Refused):
        return demo
    if demo.status is Status.CANCELLED:
        return UNCHANGED
    if demo.status not in OPEN:
        return Refused("invalid_state")
    return _closed(demo.having(status=Status.CANCELLED), demo.cancellation(command.data.reason), at)


def set_demo_notes(state: State, command: Command[SetDemoNotes], at: Timestamp) -> Decision[State]:
    """Notes under another person's key would outlive the erasure of the one they are about."""
    demo, notes = found(state, command.actor, admin), command.data.notes
    if isinstance(demo, Refused):
        return demo
    if _subject(notes) != lead(demo.email_hash):
        return Refused("id_mismatch")
    if command.id in demo.decided_by or demo.notes == notes:
        return UNCHANGED
    return Accepted(demo.decided(command.id, notes=notes, expires_at=kept_until(at)))


def send_demo_reminder(state: State, command: Command[SendDemoReminder], at: Timestamp) -> Decision[State]:
    """Once for each appointment, and not for one that has begun. The row may be gone by now."""
    if not ours(command.actor):
        return Refused("forbidden")
    scheduled_at = command.data.scheduled_at
    if state is None or not state.is_set_for(scheduled_at) or state.reminded_at is not None:
        return UNCHANGED
    if not reminder_due(scheduled_at) <= at < scheduled_at:
        return UNCHANGED
    return Accepted(state.having(reminded_at=at), (state.appointment(DemoReminderDue, scheduled_at),))


# --- rules ---------------------------------------------------------------------------------------------------------


def _subject(sealed: Pii[Text5000]) -> str:
    """Not by parsing the whole text: what its reader could not open is not this decision's business."""
    return sealed.split(".")[2]


def _requested(data: RequestDemo, at: Timestamp) -> Demo:
    return Demo(
        id=data.demo_id,
        name=data.name,
        email=data.email,
        email_hash=data.email_hash,
        company=data.company,
        company_size=data.company_size,
        use_case=data.use_case,
        preferred_date=data.preferred_date,
        status=Status.PENDING,
        locale=data.locale,
        visit_session_id=data.visit_session_id,
        expires_at=kept_until(at),
    )


def _told(data: RequestDemo) -> DemoRequested:
    return DemoRequested(
        demo_id=data.demo_id,
        name=data.name,
        email=data.email,
        email_hash=data.email_hash,
        company=data.company,
        company_size=data.company_size,
        preferred_date=data.preferred_date,
        locale=data.locale,
    )


def _set_for(demo: Demo, command: Command[ScheduleDemo], at: Timestamp) -> Demo:
    return demo.decided(
        command.id,
        status=Status.SCHEDULED,
        scheduled_at=command.data.scheduled_at,
        rescheduled=demo.status is Status.SCHEDULED,
        reminded_at=None,
        expires_at=kept_until(at),
    )


def _closed(demo: Demo, event: DemoCompleted | DemoCancelled, at: Timestamp) -> Accepted[State]:
    return Accepted(demo.having(expires_at=kept_until(at)), (event,), (without_demo_reminder(demo.id),))
