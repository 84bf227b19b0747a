"""Tables of notification: messages, recipients, suppressed addresses and templates."""

from typing import Final

from schemas.table import Index, Key, Owner, Sensitivity, Table, text

NOTIFICATIONS: Final = Table(
    name="notification-notifications",
    owner=Owner.NOTIFICATION,
    purpose="Messages and their fate; items `RECIPIENT#`, `SUPPRESS#<addressHash>` and claims `MSG#<providerMessageId>`.",
    sensitivity=Sensitivity.PERSONAL,
    key=Key(text("id")),
    indexes=(
        Index(
            "userId-index",
            hash=text("userId"),
            range=text("createdAt"),
            projection=("type", "template", "title", "read", "status", "expiresAt"),
        ),
        Index("read-index", hash=text("unreadUserId"), range=text("createdAt"), sparse=True),
    ),
    ttl="expiresAt",
)

TEMPLATES: Final = Table(
    name="notification-templates",
    owner=Owner.NOTIFICATION,
    purpose="Immutable versions of message templates; items `NAME#<name>` point at the active row per type and locale.",
    sensitivity=Sensitivity.INTERNAL,
    key=Key(text("id")),
    indexes=(
        Index(
            "type-index",
            hash=text("type"),
            range=text("nameVersion"),
            projection=("version", "state", "dir"),
        ),
    ),
)

TABLES: Final = (NOTIFICATIONS, TEMPLATES)
