"""Tables of user: profiles and preferences, one row a user each."""

from typing import Final

from schemas.table import Key, Owner, Sensitivity, Table, text

PROFILES: Final = Table(
    name="user-profiles",
    owner=Owner.USER,
    purpose="Name, phone and avatar of a user.",
    sensitivity=Sensitivity.PERSONAL,
    key=Key(text("userId")),
)

PREFERENCES: Final = Table(
    name="user-preferences",
    owner=Owner.USER,
    purpose="Language, time zone and wanted channels of a user; no row means the defaults.",
    sensitivity=Sensitivity.PERSONAL,
    key=Key(text("userId")),
)

TABLES: Final = (PROFILES, PREFERENCES)
