"""What the ingress needs of the world. ``main.py`` fills it in; nothing here is looked up by itself."""

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from prometheus_client import CollectorRegistry

from contracts.sealed import FieldClass
from contracts.types import Purpose, Timestamp
from workers.engine.ports import Clock, Log, Metrics, Store
from workers.ingress.clients import Clients


class Sealer(Protocol):
    def seal(self, purpose: Purpose, subject: str, field_class: FieldClass, text: str) -> str:
        """Deterministic; ``s1.<purpose>.<subject>.<generation>.<base64url>``."""
        ...


@dataclass(frozen=True, slots=True)
class QuarantinedDelivery:
    """A genuine delivery that becomes no command. ``id`` follows from provider and delivery, so a repeat overwrites its row.

    ``body`` holds whatever the provider sent, personal values included: it rests under the same protection as the failures.
    """

    id: str
    provider: str
    delivery: str
    type: str
    code: str
    detail: str
    body: bytes
    at: Timestamp


class Quarantine(Protocol):
    async def put(self, delivery: QuarantinedDelivery) -> None:
        """Returns when the row is durable in ``platform-failures``. Raises StoreUnavailable or StoreMisconfigured otherwise."""
        ...


@dataclass(frozen=True, slots=True)
class Health:
    """``alive``: the process makes progress by itself, whatever its dependencies do. ``not_ready``: why no traffic should come, or
    None. ``checks``: one call per dependency, returning when it answers."""

    alive: Callable[[], bool] = lambda: True
    not_ready: Callable[[], str | None] = lambda: None
    checks: Mapping[str, Callable[[], Awaitable[None]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StripeEndpoints:
    """Signing secrets, several each while one is being rolled. ``livemode``: which of Stripe's two worlds this environment is."""

    secrets: tuple[str, ...]
    connect_secrets: tuple[str, ...]
    livemode: bool = False


@dataclass(frozen=True, slots=True)
class Dependencies:
    """``email_hash`` is the blind index of addresses (ValueError for what is none); ``blind_index_key`` keys all other hashes made
    here."""

    environment: str
    log: Log
    store: Store
    clock: Clock
    metrics: Metrics
    quarantine: Quarantine
    sealer: Sealer
    email_hash: Callable[[str], str]
    blind_index_key: bytes
    clients: Clients
    stripe: StripeEndpoints
    health: Health
    registry: CollectorRegistry

    def keyed_hash(self, use: str, text: str) -> str:
        """HMAC-SHA256, 64 hex digits. ``use`` keeps hashes of one text for different ends apart."""
        return hmac.new(self.blind_index_key, f"{use}\n{text}".encode(), hashlib.sha256).hexdigest()
