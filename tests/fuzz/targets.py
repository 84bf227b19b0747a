"""What a fuzzer throws bytes at. A target returns for input that is taken or refused as declared; whatever it raises is a finding.

An input is text that a person can read and mend: headers as lines, an empty line, the body, like HTTP. Stories are plain bytes.
"""

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from contracts import catalogue
from contracts.clear import Clear
from contracts.envelope import Header
from contracts.ids import derived
from contracts.marks import marked_fields
from contracts.message import CommandData, Message
from contracts.platform import WORDS
from contracts.sealed import FieldClass, MalformedSealError, SealedText
from contracts.types import Purpose, Timestamp
from tests.fuzz.choosing import ByteChoices, Exhausted
from tests.fuzz.world import SCENES, World
from tests.unit.ingress.doubles import KEY, LINK_KEYS, USER, client_key
from workers.adapters.blind_index import email_hash
from workers.ingress import cloudevents, stripe_signature, stripe_translation
from workers.ingress.clear_fields import Context
from workers.ingress.commands import Caller, ask, record, translated
from workers.ingress.link_tokens import NewLinks
from workers.ingress.messages import command_data, command_model
from workers.ingress.problems import Problem
from workers.ingress.sealing import Sealing
from workers.ingress.stripe_translation import PaymentKey, Untranslated

EXAMPLES: Final = Path(catalogue.__file__).parent / "examples"
PAYLOADS: Final = Path(__file__).parents[1] / "payloads"
APPENDED: Final = 1_800_000_000_000
"""Milliseconds: when every record of a fuzzer was appended."""
LONGEST_STORY: Final = 60


@dataclass(frozen=True, slots=True)
class Target:
    """``run`` takes one input. ``seeds``: inputs to start from."""

    run: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]]


def framed(lines: Iterable[tuple[str, str | None]], body: bytes) -> bytes:
    head = "\n".join(name if value is None else f"{name}: {value}" for name, value in lines)
    return head.encode() + b"\n\n" + body


def unframed(data: bytes) -> tuple[list[tuple[str, bytes | None]], bytes]:
    head, _, body = data.partition(b"\n\n")
    parts = [line.partition(b": ") for line in head.split(b"\n")]
    return [(name.decode(errors="replace"), value if colon else None) for name, colon, value in parts], body


# --- records -------------------------------------------------------------------------------------------------------


def decode(data: bytes) -> None:
    """The first header stands for the record's key. What is decoded is written and read again without loss."""
    ((_, key), *headers), value = unframed(data)
    try:
        decoded = catalogue.decode(key, value, headers, APPENDED)
    except catalogue.InvalidRecord:
        return
    again = _decoded(decoded.envelope.subject, decoded.data, decoded.envelope.headers())
    assert again == decoded, f"{again!r} is not {decoded!r}"


def _decoded(key: str, data: Message, headers: Sequence[Header]) -> catalogue.Decoded[Message]:
    return catalogue.decode(key.encode(), data.to_json(), headers, APPENDED)


def _examples() -> Iterable[bytes]:
    for path in sorted(EXAMPLES.glob("*/*.json")):
        found = json.loads(path.read_text(encoding="utf-8"))
        yield framed([("key", found["key"]), *found["headers"].items()], json.dumps(found["data"]).encode())


# --- webhooks ------------------------------------------------------------------------------------------------------

OURS: Final[Mapping[type, Mapping[str, str]]] = {
    PaymentKey: {"contractId": USER, "transactionId": USER},
    stripe_translation.DepositKey: {"contractId": USER, "depositId": USER},
    stripe_translation.PayeeKey: {"contractorId": USER},
}
"""What the store would say of an object's owner."""


def stripe_event(data: bytes) -> None:
    try:
        event = stripe_translation.parse_event(cloudevents.parse_json(data))
        translation = stripe_translation.translate(event)
        if isinstance(translation, Untranslated):
            return
        wire = {**translation.data, **OURS[type(translation.key)]}
        command = command_data(command_model(f"mindlinks.payment.{translation.command}.v1"), wire)
    except Problem:
        return
    _writable(command)


def _writable(command: CommandData) -> None:
    assert type(command).model_validate_json(command.to_json()) == command, f"{command!r} does not survive the log"


def _stripe_events() -> Iterable[bytes]:
    for path in sorted((PAYLOADS / "stripe").rglob("*.json")):
        yield path.read_bytes()


