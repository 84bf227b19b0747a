"""The ingress on a log and a store in memory, with a clock that only moves when told."""

import asyncio
import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
from prometheus_client import CollectorRegistry

from contracts.catalogue import Decoded, decode
from contracts.clear import Clear, Redacted
from contracts.message import Message
from contracts.sealed import FieldClass, KeysUnavailable, SubjectErased
from contracts.types import Purpose
from workers.adapters.blind_index import email_hash
from workers.adapters.links import LinkKeys
from workers.adapters.objects import ObjectsRefused, ObjectsUnavailable
from workers.adapters.passwords import LEAST_COST, BcryptPasswords
from workers.adapters.sns_signing import NoCertificate, SnsUnavailable, Topic
from workers.engine.decision import Item, ItemRef
from workers.engine.memory import MemoryLog, MemoryStore
from workers.engine.metrics import COUNTERS, check
from workers.engine.ports import LogUnavailable, StoreUnavailable
from workers.engine.record import Outgoing
from workers.ingress.app import create_app
from workers.ingress.clients import Client, Clients
from workers.ingress.dependencies import (
    Dependencies,
    Health,
    OnfidoEndpoints,
    QuarantinedDelivery,
    SnsEndpoints,
    StripeEndpoints,
    TwilioEndpoint,
    VeriffEndpoints,
)
from workers.ingress.link_tokens import NewLinks
from workers.ingress.refresh_tokens import RefreshTokens
from workers.ops.fakes.memory import MemoryUploads

PAYLOADS = Path(__file__).parents[2] / "payloads" / "stripe"
NOW = 1_795_300_036_000
"""Milliseconds; five seconds after the signature vectors were signed."""
KEY = b"a blind index key of the tests"
LINK_KEYS = LinkKeys({"k2": b"the newest link key", "k1": b"an older link key"})


class ReadableSealer:
    """Keeps what it sealed, so that tests open it. ``away``: no key is to be had; ``erased``: subjects whose key is destroyed."""

    def __init__(self) -> None:
        self.away = False
        self.erased: set[str] = set()
        self._sealed: dict[str, tuple[FieldClass, str]] = {}

    async def seal(self, purpose: Purpose, subject: str, field_class: FieldClass, text: str) -> str:
        await asyncio.sleep(0)
        if self.away:
            raise KeysUnavailable
        if subject in self.erased:
            raise SubjectErased(purpose, subject)
        content = "\0".join((purpose, subject, field_class, text))
        sealed = f"s1.{purpose}.{subject}.1.{hashlib.sha256(content.encode()).hexdigest()}"
        self._sealed[sealed] = field_class, text
        return sealed

    def open(self, sealed: str, field_class: FieldClass) -> str:
        kept, text = self._sealed[sealed]
        assert kept == field_class
        return text


class OpeningHashes:
    """The sign-in's: opens, too."""

    def __init__(self, sealer: ReadableSealer) -> None:
        self._sealer = sealer
        self.opened = 0

    async def seal(self, purpose: Purpose, subject: str, field_class: FieldClass, text: str) -> str:
        return await self._sealer.seal(purpose, subject, field_class, text)

    async def open(self, sealed: str, field_class: FieldClass) -> Clear | Redacted:
        await asyncio.sleep(0)
        self.opened += 1
        return Clear(self._sealer.open(sealed, field_class))


SEALER = ReadableSealer()
HASHES = OpeningHashes(SEALER)
REFRESH_KEY = b"a refresh key of the tests, long enough"
PASSWORDS = BcryptPasswords(LEAST_COST)

USER = "11111111-1111-4111-8111-111111111111"
CONTRACT = "c0a80101-0000-4000-8000-000000000001"
CONTRACTOR = "22222222-2222-4222-8222-222222222222"
ID = "99999999-9999-4999-8999-999999999999"
OTHER = "88888888-8888-4888-8888-888888888888"
THIRD = "77777777-7777-4777-8777-777777777777"
DEPOSIT = {"contractId": CONTRACT, "transactionId": OTHER, "amount": 150000, "currency": "USD", "method": "card"}
ACCOUNT = "acct_1MLcontractor0001"
SECRETS = ("whsec_test_current", "whsec_test_previous")
CONNECT_SECRETS = ("whsec_test_connect",)
VERIFF_SECRETS, VERIFF_KEY = ("veriff-secret-current", "veriff-secret-previous"), "veriff-api-key"
ONFIDO_SECRETS = ("onfido-token-current", "onfido-token-previous")
CLIENT_SECRET = "a secret. with a dot"


