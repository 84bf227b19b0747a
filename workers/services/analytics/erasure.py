"""A visitor is erased: the person's events are deleted, the visits emptied, and both counted (domain.md 15)."""

from contracts.analytics import EraseVisit, EraseVisitor, RecordVisitorErased, VisitorErased, VisitorErasureRequested
from contracts.types import Timestamp
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Refused
from workers.services.analytics.ports import MOST_VISITS
from workers.services.analytics.visit import Visit
from workers.services.analytics.visitor import ErasedVisitor, tombstone

Visitor = ErasedVisitor | None


def erase_visitor(state: Visitor, command: Command[EraseVisitor], _at: Timestamp) -> Decision[Visitor]:
    """Who never visited is looked for all the same: only the index knows."""
    if not _ours(command.actor):
        return Refused("forbidden")
    if state is not None:
        return UNCHANGED
    user = command.data.user_id
    return Accepted(tombstone(user), (VisitorErasureRequested(user_id=user),))


def record_visitor_erased(state: Visitor, command: Command[RecordVisitorErased], _at: Timestamp) -> Decision[Visitor]:
    """A pass that found as much as it may is followed by another."""
    if not _ours(command.actor):
        return Refused("forbidden")
    if state is None:
        return Refused("not_found")
    if state.done:
        return UNCHANGED
    data = command.data
    found = state.having(visits=state.visits + data.visits, events=state.events + data.events, done=data.visits < MOST_VISITS)
    if not found.done:
        return Accepted(found, (VisitorErasureRequested(user_id=data.user_id),))
    return Accepted(found, (VisitorErased(user_id=data.user_id, visits=found.visits, events=found.events),))


def erase_visit(state: Visit | None, command: Command[EraseVisit], _at: Timestamp) -> Decision[Visit | None]:
    if not _ours(command.actor):
        return Refused("forbidden")
    if state is None:
        return Refused("not_found")
    return UNCHANGED if state.erased else Accepted(state.emptied())


def _ours(actor: str) -> bool:
    """A reaction or an effect of ours; an admin may stand in for them."""
    return actor.startswith(("system:", "admin:"))
