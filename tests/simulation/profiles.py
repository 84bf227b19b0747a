"""Which services run in a simulation, on which roles, and what they are sent."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from contracts.message import CommandData
from tests.simulation import workload
from tests.simulation.providers import Outside, SimulatedDocuments, SimulatedMail, SimulatedStripe, Webhook
from tests.simulation.registry import REGISTRY, draw_registry
from workers.engine.runtime import RoleName
from workers.engine.service import Service
from workers.services.analytics.service import SERVICE as ANALYTICS
from workers.services.contract.service import SERVICE as CONTRACT
from workers.services.notification.service import SERVICE as NOTIFICATION
from workers.services.payment.service import SERVICE as PAYMENT

EFFECT_TIMEOUT = 0.4
"""Seconds; scaled down like all deadlines of a simulation."""


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """``service`` judges the commands that ``draw`` makes; ``others`` read its events. ``before`` is judged before the run."""

    name: str
    service: Service
    roles: tuple[RoleName, ...]
    draw: workload.Draw
    before: Callable[[], Sequence[CommandData]] = lambda: ()
    others: tuple[tuple[Service, RoleName], ...] = ()

    @property
    def all_roles(self) -> list[tuple[Service, RoleName]]:
        return [*((self.service, role) for role in self.roles), *self.others]


def _alone(service: Service) -> Service:
    """Reacting and counting its own events only, with deadlines scaled down."""
    return replace(
        service,
        reactions=tuple(each for each in service.reactions if each.event.service == service.name),
        projections=tuple(each for each in service.projections if each.event.service == service.name),
        effects=tuple(replace(effect, timeout=EFFECT_TIMEOUT) for effect in service.effects),
    )


def _counting(service: Service) -> Service:
    return replace(ANALYTICS, projections=tuple(each for each in ANALYTICS.projections if each.event.service == service.name))


def _profile(name: str, service: Service, roles: Sequence[RoleName], draw: workload.Draw, **other: Any) -> Profile:
    own = _alone(service)
    counting = ((_counting(service), RoleName.PROJECTIONS),) if RoleName.PROJECTIONS in roles and service is not REGISTRY else ()
    return Profile(name, own, tuple(roles), draw, others=counting, **other)


COMMANDS, REACTIONS, EFFECTS, PROJECTIONS = RoleName.COMMANDS, RoleName.REACTIONS, RoleName.EFFECTS, RoleName.PROJECTIONS
_BARE = (
    _profile("notification", NOTIFICATION, [COMMANDS], workload.draw_notification, before=workload.before_notification),
    _profile("payment", PAYMENT, [COMMANDS], workload.draw_payment),
    _profile("contract", CONTRACT, [COMMANDS], workload.draw_contract, before=workload.before_contract),
    _profile("registry", REGISTRY, [COMMANDS], draw_registry),
)
_WHOLE = (
    _profile("payment+effects", PAYMENT, [COMMANDS, REACTIONS, EFFECTS], workload.draw_payment),
    _profile("notification+effects", NOTIFICATION, [COMMANDS, EFFECTS], workload.draw_notification, before=workload.before_notification),
    _profile("contract+effects", CONTRACT, [COMMANDS, EFFECTS], workload.draw_contract, before=workload.before_contract),
    _profile("payment+counts", PAYMENT, [COMMANDS, PROJECTIONS], workload.draw_payment),
    _profile("notification+counts", NOTIFICATION, [COMMANDS, PROJECTIONS], workload.draw_notification, before=workload.before_notification),
    _profile("registry+receipts", REGISTRY, [COMMANDS, PROJECTIONS], draw_registry),
    _profile("registry+reactions", REGISTRY, [COMMANDS, REACTIONS], draw_registry),
)
PROFILES: Mapping[str, Profile] = {each.name: each for each in (*_BARE, *_WHOLE)}


def ports(outside: Outside, now: Callable[[], int], say: Webhook) -> Mapping[str, object]:
    """One outside for all processes."""
    mail = SimulatedMail(outside)
    return {"stripe": SimulatedStripe(outside, now, say), "ses": mail, "render": mail, "documents": SimulatedDocuments(outside)}
