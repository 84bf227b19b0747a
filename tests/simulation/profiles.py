"""Which services run in a simulation, on which roles, and what they are sent."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from contracts.kyc import KycProvider
from contracts.message import CommandData
from tests.simulation import (
    draws,
    draws_auth,
    draws_client,
    draws_contractor,
    draws_erasure,
    draws_kyc,
    draws_lead,
    draws_messages,
    draws_people,
    draws_returns,
    draws_user,
)
from tests.simulation.counting import COUNTING
from tests.simulation.diary import DIARY, draw_diary
from tests.simulation.errands import ERRANDS, SimulatedErrands
from tests.simulation.providers import Outside, SimulatedDocuments, SimulatedStripe, Webhook
from tests.simulation.providers_messages import SimulatedMessages, told
from tests.simulation.providers_people import (
    SimulatedAvatars,
    SimulatedChecks,
    SimulatedKeys,
    SimulatedLeadKeys,
    SimulatedRecords,
    SimulatedRegistry,
    SimulatedVisits,
)
from tests.simulation.registry import REGISTRY, draw_registry
from tests.simulation.workload import COUNTS, Draw
from workers.engine.fuse import FuseLimits
from workers.engine.runtime import RoleName
from workers.engine.service import Service
from workers.services.analytics.service import SERVICE as ANALYTICS
from workers.services.auth.service import SERVICE as AUTH
from workers.services.client.service import SERVICE as CLIENT
from workers.services.contract.service import SERVICE as CONTRACT
from workers.services.contractor.service import SERVICE as CONTRACTOR
from workers.services.kyc.service import SERVICE as KYC
from workers.services.lead.service import SERVICE as LEAD
from workers.services.notification.service import SERVICE as NOTIFICATION
from workers.services.payment.service import SERVICE as PAYMENT
from workers.services.user.service import SERVICE as USER

EFFECT_TIMEOUT = 0.4
"""Seconds; scaled down like all deadlines of a simulation."""


USUAL = FuseLimits(window=100)


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """``service`` judges the commands that ``draw`` makes; ``others`` read its events, or judge too. ``before`` is judged before the run,
    as said by ``seeder``, its timers forgotten. ``counts``: how many commands there may be; ``longer``: how many times as long as most the
    runs are; ``clocks``: how wrong clocks may be, as a share of what they may be in others. ``deploys``: for a while every decision raises.
    ``key_lifetime``: seconds for which effects trust an idempotency key."""

    name: str
    service: Service
    roles: tuple[RoleName, ...]
    draw: Draw
    before: Callable[[], Sequence[CommandData]] = lambda: ()
    others: tuple[tuple[Service, RoleName], ...] = ()
    counts: tuple[int, ...] = COUNTS
    longer: float = 1.0
    clocks: float = 1.0
    deploys: bool = False
    fuse: FuseLimits = USUAL
    seeder: str = "admin:seed"
    key_lifetime: float = 20.0

    @property
    def key_memory(self) -> float:
        """Seconds for which a provider keeps a key: longer by what two clocks may differ, a process freeze, and a request be under way."""
        return self.key_lifetime + 3.0 * self.clocks + 3.5

    @property
    def all_roles(self) -> list[tuple[Service, RoleName]]:
        return [*((self.service, role) for role in self.roles), *self.others]

    @property
    def unread(self) -> bool:
        """Whether nobody reads the events that commands come to."""
        return self.roles == (RoleName.COMMANDS,) and not self.others

    @property
    def judged(self) -> list[Service]:
        """Services whose verdicts the oracle looks at: those that give any."""
        return [service for service, role in self.all_roles if role is RoleName.COMMANDS]


def _alone(service: Service) -> Service:
    """Reacting and counting its own events only, with deadlines scaled down."""
    return replace(
        service,
        reactions=tuple(each for each in service.reactions if each.event.service == service.name),
        projections=tuple(each for each in service.projections if each.event.service == service.name),
        effects=tuple(replace(told(effect), timeout=EFFECT_TIMEOUT) for effect in service.effects),
    )


def _counting(service: Service) -> Service:
    return replace(ANALYTICS, projections=tuple(each for each in ANALYTICS.projections if each.event.service == service.name))


def _profile(name: str, service: Service, roles: Sequence[RoleName], draw: Draw, **other: Any) -> Profile:
    own = _alone(service)
    counting = ((_counting(service), RoleName.PROJECTIONS),) if RoleName.PROJECTIONS in roles and service is not REGISTRY else ()
    return Profile(name, own, tuple(roles), draw, others=counting, **other)


def _together(
    name: str, services: Sequence[Service], draw: Draw, more: Mapping[str, Sequence[RoleName]] = MappingProxyType({}), **other: Any
) -> Profile:
    """Each judges, and reacts to the events of all. ``more``: further roles, by their services' names."""
    names = {service.name for service in services}
    alone = [
        replace(_alone(service), reactions=tuple(each for each in service.reactions if each.event.service in names)) for service in services
    ]
    roles = [(service, role) for service in alone for role in (RoleName.COMMANDS, RoleName.REACTIONS, *more.get(service.name, ()))]
    own = [role for service, role in roles if service is alone[0]]
    return Profile(name, alone[0], tuple(own), draw, others=tuple(roles[len(own) :]), **other)


