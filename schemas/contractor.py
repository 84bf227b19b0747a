"""Tables of contractor: profiles and bank details."""

from typing import Final

from schemas.table import Index, Key, Owner, Sensitivity, Table, text

PROFILES: Final = Table(
    name="contractor-profiles",
    owner=Owner.CONTRACTOR,
    purpose="Contractors, one a user, with a copy of their KYC status and the pointer to their default bank details.",
    sensitivity=Sensitivity.PERSONAL,
    key=Key(text("id")),
    indexes=(Index("userId-index", hash=text("userId")),),
)

BANK_DETAILS: Final = Table(
    name="contractor-bank-details",
    owner=Owner.CONTRACTOR,
    purpose="Bank accounts of contractors; numbers are sealed, removed ones are emptied, lists show the last four digits.",
    sensitivity=Sensitivity.RESTRICTED,
    key=Key(text("id")),
    indexes=(
        Index(
            "contractorId-index",
            hash=text("contractorId"),
            range=text("createdAt"),
            projection=("bankName", "currency", "last4", "status"),
        ),
    ),
)

TABLES: Final = (PROFILES, BANK_DETAILS)
