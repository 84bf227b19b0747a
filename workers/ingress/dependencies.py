"""What the ingress needs of the world. ``main.py`` fills it in; nothing here is looked up by itself."""

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from prometheus_client import CollectorRegistry

from contracts.clear import Clear, Redacted
from contracts.file import File, ObjectKey
from contracts.links import LinkPurpose
from contracts.sealed import FieldClass
from contracts.types import Purpose, Timestamp
from workers.adapters.s3_uploads import UploadForm
from workers.adapters.sns_signing import Topic
from workers.engine.ports import Clock, Log, Metrics, Store
from workers.ingress.clients import Clients
from workers.ingress.refresh_tokens import RefreshTokens


class Sealer(Protocol):
    async def seal(self, purpose: Purpose, subject: str, field_class: FieldClass, text: str) -> str:
        """Deterministic; ``s1.<purpose>.<subject>.<generation>.<base64url>``. Raises KeysUnavailable or SubjectErased."""
        ...


class Passwords(Protocol):
    async def hash(self, password: Clear) -> Clear:
        """Salted, in its modular crypt form; off the event loop. Raises PasswordsBusy."""
        ...

    async def matches(self, password: Clear, hashed: Clear) -> bool:
        """Off the event loop too. Raises PasswordsBusy."""
        ...


class PasswordHashes(Sealer, Protocol):
    """Seals and opens what is for the sign-in alone."""

    async def open(self, sealed: str, field_class: FieldClass) -> Clear | Redacted:
        """Raises KeysUnavailable."""
        ...


class Uploads(Protocol):
    async def form(self, file: File, *, seconds: int) -> UploadForm:
        """Takes this one file for so long: key, length, type and digest are signed. Raises UploadsUnavailable."""
        ...


@dataclass(frozen=True, slots=True)
class QuarantinedDelivery:
    """A genuine delivery that becomes no command. ``id`` follows from provider and delivery, so a repeat overwrites its row.

    ``body`` holds whatever the provider sent, personal values included: the row keeps it sealed.
    """

    id: str
    provider: str
    delivery: str
    type: str
    code: str
    detail: str
    body: bytes = field(repr=False)
    at: Timestamp


class Quarantine(Protocol):
    async def put(self, delivery: QuarantinedDelivery) -> None:
        """Returns when the row is durable in ``platform-failures``. Raises StoreUnavailable or StoreMisconfigured otherwise, and
        KeysUnavailable when the body can't be sealed."""
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

    secrets: tuple[str, ...] = field(repr=False)
    connect_secrets: tuple[str, ...] = field(repr=False)
    livemode: bool = False


@dataclass(frozen=True, slots=True)
class VeriffEndpoints:
    """Shared secrets, several while one is being rolled; ``client`` is the integration's API key, which every delivery names."""

    secrets: tuple[str, ...] = field(default=(), repr=False)
    client: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class OnfidoEndpoints:
    """Webhook tokens, several while one is being rolled."""

    secrets: tuple[str, ...] = field(default=(), repr=False)


class SnsTrust(Protocol):
    async def certificate(self, topic: Topic, name: str) -> bytes:
        """PEM, fetched from SNS in the topic's region or kept since. Raises SnsUnavailable, NoCertificate."""
        ...

    async def confirm(self, topic: Topic, token: str) -> None:
        """May be repeated. Raises SnsUnavailable."""
        ...


@dataclass(frozen=True, slots=True)
class SnsEndpoints:
    """ARNs of our topics, per endpoint: one endpoint's topic is a stranger to the other."""

    signing: SnsTrust
    ses_topics: frozenset[str] = frozenset()
    sms_topics: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class TwilioEndpoint:
    """Auth tokens, several while one is being rolled; ``address``: the whole one that Twilio posts to."""

    tokens: tuple[str, ...] = field(default=(), repr=False)
    address: str = ""


class Bodies(Protocol):
    async def keep(self, key: ObjectKey, subject: str, body: bytes) -> None:
        """Returns when the body is durable, sealed under the legal key of ``subject``. Raises ObjectsUnavailable, ObjectsRefused
        (``workers.adapters.objects``), KeysUnavailable, SubjectErased."""
        ...


@dataclass(frozen=True, slots=True)
class Dependencies:
    """``email_hash`` is the blind index of addresses (ValueError for what is none); ``blind_index_key`` keys all other hashes made
    here; ``new_link`` makes what is kept of a link's token."""

    environment: str
    log: Log
    store: Store
    clock: Clock
    metrics: Metrics
    quarantine: Quarantine
    sealer: Sealer
    passwords: Passwords
    password_hashes: PasswordHashes
    refresh_tokens: RefreshTokens
    uploads: Uploads
    new_link: Callable[[LinkPurpose, str], dict[str, Any]]
    email_hash: Callable[[str], str]
    blind_index_key: bytes = field(repr=False)
    clients: Clients
    stripe: StripeEndpoints
    veriff: VeriffEndpoints
    onfido: OnfidoEndpoints
    sns: SnsEndpoints
    twilio: TwilioEndpoint
    bodies: Bodies
    health: Health
    registry: CollectorRegistry

    def keyed_hash(self, use: str, text: str) -> str:
        """HMAC-SHA256, 64 hex digits. ``use`` keeps hashes of one text for different ends apart."""
        return hmac.new(self.blind_index_key, f"{use}\n{text}".encode(), hashlib.sha256).hexdigest()
