"""The notification service."""

from contracts.notification import commands
from workers.engine.aggregate import Handler
from workers.engine.service import Service
from workers.services.notification import delivery, erasure, planning, suppression, template
from workers.services.notification.effects import RENDER_IN_APP, SEND_EMAIL
from workers.services.notification.mailbox import MAILBOXES, reads_listed, reads_message, reads_named, reads_waiting
from workers.services.notification.reactions import REACTIONS
from workers.services.notification.sms import SEND_SMS
from workers.services.notification.suppression import ADDRESSES
from workers.services.notification.template import TEMPLATES

# A message id that another command takes at the same moment is judged again from what is there.
CLAIMED = "state; the message id's claim"
REMEMBERED = "state; commands that changed it are remembered on the row"

SERVICE = Service(
    name="notification",
    handlers=(
        Handler(commands.SyncRecipient, MAILBOXES, planning.sync_recipient, reads_waiting, idempotency="per field the newer source wins"),
        Handler(commands.PlanNotification, MAILBOXES, planning.plan_notification, reads_named, idempotency="createdBy"),
        Handler(commands.ResolveUnknownNotification, MAILBOXES, planning.resolve_unknown_notification, reads_named),
        Handler(commands.RetryNotification, MAILBOXES, planning.retry_notification, reads_named, idempotency=REMEMBERED),
        Handler(commands.RecordNotificationRendered, MAILBOXES, delivery.record_notification_rendered, reads_named),
        Handler(commands.RecordNotificationSent, MAILBOXES, delivery.record_notification_sent, reads_message, idempotency=CLAIMED),
        Handler(commands.RecordNotificationUnknown, MAILBOXES, delivery.record_notification_unknown, reads_named),
        Handler(commands.RecordNotificationSuppressed, MAILBOXES, delivery.record_notification_suppressed, reads_named),
        Handler(commands.RecordNotificationFailed, MAILBOXES, delivery.record_notification_failed, reads_named),
        Handler(commands.RecordNotificationDelivered, MAILBOXES, delivery.record_notification_delivered, reads_named),
        Handler(commands.RecordNotificationDelayed, MAILBOXES, delivery.record_notification_delayed, reads_named),
        Handler(commands.RecordNotificationBounced, MAILBOXES, delivery.record_notification_bounced, reads_named),
        Handler(commands.RecordNotificationComplained, MAILBOXES, delivery.record_notification_complained, reads_named),
        Handler(commands.EraseRecipient, MAILBOXES, erasure.erase_recipient),
        Handler(commands.FinishRecipientErasure, MAILBOXES, erasure.finish_recipient_erasure, reads_waiting),
        Handler(commands.MarkNotificationsRead, MAILBOXES, delivery.mark_notifications_read, reads_listed),
        Handler(commands.SuppressAddress, ADDRESSES, suppression.suppress_address, idempotency=REMEMBERED),
        Handler(commands.LiftSuppression, ADDRESSES, suppression.lift_suppression, idempotency=REMEMBERED),
        Handler(
            commands.PublishNotificationTemplate,
            TEMPLATES,
            template.publish_notification_template,
            template.reads_row,
            idempotency="createdBy",
        ),
        Handler(
            commands.ActivateNotificationTemplate,
            TEMPLATES,
            template.activate_notification_template,
            template.reads_rows,
            idempotency=REMEMBERED,
        ),
    ),
    reactions=REACTIONS,
    effects=(SEND_EMAIL, SEND_SMS, RENDER_IN_APP),
)
