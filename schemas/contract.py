"""Tables of contract: contracts and the templates they are drafted from."""

from typing import Final

from schemas.table import Index, Key, Owner, Sensitivity, Table, text

CONTRACTS: Final = Table(
    name="contract-contracts",
    owner=Owner.CONTRACT,
    purpose="Contracts from draft to end, with both signatures and the digest of what was signed.",
    sensitivity=Sensitivity.PERSONAL,
    key=Key(text("id")),
    indexes=(
        Index(
            "clientId-index",
            hash=text("clientId"),
            range=text("createdAt"),
            projection=("title", "contractorId", "type", "currency", "rate", "status", "startDate", "endDate"),
        ),
        Index(
            "contractorId-index",
            hash=text("contractorId"),
            range=text("createdAt"),
            projection=("title", "clientId", "type", "currency", "rate", "status", "startDate", "endDate"),
        ),
        Index(
            "status-index",
            hash=text("status"),
            range=text("updatedAt"),
            projection=("title", "clientId", "contractorId"),
        ),
    ),
    # The requirements' optional stream stays off: outcomes ride in the item and the worker publishes them itself,
    # so nothing would read it (and DynamoDB Local writes a table with a stream about ten times slower).
    stream=False,
)

TEMPLATES: Final = Table(
    name="contract-templates",
    owner=Owner.CONTRACT,
    purpose="Immutable versions of contract templates; items `NAME#<name>` (family) and `DEFAULT#<type>`.",
    sensitivity=Sensitivity.INTERNAL,
    key=Key(text("id")),
    indexes=(
        Index(
            "type-index",
            hash=text("type"),
            range=text("nameVersion"),
            projection=("version", "locale", "state", "dir"),
        ),
    ),
)

TABLES: Final = (CONTRACTS, TEMPLATES)