class ManualClock:
    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> int:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += int(seconds * 1000)


class CountingMetrics:
    """Keeps what was counted, under the names and tags of the closed set."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, ...]] = Counter()

    def count(self, name: str, value: int = 1, **tags: str) -> None:
        check(name, COUNTERS, tags)
        self.counts[(name, *(tags[tag] for tag in COUNTERS[name][1]))] += value

    def gauge(self, name: str, value: float, **tags: str) -> None: ...

    def observe(self, name: str, value: float, **tags: str) -> None: ...


class FaultyLog(MemoryLog):
    """Does not acknowledge while ``away``; nor, ever, records of ``lost_topic``."""

    away = False
    lost_topic = ""

    async def append_keyed(self, topic: str, records: Sequence[Outgoing]) -> None:
        if self.away or topic == self.lost_topic:
            raise LogUnavailable
        await super().append_keyed(topic, records)


class FaultyStore(MemoryStore):
    away = False

    async def get(self, refs: Sequence[ItemRef]) -> Mapping[ItemRef, Item]:
        if self.away:
            raise StoreUnavailable
        return await super().get(refs)


class KeptQuarantine:
    def __init__(self) -> None:
        self.rows: dict[str, QuarantinedDelivery] = {}
        self.away = False

    async def put(self, delivery: QuarantinedDelivery) -> None:
        if self.away:
            raise StoreUnavailable
        self.rows[delivery.id] = delivery


class KeptBodies:
    """``away``: the store does not answer; ``refused``: it is not allowed; ``erased``: nothing may be kept of anybody."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[str, bytes]] = {}
        self.away = self.refused = self.erased = False

    async def keep(self, key: str, subject: str, body: bytes) -> None:
        await asyncio.sleep(0)
        if self.away:
            raise ObjectsUnavailable
        if self.refused:
            raise ObjectsRefused
        if self.erased:
            raise SubjectErased(Purpose.LEGAL, subject)
        self.kept[key] = subject, body


A_TOPIC = "arn:aws:sns:us-east-1:123456789012:a-topic"


class NoSns:
    """For those who have nothing to do with it."""

    async def certificate(self, topic: Topic, name: str) -> bytes:
        raise NoCertificate(name)

    async def confirm(self, topic: Topic, token: str) -> None:
        raise SnsUnavailable


def client_key(name: str = "upstream", **changes: Any) -> Client:
    given = {"id": name, "sha256": hashlib.sha256(CLIENT_SECRET.encode()).hexdigest(), "kinds": ["mindlinks.*"]}
    return Client.model_validate(given | {"actors": ["company:*", "contractor:*", "admin:*", "public"], "per_minute": 600} | changes)


