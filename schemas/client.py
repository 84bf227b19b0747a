"""Tables of client: companies and the invitations they send."""

from typing import Final

from schemas.table import Index, Key, Owner, Sensitivity, Table, text

COMPANIES: Final = Table(
    name="client-companies",
    owner=Owner.CLIENT,
    purpose="Companies, one a user, with what the business registry says of them.",
    sensitivity=Sensitivity.PERSONAL,
    key=Key(text("id")),
    indexes=(
        Index("userId-index", hash=text("userId")),
        Index(
            "reviewState-index",
            hash=text("reviewState"),
            range=text("updatedAt"),
            projection=("country", "verificationReason"),
            sparse=True,
        ),
    ),
)

INVITATIONS: Final = Table(
    name="client-invitations",
    owner=Owner.CLIENT,
    purpose="Invitations of contractors, one a company and address; the token is kept as a hash.",
    sensitivity=Sensitivity.PERSONAL,
    key=Key(text("id")),
    indexes=(
        Index("token-index", hash=text("token")),
        Index(
            "clientId-index",
            hash=text("clientId"),
            range=text("createdAt"),
            projection=("contractorEmail", "status", "validUntil", "expiresAt"),
        ),
    ),
    ttl="expiresAt",
)

TABLES: Final = (COMPANIES, INVITATIONS)
