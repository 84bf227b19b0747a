"""What others do that analytics has to follow."""

from collections.abc import Sequence

from contracts.analytics import EraseVisitor
from contracts.auth import ErasureRequested
from workers.engine.decision import Item
from workers.engine.service import Event, Send


def erasure_requested(event: Event[ErasureRequested], _rows: Sequence[Item]) -> Sequence[Send]:
    return (Send(EraseVisitor(user_id=event.data.user_id)),)
