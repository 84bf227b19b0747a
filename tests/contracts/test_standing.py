"""What a party keeps of its contracts: every open one, and of the closed ones those that still fit."""

from contracts.contract.standing import MOST_CONTRACTS, ContractStanding, KnownContracts
from contracts.ids import derived
from contracts.types import ContractId

OPEN, CLOSED = ContractStanding.OPEN, ContractStanding.CLOSED


def contract(number: int) -> ContractId:
    return ContractId(derived(f"contract {number}"))


def knowing(opened: int, *closed: int) -> KnownContracts:
    """The first ``opened`` contracts, of which ``closed`` have closed since, in this order."""
    known = KnownContracts(contract_states={contract(number): OPEN for number in range(opened)})
    for number in closed:
        known = known.with_standing(contract(number), CLOSED)
    return known


def test_open_ones_are_counted() -> None:
    known = knowing(3, 1)
    assert (known.open_contracts, known.contract_states[contract(1)], known.closed_contracts) == (2, CLOSED, (contract(1),))
    assert known.with_standing(contract(1), CLOSED) == known


def test_the_one_closed_first_goes_first() -> None:
    known = knowing(MOST_CONTRACTS, 7, 3).with_standing(contract(MOST_CONTRACTS), OPEN)
    assert len(known.contract_states) == MOST_CONTRACTS
    assert (contract(7) in known.contract_states, contract(3) in known.contract_states) == (False, True)
    assert known.closed_contracts == (contract(3),)


def test_an_open_one_is_never_dropped() -> None:
    known = knowing(MOST_CONTRACTS, 7, 3)
    for number in range(MOST_CONTRACTS, MOST_CONTRACTS + 3):
        known = known.with_standing(contract(number), OPEN)
    assert known.contract_states.keys().isdisjoint({contract(7), contract(3)})
    assert (known.open_contracts, len(known.contract_states), known.closed_contracts) == (MOST_CONTRACTS + 1, MOST_CONTRACTS + 1, ())


def test_where_open_ones_leave_no_room_a_closed_one_is_not_kept() -> None:
    known = knowing(MOST_CONTRACTS + 1)
    assert known.with_standing(contract(2 * MOST_CONTRACTS), CLOSED) == known
