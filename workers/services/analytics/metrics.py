"""What is counted: section 14 of domain.md as data, and the row that one count goes to."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from contracts.analytics import MetricName
from contracts.auth import SessionOpened, UserRegistered
from contracts.client import CompanyVerified, InvitationAccepted, InvitationSent
from contracts.contract.events import ContractActivated, ContractCancelled, ContractCompleted, ContractSent
from contracts.contractor import ContractorProfileCreated
from contracts.kyc import KycSessionRejected, KycSessionVerified
from contracts.lead import ContactConverted, ContactSubmitted, DemoRequested, NewsletterConfirmed
from contracts.message import EventData
from contracts.notification.events import NotificationBounced, NotificationSent
from contracts.payment.events import DepositReceived, DisputeOpened, EscrowRefunded, EscrowReleased, PayoutFailed
from contracts.types import Day
from workers.engine.decision import Item

E = TypeVar("E", bound=EventData)
Dimensions = Mapping[str, str]

TOTAL: tuple[str, ...] = ()


def one(_data: EventData) -> int:
    return 1


@dataclass(frozen=True, slots=True)
class Counted(Generic[E]):
    """One metric of one event. ``sets``: the names of the fields it is broken down by, one row each; ``TOTAL`` for the whole.
    ``value`` is what one event adds, never negative. ``kind``: what the event says of the dimension of that name by being what it is."""

    event: type[E]
    metric: MetricName
    sets: tuple[tuple[str, ...], ...] = (TOTAL,)
    value: Callable[[E], int] = one
    kind: str | None = None

    def dimensions(self, names: tuple[str, ...], data: E) -> Dimensions:
        return {name: self.kind if self.kind and name == "kind" else str(getattr(data, name)) for name in names}


BY_KIND = (TOTAL, ("kind",))

# Events that are not built yet come with their services: posts, visits.
COUNTED: tuple[Counted[Any], ...] = (
    Counted(UserRegistered, MetricName.USERS_REGISTERED, (TOTAL, ("role",))),
    Counted(SessionOpened, MetricName.SIGN_INS),
    Counted(CompanyVerified, MetricName.COMPANIES_VERIFIED, (TOTAL, ("country",))),
    Counted(InvitationSent, MetricName.INVITATIONS_SENT),
    Counted(InvitationAccepted, MetricName.INVITATIONS_ACCEPTED),
    Counted(ContractorProfileCreated, MetricName.CONTRACTORS_REGISTERED, (TOTAL, ("country",))),
    Counted(KycSessionVerified, MetricName.KYC_VERIFIED, (TOTAL, ("provider",))),
    Counted(KycSessionRejected, MetricName.KYC_REJECTED, (TOTAL, ("provider",))),
    Counted(ContractSent, MetricName.CONTRACTS_SENT, (TOTAL, ("type",), ("currency",))),
    Counted(ContractActivated, MetricName.CONTRACTS_SIGNED, (TOTAL, ("type",), ("currency",))),
    Counted(ContractCompleted, MetricName.CONTRACTS_COMPLETED),
    Counted(ContractCancelled, MetricName.CONTRACTS_CANCELLED),
    Counted(DepositReceived, MetricName.DEPOSITS_RECEIVED),
    Counted(DepositReceived, MetricName.DEPOSITS_VOLUME, (("currency",),), lambda data: data.amount_received),
    Counted(EscrowReleased, MetricName.PAYMENTS_COMPLETED),
    Counted(EscrowReleased, MetricName.PAYMENTS_VOLUME, (("currency",),), lambda data: data.amount),
    Counted(EscrowRefunded, MetricName.REFUNDS),
    Counted(EscrowRefunded, MetricName.REFUNDS_VOLUME, (("currency",),), lambda data: data.amount),
    Counted(DisputeOpened, MetricName.DISPUTES_OPENED),
    Counted(PayoutFailed, MetricName.PAYOUTS_FAILED),
    Counted(NotificationSent, MetricName.NOTIFICATIONS_SENT, (TOTAL, ("channel",))),
    Counted(NotificationBounced, MetricName.NOTIFICATIONS_BOUNCED),
    Counted(ContactSubmitted, MetricName.LEADS, (TOTAL, ("source",))),
    Counted(ContactSubmitted, MetricName.CONVERSIONS, BY_KIND, kind="contact"),
    Counted(DemoRequested, MetricName.CONVERSIONS, BY_KIND, kind="demo"),
    Counted(NewsletterConfirmed, MetricName.CONVERSIONS, BY_KIND, kind="newsletter"),
    Counted(ContactConverted, MetricName.LEADS_CONVERTED, (TOTAL, ("source",))),
)


@dataclass(frozen=True, slots=True)
class MetricRow:
    """What one row of ``website-metrics`` sums up, but for the shard."""

    date: Day
    metric: MetricName
    dimensions: Dimensions

    @property
    def canonical_dimensions(self) -> str:
        return json.dumps(dict(self.dimensions), sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    def id(self, shard: str) -> str:
        text = "\n".join((self.date, self.metric, self.canonical_dimensions, shard))
        return hashlib.sha256(text.encode()).hexdigest()

    def item(self, shard: str, value: int) -> Item:
        return {
            "id": self.id(shard),
            "date": self.date,
            "metric": str(self.metric),
            "value": value,
            "dimensions": dict(self.dimensions),
            "metricKey": f"{self.metric}|{self.canonical_dimensions}",
            "shard": shard,
        }

    def added(self, item: Item | None, shard: str, delta: int) -> Item:
        """The row after one more count; what else the item holds is kept."""
        if item is None:
            return self.item(shard, delta)
        return {**item, **self.item(shard, item.get("value", 0) + delta)}
