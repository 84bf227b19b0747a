"""A request for a demonstration: its row, its appointment, what its mails say."""

from enum import StrEnum
from typing import Any, TypeVar

from contracts.analytics import VisitId
from contracts.lead import CompanySize, DemoCancelled, DemoId, DemoReminderDue, DemoScheduled
from contracts.timestamps import plus
from contracts.types import Email, Hash, Locale, Pii, Text200, Text2000, Text5000, Timestamp
from workers.engine.aggregate import Aggregate, Items
from workers.engine.decision import ItemRef
from workers.engine.row import EMPTY_OR_ZERO, DecidedRow

TABLE = "website-demo-requests"
REMIND_BEFORE_HOURS = 24

Appointment = TypeVar("Appointment", DemoScheduled, DemoReminderDue)


class Status(StrEnum):
    PENDING = "pending"
    SCHEDULED = "scheduled"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class Demo(DecidedRow):
    """``preferred_date`` is the asker's wish, ``scheduled_at`` what was agreed; ``rescheduled``: not for the first time. ``reminded_at``:
    when the mail about this appointment went out. ``expires_at``: epoch seconds."""

    leaves_out = EMPTY_OR_ZERO

    id: DemoId
    name: Pii[Text200]
    email: Pii[Email]
    email_hash: Hash
    company: Pii[Text200]
    company_size: CompanySize
    use_case: Text2000
    preferred_date: Timestamp
    status: Status
    notes: Pii[Text5000] | None = None
    locale: Locale
    visit_session_id: VisitId | None = None
    scheduled_at: Timestamp | None = None
    rescheduled: bool = False
    reminded_at: Timestamp | None = None
    expires_at: int

    def to_item(self) -> dict[str, Any]:
        """With the month that the calendar's index lists it under."""
        return super().to_item() | {"preferredMonth": self.preferred_date[:7]}

    def is_set_for(self, scheduled_at: Timestamp) -> bool:
        return self.status is Status.SCHEDULED and self.scheduled_at == scheduled_at

    def appointment(self, kind: type[Appointment], scheduled_at: Timestamp) -> Appointment:
        return kind(
            demo_id=self.id,
            name=self.name,
            email=self.email,
            email_hash=self.email_hash,
            locale=self.locale,
            scheduled_at=scheduled_at,
            rescheduled=self.rescheduled,
        )

    def cancellation(self, reason: str) -> DemoCancelled:
        return DemoCancelled(
            demo_id=self.id, name=self.name, email=self.email, email_hash=self.email_hash, locale=self.locale, reason=reason
        )


State = Demo | None


def reminder_due(scheduled_at: Timestamp) -> Timestamp:
    return plus(scheduled_at, hours=-REMIND_BEFORE_HOURS)


# --- state and items -----------------------------------------------------------------------------------------------


def _load(key: str, items: Items) -> State:
    item = items.get(ItemRef(TABLE, key))
    return Demo.from_item(item) if item else None


def _save(state: State) -> Items:
    return {ItemRef(TABLE, state.id): state.to_item()} if state else {}


DEMOS: Aggregate[State] = Aggregate(TABLE, _load, _save)
