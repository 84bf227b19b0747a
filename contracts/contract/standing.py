"""What either party of contracts keeps of them: whether they are open (domain.md 3, 4)."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Self

from contracts.message import Value
from contracts.types import ContractId

MOST_CONTRACTS = 1000


class ContractStanding(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


class KnownContracts(Value):
    """``closed_contracts``: those of ``contract_states`` that are closed, in the order they closed."""

    contract_states: Mapping[ContractId, ContractStanding] = {}
    closed_contracts: tuple[ContractId, ...] = ()

    @property
    def open_contracts(self) -> int:
        return sum(standing is ContractStanding.OPEN for standing in self.contract_states.values())

    def with_standing(self, contract: ContractId, standing: ContractStanding) -> Self:
        """At most ``MOST_CONTRACTS`` are kept, the oldest closed ones dropped; an open one never is, however many there are."""
        states = {**self.contract_states, contract: standing}
        closes = standing is ContractStanding.CLOSED and contract not in self.closed_contracts
        closed = (*self.closed_contracts, contract) if closes else self.closed_contracts
        excess = max(0, len(states) - MOST_CONTRACTS)
        dropped = frozenset(closed[:excess])
        kept = {key: value for key, value in states.items() if key not in dropped}
        return self.model_copy(update={"contract_states": kept, "closed_contracts": closed[excess:]})
