"""A visitor's events are deleted and each visit is told to empty itself. A repeat finds less, never more than there is."""

from collections.abc import Mapping

from contracts.analytics import EraseVisit, RecordVisitorErased, VisitorErasureRequested
from workers.engine.decision import Item, ItemRef
from workers.engine.service import Call, Done, Result, Retryable
from workers.services.analytics.ports import VisitRecords, VisitRecordsUnavailableError


async def purge_visitor(call: Call[VisitorErasureRequested], _rows: Mapping[ItemRef, Item], port: VisitRecords) -> Result:
    user = call.event.data.user_id
    try:
        purged = await port.purge(user)
    except VisitRecordsUnavailableError as failure:
        return Retryable(f"VisitRecordsUnavailableError: {failure}", ours=True)
    # The visits first: once the last command is in the log, so are theirs.
    visits = (EraseVisit(session_id=visit) for visit in purged.visits)
    return Done((*visits, RecordVisitorErased(user_id=user, visits=len(purged.visits), events=purged.events)))
