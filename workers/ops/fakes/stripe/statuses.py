"""Which objects a step of people or banks may start from."""

from typing import Protocol, TypeVar

from workers.ops.fakes.stripe.payer import NotPossible
from workers.ops.fakes.stripe.state import StripeObject, StripeState


class Standing(StripeObject, Protocol):
    @property
    def status(self) -> str: ...


StandingObject = TypeVar("StandingObject", bound=Standing)


def in_status(state: StripeState, kind: type[StandingObject], object_id: str, *statuses: str) -> StandingObject:
    """Raises NotPossible for one there is not, and for one in another status."""
    found, name = state.table(kind).get(object_id), kind.__name__.lower()
    if found is None:
        raise NotPossible(f"There is no {name} {object_id}: ask GET /_fake/state for those there are.")
    if found.status not in statuses:
        raise NotPossible(f"{name.capitalize()} {object_id} is {found.status}; this step starts from {' or '.join(statuses)}.")
    return found