COMMANDS, REACTIONS, EFFECTS, PROJECTIONS = RoleName.COMMANDS, RoleName.REACTIONS, RoleName.EFFECTS, RoleName.PROJECTIONS
TIMERS = RoleName.TIMERS
_PATIENT: Mapping[str, Any] = {"longer": 2.0, "clocks": 0.2}
_BARE = (
    _profile("notification", NOTIFICATION, [COMMANDS], draws.draw_notification, before=draws.before_notification),
    _profile("payment", PAYMENT, [COMMANDS], draws.draw_payment),
    _profile("contract", CONTRACT, [COMMANDS], draws.draw_contract, before=draws.before_contract),
    _profile("registry", REGISTRY, [COMMANDS], draw_registry),
)
_WHOLE = (
    _profile("payment+effects", PAYMENT, [COMMANDS, REACTIONS, EFFECTS], draws.draw_payment),
    _profile("notification+effects", NOTIFICATION, [COMMANDS, EFFECTS], draws.draw_notification, before=draws.before_notification),
    _profile("contract+effects", CONTRACT, [COMMANDS, EFFECTS], draws.draw_contract, before=draws.before_contract),
    _profile("payment+counts", PAYMENT, [COMMANDS, PROJECTIONS], draws.draw_payment),
    _profile("notification+counts", NOTIFICATION, [COMMANDS, PROJECTIONS], draws.draw_notification, before=draws.before_notification),
    _profile("registry+receipts", REGISTRY, [COMMANDS, PROJECTIONS], draw_registry),
    _profile("registry+reactions", REGISTRY, [COMMANDS, REACTIONS], draw_registry),
    Profile("registry+counts", _alone(REGISTRY), (COMMANDS,), draw_registry, others=((COUNTING, RoleName.PROJECTIONS),)),
)
_TIMED = (
    _profile("diary+timers", DIARY, [COMMANDS, TIMERS], draw_diary, **_PATIENT),
    _profile("payment+timers", PAYMENT, [COMMANDS, TIMERS], draws.draw_payment_unclosed, **_PATIENT),
    _profile("contract+timers", CONTRACT, [COMMANDS, TIMERS], draws.draw_contract, before=draws.before_contract, **_PATIENT),
)
_DEPLOYED = (
    _profile("registry+deploy", REGISTRY, [COMMANDS], draws.draw_crowd, counts=(40, 80), deploys=True, fuse=FuseLimits(5, 0.1, 400)),
)
_CALLING = (_profile("registry+effects", ERRANDS, [COMMANDS, EFFECTS], draw_registry),)
_PEOPLE = (
    _profile("auth", AUTH, [COMMANDS], draws_auth.draw_auth, before=draws_auth.before_auth),
    _profile("auth+timers", AUTH, [COMMANDS, TIMERS], draws_auth.draw_auth, before=draws_auth.before_auth, **_PATIENT),
    _profile("auth+effects", AUTH, [COMMANDS, EFFECTS], draws_auth.draw_erasure, before=draws_auth.before_erasure),
    _profile("user+effects", USER, [COMMANDS, EFFECTS], draws_user.draw_user),
    _profile("client", CLIENT, [COMMANDS], draws_client.draw_client, before=draws_client.before_client),
    _profile("client+timers", CLIENT, [COMMANDS, TIMERS], draws_client.draw_client, before=draws_client.before_client, **_PATIENT),
    _profile("client+effects", CLIENT, [COMMANDS, REACTIONS, EFFECTS], draws_client.draw_client, before=draws_client.before_client),
    _profile("contractor", CONTRACTOR, [COMMANDS], draws_contractor.draw_contractor, before=draws_contractor.before_contractor),
    _profile("kyc", KYC, [COMMANDS], draws_kyc.draw_kyc, before=draws_kyc.before_kyc),
    _profile("kyc+timers", KYC, [COMMANDS, TIMERS], draws_kyc.draw_kyc_ending, **_PATIENT),
    _profile("kyc+effects", KYC, [COMMANDS, REACTIONS, EFFECTS], draws_kyc.draw_checks, before=draws_kyc.before_checks),
    _together("people", (CONTRACTOR, CLIENT, KYC), draws_people.draw_people, before=draws_people.before_people),
)
_MONEY = (
    _profile(
        "payment+returns",
        PAYMENT,
        [COMMANDS, REACTIONS, EFFECTS],
        draws_returns.draw_returns,
        before=draws_returns.before_returns,
        seeder=draws.AS_COMPANY,
        clocks=0.2,
        key_lifetime=1.5,
    ),
)
_LEADS = (
    _profile("lead", LEAD, [COMMANDS], draws_lead.draw_lead, before=draws_lead.before_lead),
    _profile("lead+counts", LEAD, [COMMANDS, PROJECTIONS], draws_lead.draw_lead, before=draws_lead.before_lead),
    _together(
        "leads",
        (LEAD, AUTH, NOTIFICATION),
        draws_lead.draw_leads,
        more={"lead": (EFFECTS, TIMERS, PROJECTIONS)},
        before=draws_lead.before_leads,
        **_PATIENT,
    ),
)
_MESSAGES = (
    _profile(
        "notification+sms",
        NOTIFICATION,
        [COMMANDS, REACTIONS, EFFECTS, TIMERS],
        draws_messages.draw_messages,
        before=draws_messages.before_messages,
        **_PATIENT,
    ),
    _together(
        "alarms",
        (NOTIFICATION, AUTH),
        draws_messages.draw_alarms,
        more={"notification": (EFFECTS, TIMERS)},
        before=draws_messages.before_alarms,
        **_PATIENT,
    ),
)
_ERASED = (
    _profile("analytics+effects", ANALYTICS, [COMMANDS, EFFECTS], draws_erasure.draw_visitors),
    _together(
        "erasure",
        (AUTH, USER, CLIENT, CONTRACTOR, NOTIFICATION, LEAD, ANALYTICS),
        draws_erasure.draw_erasure,
        more={**dict.fromkeys(("auth", "user", "lead", "analytics"), (EFFECTS,)), "notification": (TIMERS,)},
        before=draws_erasure.before_erasure,
        **_PATIENT,
    ),
)
_ALL = (*_BARE, *_WHOLE, *_TIMED, *_DEPLOYED, *_CALLING, *_PEOPLE, *_MONEY, *_LEADS, *_MESSAGES, *_ERASED)
PROFILES: Mapping[str, Profile] = {each.name: each for each in _ALL}


def ports(outside: Outside, now: Callable[[], int], say: Webhook, key_memory: float) -> Mapping[str, object]:
    """One outside for all processes."""
    messages = dict.fromkeys(("ses", "sms", "render"), SimulatedMessages(outside, say))
    stripe, documents = SimulatedStripe(outside, now, say, key_memory), SimulatedDocuments(outside)
    checks = {str(provider): SimulatedChecks(outside, provider, say) for provider in KycProvider}
    keys = {"keys": SimulatedKeys(outside), "lead-keys": SimulatedLeadKeys(outside)}
    people = {"avatars": SimulatedAvatars(outside), "visits": SimulatedVisits(outside), "opencorporates": SimulatedRegistry(outside)}
    stored = {"documents": documents, "errands": SimulatedErrands(outside), "kyc-records": SimulatedRecords(outside)}
    return {"stripe": stripe, **messages, **stored, **checks, **keys, **people}