@dataclass
class Ingress:
    """The application and everything behind it."""

    clock: ManualClock = field(default_factory=ManualClock)
    metrics: CountingMetrics = field(default_factory=CountingMetrics)
    store: FaultyStore = field(default_factory=FaultyStore)
    quarantine: KeptQuarantine = field(default_factory=KeptQuarantine)
    bodies: KeptBodies = field(default_factory=KeptBodies)
    clients: Sequence[Client] = (client_key(),)
    changes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.log = FaultyLog(clock=self.clock)
        dependencies = Dependencies(
            environment="test",
            log=self.log,
            store=self.store,
            clock=self.clock,
            metrics=self.metrics,
            quarantine=self.quarantine,
            sealer=SEALER,
            passwords=PASSWORDS,
            password_hashes=HASHES,
            refresh_tokens=RefreshTokens((REFRESH_KEY,)),
            uploads=MemoryUploads(),
            new_link=NewLinks(LINK_KEYS),
            email_hash=lambda address: email_hash(KEY, address),
            blind_index_key=KEY,
            clients=Clients(self.clients),
            stripe=StripeEndpoints(SECRETS, CONNECT_SECRETS),
            veriff=VeriffEndpoints(VERIFF_SECRETS, VERIFF_KEY),
            onfido=OnfidoEndpoints(ONFIDO_SECRETS),
            sns=SnsEndpoints(NoSns(), frozenset({A_TOPIC}), frozenset({A_TOPIC})),
            twilio=TwilioEndpoint(("a token",), "https://ingress.example/webhooks/sms"),
            bodies=self.bodies,
            health=Health(),
            registry=CollectorRegistry(),
        )
        self.dependencies = replace(dependencies, **self.changes)
        self.app = create_app(self.dependencies)
        # Answers of a defect are part of the promise, so they must not surface as exceptions here.
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=("203.0.113.9", 4711))
        self.http = httpx.AsyncClient(transport=transport, base_url="http://ingress")

    @property
    def commands(self) -> list[Decoded[Message]]:
        """What is on the log, read as a worker reads it."""
        records = [record for partition in self.log.records.values() for record in partition]
        return [decode(record.key, record.value, record.headers, record.timestamp) for record in records]

    @property
    def raw(self) -> bytes:
        """Every byte on the log."""
        records = [record for partition in self.log.records.values() for record in partition]
        return b"".join((record.value or b"") + repr(record.headers).encode() for record in records)

    def put(self, table: str, key: str, item: Item, range_key: str | None = None) -> None:
        self.store.items[ItemRef(table, key, range_key)] = item

    async def send(self, event: Mapping[str, Any] | Sequence[Any], **headers: str) -> httpx.Response:
        """Structured, or as a batch when it is a list."""
        content_type = "application/cloudevents-batch+json" if isinstance(event, list) else "application/cloudevents+json"
        return await self.http.post(
            "/v1/commands", content=json.dumps(event).encode(), headers={**AUTHORIZED, "content-type": content_type, **_names(headers)}
        )

    async def veriff(self, body: bytes, path: str = "decision", **headers: str) -> httpx.Response:
        """Signed with a right secret, by the right client, unless a header is given; an empty one is left out."""
        given = {"x_hmac_signature": hmac_of(body, VERIFF_SECRETS[0]), "x_auth_client": VERIFF_KEY} | headers
        kept = _names({name: value for name, value in given.items() if value})
        return await self.http.post(f"/webhooks/veriff/{path}", content=body, headers=kept)

    async def onfido(self, body: bytes, signature: str | None = None) -> httpx.Response:
        given = hmac_of(body, ONFIDO_SECRETS[0]) if signature is None else signature
        return await self.http.post("/webhooks/onfido", content=body, headers={"x-sha2-signature": given} if given else {})

    async def stripe(self, body: bytes, header: str | None = None, *, connect: bool = False) -> httpx.Response:
        """Signed now with a right secret unless a header is given."""
        secret = CONNECT_SECRETS[0] if connect else SECRETS[0]
        path = "/webhooks/stripe-connect" if connect else "/webhooks/stripe"
        given = signature(body, secret, self.clock.at // 1000) if header is None else header
        return await self.http.post(path, content=body, headers={"stripe-signature": given})


AUTHORIZED = {"authorization": f"Bearer upstream.{CLIENT_SECRET}", "mindlinks-actor": f"company:{USER}"}


def _names(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def hmac_of(body: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def signature(body: bytes, secret: str, at: int) -> str:
    digest = hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def command(kind: str, data: Mapping[str, Any], **attributes: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": ID,
        "source": "/tests",
        "type": kind,
        "data": data,
        **attributes,
    }


def cancel(contract: str = CONTRACT, reason: str = "no longer needed", **attributes: Any) -> dict[str, Any]:
    return command("mindlinks.contract.CancelContract.v1", {"contractId": contract, "reason": reason}) | attributes


def reason_of(response: httpx.Response) -> tuple[int, str]:
    document = response.json()
    return response.status_code, document.get("reason", document.get("state", document.get("result")))
