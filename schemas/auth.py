"""Tables of auth: accounts and their sessions."""

from typing import Final

from schemas.table import Index, Key, Owner, Sensitivity, Table, text

USERS: Final = Table(
    name="auth-users",
    owner=Owner.AUTH,
    purpose="Accounts, their credentials and the state of their erasure; claims `EMAIL#<emailHash>` keep addresses unique.",
    sensitivity=Sensitivity.RESTRICTED,
    key=Key(text("id")),
    indexes=(Index("email-index", hash=text("emailHash")),),
    deletes="the claim of an address given up",
)

SESSIONS: Final = Table(
    name="auth-sessions",
    owner=Owner.AUTH,
    purpose="Open and revoked sessions; one row is one family of rotating refresh tokens, kept as hashes.",
    sensitivity=Sensitivity.PERSONAL,
    key=Key(text("id")),
    indexes=(
        Index(
            "userId-index",
            hash=text("userId"),
            range=text("createdAt"),
            projection=("state", "expiresAt", "userAgent", "rotatedAt"),
        ),
    ),
    ttl="expiresAt",
    # A session lost with the table costs a sign-in; a restored one could be a revoked one.
    point_in_time_recovery=False,
)

TABLES: Final = (USERS, SESSIONS)
