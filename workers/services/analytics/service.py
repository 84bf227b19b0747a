"""analytics: what is counted, and the erasure of a visitor. Visits and tracked events follow with their issue."""

from contracts.analytics import EraseVisit, EraseVisitor, RecordVisitorErased, VisitorErasureRequested
from contracts.auth import ErasureRequested
from workers.engine.aggregate import Handler
from workers.engine.service import Effect, Reaction, Service
from workers.services.analytics import effects, erasure, reactions
from workers.services.analytics.projections import PROJECTIONS
from workers.services.analytics.visit import VISITS
from workers.services.analytics.visitor import VISITORS

SERVICE = Service(
    name="analytics",
    handlers=(
        Handler(EraseVisitor, VISITORS, erasure.erase_visitor),
        Handler(RecordVisitorErased, VISITORS, erasure.record_visitor_erased, idempotency="state, but for counts of one pass more"),
        Handler(EraseVisit, VISITS, erasure.erase_visit),
    ),
    reactions=(Reaction(ErasureRequested, reactions.erasure_requested),),
    effects=(Effect("analytics.purge-visitor", VisitorErasureRequested, "visits", effects.purge_visitor),),
    projections=PROJECTIONS,
    timers=False,
)
