"""Tables of lead: people who asked for something before they had an account."""

from typing import Final

from schemas.table import Index, Key, Owner, Sensitivity, Table, text

CONTACTS: Final = Table(
    name="website-contacts",
    owner=Owner.LEAD,
    purpose="Contact forms; several from one address meet by its hash; items `ERASED#<emailHash>`.",
    sensitivity=Sensitivity.PERSONAL,
    key=Key(text("id")),
    indexes=(
        Index("email-index", hash=text("emailHash"), range=text("createdAt")),
        Index(
            "status-index",
            hash=text("status"),
            range=text("createdAt"),
            projection=("source", "company", "emailHash", "expiresAt"),
        ),
        Index(
            "createdAt-index",
            hash=text("createdMonth"),
            range=text("createdAt"),
            projection=("status", "source", "company", "expiresAt"),
        ),
    ),
    ttl="expiresAt",
)

DEMO_REQUESTS: Final = Table(
    name="website-demo-requests",
    owner=Owner.LEAD,
    purpose="Requests for a demonstration and their appointments.",
    sensitivity=Sensitivity.PERSONAL,
    key=Key(text("id")),
    indexes=(
        Index("email-index", hash=text("emailHash"), range=text("createdAt")),
        Index(
            "status-index",
            hash=text("status"),
            range=text("createdAt"),
            projection=("company", "companySize", "preferredDate", "scheduledAt", "expiresAt"),
        ),
        Index(
            "preferredDate-index",
            hash=text("preferredMonth"),
            range=text("preferredDate"),
            projection=("status", "company", "companySize", "expiresAt"),
        ),
    ),
    ttl="expiresAt",
)

NEWSLETTER_SUBSCRIPTIONS: Final = Table(
    name="website-newsletter-subscriptions",
    owner=Owner.LEAD,
    purpose="Newsletter subscriptions with double opt-in, one an address by its derived id.",
    sensitivity=Sensitivity.PERSONAL,
    key=Key(text("id")),
    indexes=(
        Index("email-index", hash=text("emailHash")),
        Index(
            "status-index",
            hash=text("statusShard"),
            range=text("subscribedAt"),
            projection=("email", "name", "locale", "expiresAt"),
        ),
    ),
    ttl="expiresAt",
)

TABLES: Final = (CONTACTS, DEMO_REQUESTS, NEWSLETTER_SUBSCRIPTIONS)
