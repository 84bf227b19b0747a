"""How a party stands in its contracts: what decides later whether its data may be erased."""

from collections.abc import Mapping
from enum import StrEnum


class ContractStanding(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


def opened(contracts: Mapping[str, ContractStanding], contract: str) -> Mapping[str, ContractStanding]:
    """Closing may overtake opening, so what is known already stays."""
    return contracts if contract in contracts else {**contracts, contract: ContractStanding.OPEN}


def closed(contracts: Mapping[str, ContractStanding], contract: str) -> Mapping[str, ContractStanding]:
    return {**contracts, contract: ContractStanding.CLOSED}
