"""A contractor with the bank details that a command leads to: what one decision sees."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from contracts.message import CommandData
from contracts.types import BankDetailsId, ContractorId
from workers.engine.aggregate import Aggregate, Items, Read
from workers.engine.decision import UNCHANGED, Command, Item, ItemRef, Refused, Unchanged
from workers.services.contractor.bank_account import BankRow, bank_row_in
from workers.services.contractor.contractor import Contractor, ErasedContractor, contractor_in
from workers.services.contractor.rights import ours

TABLE = "contractor-profiles"
BANK_DETAILS = "contractor-bank-details"

Right = Callable[[str, ContractorId], bool]


@dataclass(frozen=True, slots=True)
class ContractorState:
    """Root: the contractor. ``banks`` only for commands that lead to some; a row may be somebody else's."""

    contractor_id: ContractorId
    contractor: Contractor | ErasedContractor | None = None
    banks: Mapping[BankDetailsId, BankRow] = field(default_factory=dict)

    def become(self, contractor: Contractor | ErasedContractor, *banks: BankRow) -> Self:
        return replace(self, contractor=contractor, banks={**self.banks, **{bank.id: bank for bank in banks}})

    def bank(self, bank_details: BankDetailsId) -> BankRow | None:
        """None for a row of another contractor too."""
        row = self.banks.get(bank_details)
        return row if row is not None and row.contractor_id == self.contractor_id else None


def found(state: ContractorState, command: Command[CommandData], right: Right) -> Contractor | ErasedContractor | Refused:
    """What there is of the contractor, if the actor has the right to do this to it."""
    if state.contractor is None:
        return Refused("not_found")
    return state.contractor if right(command.actor, state.contractor_id) else Refused("forbidden")


def living(state: ContractorState, command: Command[CommandData], right: Right) -> Contractor | Refused:
    """As ``found``, and the contractor is not erased."""
    contractor = found(state, command, right)
    return Refused("erased") if isinstance(contractor, ErasedContractor) else contractor


def told(state: ContractorState, command: Command[CommandData]) -> Contractor | Refused | Unchanged:
    """For facts that our own senders bring. Of an erased contractor nobody needs them."""
    contractor = found(state, command, ours)
    return UNCHANGED if isinstance(contractor, ErasedContractor) else contractor


# --- state and items -----------------------------------------------------------------------------------------------


def bank_ref(bank_details: BankDetailsId) -> ItemRef:
    return ItemRef(BANK_DETAILS, bank_details)


def _load(key: str, items: Items) -> ContractorState:
    contractor = items.get(ItemRef(TABLE, key))
    banks = {BankDetailsId(ref.key): bank_row_in(item) for ref, item in items.items() if ref.table == BANK_DETAILS}
    return ContractorState(ContractorId(key), contractor_in(contractor) if contractor else None, banks)


def _save(state: ContractorState) -> Items:
    own: dict[ItemRef, Item] = {bank_ref(row.id): row.to_item() for row in state.banks.values() if row.contractor_id == state.contractor_id}
    return {CONTRACTORS.root(state.contractor.id): state.contractor.to_item(), **own} if state.contractor else {}


CONTRACTORS: Aggregate[ContractorState] = Aggregate(TABLE, _load, _save)


def named_bank_details(_state: ContractorState, command: Command[CommandData]) -> Iterable[Read]:
    """Of every command with a ``bankDetailsId``; that of a new one too, so that a repeat is seen."""
    bank_details: BankDetailsId = getattr(command.data, "bank_details_id")  # noqa: B009  # the field they all share
    return (Read(bank_ref(bank_details)),)


def all_bank_details(state: ContractorState, _command: Command[CommandData]) -> Iterable[Read]:
    """Those that are not removed."""
    contractor = state.contractor
    return [Read(bank_ref(row)) for row in contractor.bank_fingerprints] if isinstance(contractor, Contractor) else ()


def all_bank_details_if_leaving(state: ContractorState, command: Command[CommandData]) -> Iterable[Read]:
    leaving = isinstance(state.contractor, Contractor) and state.contractor.erasure_requested
    return all_bank_details(state, command) if leaving else ()
