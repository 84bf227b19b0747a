"""Whether the tables that a rebuild compares are there: asked first, so that no long log is read for nothing."""

from collections.abc import Sequence
from typing import Final

from schemas.registry import table, tables_of
from schemas.table import Owner
from workers.adapters.dynamodb_differences import DifferenceKind
from workers.engine.bookmarks import AUDIT
from workers.engine.decision import ItemRef
from workers.engine.parking import PARKED
from workers.engine.ports import Store, StoreMisconfigured
from workers.engine.quarantine import FAILURES
from workers.ops import declared
from workers.settings import Settings

NOBODY: Final = "0"
"""A key that no row has, be it text or a number."""


class TablesMissing(Exception):
    """There is nothing to compare with. The log was not read and nothing was written."""


async def require_tables(store: Store, service: str, settings: Settings, *, writes: bool) -> None:
    """One small read a table: the service's, those that say what is parked and in quarantine, and of whoever writes the audit trail's.
    Raises TablesMissing; StoreMisconfigured where they are there and can't be read; StoreUnavailable."""
    wanted = [*tables_of(Owner(service)), table(PARKED), table(FAILURES), *([table(AUDIT)] if writes else [])]
    try:
        for each in wanted:
            await store.get([ItemRef(each.name, NOBODY, NOBODY if each.key.range else None)])
    except StoreMisconfigured:
        # It says the same of a table that is not there and of one that may not be read.
        names = {each.name_in(settings.environment) for each in wanted}
        found = await declared.diff_tables(settings)
        missing = sorted(each.table for each in found if each.kind is DifferenceKind.MISSING_TABLE and each.table in names)
        if not missing:
            raise
        raise TablesMissing(_told(service, missing)) from None


def _told(service: str, missing: Sequence[str]) -> str:
    return (
        f"no such table: {', '.join(missing)}. {TablesMissing.__doc__} Stop {service}'s workers; `mindlinks tables apply` makes what is "
        f"missing, empty; `mindlinks rebuild {service} --restore --why ...` then fills it from the log. If the tables should be there, "
        "look at MINDLINKS_ENVIRONMENT, AWS_REGION and AWS_ENDPOINT_URL_DYNAMODB."
    )
