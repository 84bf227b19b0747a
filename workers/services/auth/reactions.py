"""Whoever has erased its part of a person says so; the account counts them."""

from collections.abc import Sequence
from typing import TypeAlias

from contracts.analytics import VisitorErased
from contracts.auth import ErasurePart, RecordErasurePart
from contracts.client import CompanyErased
from contracts.contractor import ContractorErased
from contracts.lead import LeadErased
from contracts.notification.events import RecipientErased
from contracts.user import UserDataErased
from workers.engine.decision import Item
from workers.engine.service import Event, Send

PartErased: TypeAlias = UserDataErased | CompanyErased | ContractorErased | RecipientErased | LeadErased | VisitorErased


def part_erased(event: Event[PartErased], _rows: Sequence[Item]) -> Sequence[Send]:
    """An address without an account is erased for itself: no account waits for that."""
    user_id = event.data.user_id
    return (Send(RecordErasurePart(user_id=user_id, part=ErasurePart(event.service))),) if user_id else ()
