"""The timers of appointments and subscriptions (domain.md 10): a date each, by name and row."""

from contracts.lead import DemoId, LapseSubscription, SendDemoReminder, SubscriptionId
from contracts.types import Timestamp
from workers.engine.decision import CancelTimer, ScheduleTimer
from workers.services.lead.demo import reminder_due

_REMINDER, _LAPSE = "demo-reminder", "newsletter-lapse"


def demo_reminder(demo: DemoId, scheduled_at: Timestamp, at: Timestamp) -> ScheduleTimer | CancelTimer:
    """None for an appointment so near that its confirmation reminds of it; that of an earlier one goes, too."""
    due = reminder_due(scheduled_at)
    command = SendDemoReminder(demo_id=demo, scheduled_at=scheduled_at)
    return ScheduleTimer(_REMINDER, demo, due, command) if due > at else without_demo_reminder(demo)


def without_demo_reminder(demo: DemoId) -> CancelTimer:
    return CancelTimer(_REMINDER, demo)


def newsletter_lapse(subscription: SubscriptionId, valid_until: Timestamp) -> ScheduleTimer:
    return ScheduleTimer(_LAPSE, subscription, valid_until, LapseSubscription(subscription_id=subscription))


def without_newsletter_lapse(subscription: SubscriptionId) -> CancelTimer:
    return CancelTimer(_LAPSE, subscription)