def signature(data: bytes) -> None:
    try:
        stripe_signature.verify(b"{}", data.decode("latin-1"), ("whsec_one", ""), APPENDED // 1000)
    except Problem:
        return
    raise AssertionError("a signature was guessed")


def _signatures() -> Iterable[bytes]:
    for vector in json.loads((PAYLOADS / "stripe" / "signature_vectors.json").read_text(encoding="utf-8"))["vectors"]:
        yield str(vector.get("header", "")).encode()


# --- the HTTP API --------------------------------------------------------------------------------------------------

CLIENT: Final = client_key(actors=["*"])
ADDRESS: Final = "203.0.113.9"
AT: Final = Timestamp("2026-01-31T09:30:00.000Z")


def cloud_event(data: bytes) -> None:
    """Read by content type as the API reads it, then asked, translated, sealed and made a record."""
    headers, body = unframed(data)
    texts = {name.lower(): (value or b"").decode("latin-1") for name, value in headers}
    try:
        for event in _events(texts, body):
            _take(event, texts)
    except Problem:
        return


def _events(headers: Mapping[str, str], body: bytes) -> Sequence[cloudevents.CloudEvent]:
    match cloudevents.mode_of(headers.get("content-type")):
        case cloudevents.Mode.STRUCTURED:
            return [cloudevents.structured(cloudevents.parse_json(body))]
        case cloudevents.Mode.BINARY:
            return [cloudevents.binary(headers, body)]
        case _:
            return [cloudevents.structured(member) for member in cloudevents.batch(body)]


def _take(event: cloudevents.CloudEvent, headers: Mapping[str, str]) -> None:
    caller = Caller(
        client=CLIENT,
        actor=headers.get("mindlinks-actor"),
        idempotency_key=headers.get("idempotency-key"),
        correlation_id=headers.get("x-correlation-id"),
        traceparent=headers.get("traceparent"),
        ip=ADDRESS,
    )
    asked = ask(event, caller, _keyed)
    context = Context(asked.actor, ADDRESS, AT, marked_fields(asked.model), _address, _keyed, NewLinks(LINK_KEYS))
    wire = asyncio.run(SEALING.seal(translated(asked, context)))
    _, outgoing = record(asked, wire, AT)
    read = catalogue.decode(outgoing.key, outgoing.value, outgoing.headers, APPENDED)
    assert read.envelope.id == asked.id, "the record on the log has another id"


class _AtOnce:
    """Sealer and passwords that cost nothing."""

    async def seal(self, purpose: Purpose, subject: str, field_class: FieldClass, text: str) -> str:
        return f"s1.{purpose}.{subject}.1.{hashlib.sha256((field_class + text).encode()).hexdigest()}"

    async def hash(self, password: Clear) -> Clear:
        return Clear("$2b$12$" + hashlib.sha256(password.reveal().encode()).hexdigest()[:53])

    async def matches(self, password: Clear, hashed: Clear) -> bool:
        return (await self.hash(password)).reveal() == hashed.reveal()


SEALING: Final = Sealing(_AtOnce(), _AtOnce())


def _keyed(use: str, text: str) -> str:
    return derived(f"{use}{text}").replace("-", "") * 2


def _address(text: str) -> str:
    return email_hash(KEY, text)


CLEAR: Final[Mapping[str, Mapping[str, Any]]] = {
    "mindlinks.auth.RegisterUser.v1": {"email": "a@example.com", "password": "correct horse"},
    "mindlinks.auth.ChangeEmail.v1": {"newEmail": "a@example.com"},
    "mindlinks.auth.VerifyEmail.v1": {"token": "t" * 43},
    "mindlinks.auth.OpenSession.v1": {"userAgent": "Mozilla/5.0", "ip": "203.0.113.7"},
    "mindlinks.user.UpdateProfile.v1": {"firstName": "Sana", "phone": "+201000000000"},
    "mindlinks.client.RegisterCompany.v1": {"legalName": "Nile", "taxId": "1"},
    "mindlinks.contractor.AddBankDetails.v1": {"accountNumber": "EG38 0019", "routingNumber": "12-34-56"},
    "mindlinks.notification.SyncRecipient.v1": {"email": "a@example.com", "phone": "+201000000000"},
    "mindlinks.notification.SuppressAddress.v1": {"address": "a@example.com"},
    "mindlinks.contract.CreateContractDraft.v1": {"variables": {"scopeOfWork": "a shop"}},
    "mindlinks.contract.SignContract.v1": {"signatureName": "Sana", "ip": "203.0.113.7"},
}
"""Fields as upstream sends them, before the ingress seals them."""


def _cloud_events() -> Iterable[bytes]:
    actor = ("mindlinks-actor", f"company:{USER}")
    for kind, model in catalogue.kinds().items():
        if not issubclass(model, CommandData) or model in WORDS:
            continue
        path = EXAMPLES / model.service / f"{model.__name__}.v{model.version}.json"
        body = json.loads(path.read_text(encoding="utf-8"))["data"] | dict(CLEAR.get(kind, {}))
        event = {"specversion": "1.0", "id": USER, "source": "/tests", "type": kind, "data": body}
        yield framed([("content-type", "application/cloudevents+json"), actor], json.dumps(event).encode())
        binary = [("content-type", "application/json"), actor, ("ce-specversion", "1.0"), ("ce-id", USER), ("ce-type", kind)]
        yield framed(binary, json.dumps(body).encode())
    yield framed([("content-type", "application/cloudevents-batch+json"), actor], b"[" + json.dumps(event).encode() + b", {}]")


# --- sealed texts and stories --------------------------------------------------------------------------------------


def sealed_text(data: bytes) -> None:
    text = data.decode(errors="replace")
    try:
        parsed = SealedText.parse(text)
    except MalformedSealError:
        return
    assert str(parsed) == text, "a sealed text has two spellings"


def story(data: bytes) -> None:
    """Decisions, as tests/fuzz/world.py judges them."""
    world = World(ByteChoices(data))
    try:
        world.begin()
        for _ in range(LONGEST_STORY):
            world.step()
    except Exhausted:
        return


def _stories() -> Iterable[bytes]:
    """Every scene, and bytes that go on from there."""
    return [
        bytes([scene, prefix, *(index * (scene + prefix + 3) % 251 for index in range(800))])
        for scene in range(len(SCENES))
        for prefix in range(4)
    ]


TARGETS: Final[Mapping[str, Target]] = {
    "decode": Target(decode, _examples),
    "stripe-event": Target(stripe_event, _stripe_events),
    "stripe-signature": Target(signature, _signatures),
    "cloud-event": Target(cloud_event, _cloud_events),
    "sealed-text": Target(sealed_text, lambda: (f"s1.{purpose}.{USER}.1.QUJD".encode() for purpose in ("subject", "legal", "reader"))),
    "story": Target(story, _stories),
}
