"""Commands made up from their models' own schemas: valid by construction, of values few enough to meet one another."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final, TypeAlias

from pydantic import ValidationError

from contracts.auth import SetPassword
from contracts.client import AcceptInvitation, EraseCompany, InviteContractor, RegisterCompany, UpdateCompanyDetails
from contracts.contract.commands import PublishContractTemplate
from contracts.contractor import CreateContractorProfile, EraseContractor, UpdateContractorProfile
from contracts.ids import derived, notification_id, template_id
from contracts.kyc import RecordKycProgress, RegisterKycDocument
from contracts.lead import ScheduleDemo, SetDemoNotes, SubscribeNewsletter
from contracts.message import CommandData
from contracts.notification.commands import ActivateNotificationTemplate, PlanNotification, PublishNotificationTemplate, SyncRecipient
from contracts.types import EventId
from contracts.user import SetAvatar
from tests.fuzz.choosing import Chooser
from workers.services.notification.template import content_sha256

Schema: TypeAlias = Mapping[str, Any]
Wire: TypeAlias = dict[str, Any]

USERS: Final = ("11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222")
IDS: Final = tuple(f"{digit * 8}-{digit * 4}-4{digit * 3}-8{digit * 3}-{digit * 12}" for digit in "345")
COMPANIES: Final = tuple(derived(f"company:{user}") for user in USERS)
CONTRACTORS: Final = tuple(derived(f"contractor:{user}") for user in USERS)
ACTORS: Final = (
    "system:test",
    f"company:{USERS[0]}",
    f"contractor:{USERS[1]}",
    f"admin:{USERS[0]}",
    f"admin:{USERS[0]}",
    f"company:{USERS[1]}",
    f"user:{USERS[0]}",
    f"user:{USERS[1]}",
    "public",
    "system:seed",
)
NONCE: Final = "n" * 43
OWNERS: Final[Mapping[str, str]] = {
    **{user: f"user:{user}" for user in USERS},
    **{company: f"company:{user}" for company, user in zip(COMPANIES, USERS, strict=True)},
    **{contractor: f"contractor:{user}" for contractor, user in zip(CONTRACTORS, USERS, strict=True)},
}
HASHES: Final = ("a" * 64, "b" * 64)
INSTANTS: Final = (
    "2026-01-31T09:30:00.000Z",
    "2026-01-31T09:30:01.000Z",
    "2026-02-20T00:00:00.000Z",
    "1970-01-01T00:00:00.000Z",
    "9999-12-31T23:59:59.999Z",
    "0001-01-01T00:00:00.000Z",
)
DAYS: Final = ("2026-02-01", "2026-03-01", "2027-01-01", "9999-12-31", "0001-01-01")
TEXTS: Final = ("one", "two", "x" * 40, "\u0645\u0631\u062d\u0628\u0627", "a\nb", "{{ name }}")
LARGEST: Final = 10**20
"""Beyond 64 bits: JSON has no largest number."""
TEMPLATES: Final = ("{{ contractTitle }}", "{{ title }} and {{ title }}", "{{ scopeOfWork }} {{ firstName }}", "{% if x %}", "{{ }}")
PLACEHOLDER: Final = re.compile(r"\{\{ (\w+) \}\}")
NAMED_AS: Final = {"ids": "notificationId", "tokenHash": "hash", "presentedHash": "refreshToken"}
"""Fields that hold what others call by another name."""
SEALED_SUBJECT: Final = f"{USERS[0]}.1.QUJD"
POOLS: Final[Mapping[str, Sequence[Any]]] = {
    # What stands twice comes up more often: the openings are about it.
    "userId": USERS,
    "clientUserId": USERS,
    "contractorUserId": USERS,
    "companyId": COMPANIES,
    "clientId": COMPANIES,
    "contractId": (*(IDS[0],) * 6, IDS[1]),
    "transactionId": (IDS[1], IDS[2], IDS[1], IDS[2], IDS[0]),
    "depositId": (IDS[1], IDS[1], IDS[2]),
    "holdId": IDS[:2],
    "status": ("needs_response", "warning_needs_response", "won", "lost", "one"),
    "movedCurrency": ("USD", "EUR"),
    "moved": (-1_000, -1_000, 0, -600, 1_000, -(10**11)),
    "amountRefunded": (1_000, 0, 600, 10**11),
    "approvedBy": (f"admin:{USERS[1]}", f"admin:{USERS[0]}", f"company:{USERS[1]}"),
    "contractorId": (*(CONTRACTORS[1],) * 4, CONTRACTORS[0]),
    "recipientId": (*(USERS[0],) * 4, USERS[1]),
    "attempt": (1, 1, 2, 3, LARGEST),
    "revision": (1, 1, 2, LARGEST),
    "version": (1, 1, 2, LARGEST),
    "decisionTime": ("2026-01-30T00:00:00.000000Z", "2026-01-31T00:00:00.000000Z"),
    "amount": (1_000, 1, 600, 10**11),
    "amountReceived": (1_000, 1, 600, 10**11),
    "currency": ("USD", "EUR"),
    "jurisdiction": ("gb", "us_de"),
    "country": ("EG", "GB"),
    "name": ("fixed-contract", "contract-sent"),
    "template": ("contract-sent", "password-reset"),
    "templateId": (
        template_id("contract-templates", "fixed-contract", "fixed", "en", 1),
        template_id("notification-templates", "contract-sent", "email", "en", 1),
        IDS[0],
    ),
    "kid": ("k1",),
    "nonce": (NONCE,),
    "verifiedEpoch": (1, 1, 2),
    "newEmailHash": ("c" * 64, *HASHES),
    "mime": ("image/png", "image/png", "text/plain"),
    "timezone": ("UTC", "Africa/Cairo", "one"),
    "veriffSessionId": ("one", "one", "two"),
    "last4": ("1234",),
    "contactId": (IDS[0], IDS[0], IDS[1]),
    "demoId": (IDS[0], IDS[0], IDS[1]),
    "emailHash": (HASHES[0], HASHES[0], HASHES[1]),
}


def invent(model: type[CommandData], chooser: Chooser, seen: Mapping[str, Sequence[Any]]) -> CommandData | None:
    """``seen``: values that came up before, by field name on the wire. None for data that a rule across fields forbids."""
    schema = schema_of(model)
    wire = _object(schema, schema.get("$defs", {}), chooser, seen)
    if (mend := MENDING.get(model)) and chooser.pick((True, True, True, False)):
        wire = mend(wire, chooser)
    try:
        return model.model_validate_json(json.dumps(wire))
    except ValidationError:
        return None


def actors_for(data: CommandData) -> Sequence[str]:
    """Those that may do most of it come up more often: one of our senders, its owner, an admin."""
    able = (ACTORS[0], OWNERS.get(data.key, ACTORS[2]), ACTORS[3])
    return (*able, *able, *able, *ACTORS)


@cache
def schema_of(model: type[CommandData]) -> Schema:
    return model.model_json_schema(by_alias=True)


def _object(schema: Schema, defs: Schema, chooser: Chooser, seen: Mapping[str, Sequence[Any]]) -> Wire:
    required = schema.get("required", ())
    wire: Wire = {}
    for name, field in schema.get("properties", {}).items():
        if name in required or chooser.pick((False, True, False)):
            wire[name] = _value(name, field, defs, chooser, seen)
    return {name: value for name, value in wire.items() if value is not None}


def _value(name: str, schema: Schema, defs: Schema, chooser: Chooser, seen: Mapping[str, Sequence[Any]]) -> Any:
    if "$ref" in schema:
        return _value(name, defs[schema["$ref"].rpartition("/")[2]], defs, chooser, seen)
    if "anyOf" in schema:
        return _value(name, chooser.pick(schema["anyOf"]), defs, chooser, seen)
    if "const" in schema or "enum" in schema:
        return chooser.pick(schema.get("enum") or (schema.get("const"),))
    match schema.get("type"):
        case "object" if "properties" in schema:
            return _object(schema, defs, chooser, seen)
        case "object":
            return _map(schema, defs, chooser, seen)
        case "array":
            many = chooser.pick(range(schema.get("minItems", 0), 4))
            return [_value(name, schema.get("items", {}), defs, chooser, seen) for _ in range(many)]
        case "boolean":
            return chooser.pick((True, False))
        case "null":
            return None
    known = seen.get(NAMED_AS.get(name, name), ())
    remembered = chooser.pick((name not in POOLS, True, False)) if known else False
    return chooser.pick(known) if remembered else chooser.pick(_scalars(name, schema))


def _map(schema: Schema, defs: Schema, chooser: Chooser, seen: Mapping[str, Sequence[Any]]) -> Wire:
    ((_, values),) = schema["patternProperties"].items()
    names = {chooser.pick(("title", "scopeOfWork", "firstName")) for _ in range(chooser.pick((0, 1, 2)))}
    return {name: _value(name, values, defs, chooser, seen) for name in sorted(names)}


def _scalars(name: str, schema: Schema) -> Sequence[Any]:
    pattern = schema.get("pattern", "")
    if "x-sealed" in schema:
        return (f"s1.{schema['x-sealed']}.{SEALED_SUBJECT}", f"s1.{schema['x-sealed']}.{SEALED_SUBJECT}E")
    if schema.get("type") == "integer":
        pool = POOLS.get(name, (1, 2, 3, LARGEST, 0, -1))
        return [each for each in pool if schema.get("minimum", each) <= each <= schema.get("maximum", each)] or (schema["minimum"],)
    if name in POOLS and all(re.search(pattern, each) for each in POOLS[name] if isinstance(each, str)):
        return POOLS[name]
    return _texts(pattern, schema.get("maxLength", 200))


def _texts(pattern: str, most: int) -> Sequence[str]:
    for pool in (IDS, HASHES, INSTANTS, DAYS, ("title", "firstName"), ("USD",)):
        if pattern and all(re.search(pattern, each) for each in pool):
            return pool
    return [text[:most] for text in TEXTS]


# --- fields that follow from one another ---------------------------------------------------------------------------


def _planned(wire: Wire, _chooser: Chooser) -> Wire:
    named = notification_id(EventId(wire["sourceEventId"]), wire["recipientId"], wire["channel"], wire["template"])
    return wire | {"notificationId": named}


def _contract_template(wire: Wire, chooser: Chooser) -> Wire:
    content = chooser.pick(TEMPLATES)
    row = template_id("contract-templates", wire["name"], wire["type"], wire["locale"], wire["version"])
    digest = hashlib.sha256(content.encode()).hexdigest()
    variables = sorted(set(PLACEHOLDER.findall(content)))
    return wire | {"templateId": row, "templateContent": content, "variables": variables, "contentSha256": digest}


def _notification_template(wire: Wire, _chooser: Chooser) -> Wire:
    subject = None if wire["type"] == "sms" else wire.get("subject", "one")
    row = template_id("notification-templates", wire["name"], wire["type"], wire["locale"], wire["version"])
    mended = wire | {"templateId": row, "body": "<p>Good day.</p>", "variables": [], "subject": subject}
    return mended | {"contentSha256": content_sha256(subject, "<p>Good day.</p>")}


def _activated(wire: Wire, _chooser: Chooser) -> Wire:
    return wire | {"templateId": template_id("notification-templates", wire["name"], wire["type"], wire["locale"], 1)}


def _own_mailbox(wire: Wire, _chooser: Chooser) -> Wire:
    return wire | {"userId": wire["recipientId"]}


def _own_company(wire: Wire, _chooser: Chooser) -> Wire:
    return wire | {"companyId": derived(f"company:{wire['userId']}")}


def _own_contractor(wire: Wire, _chooser: Chooser) -> Wire:
    return wire | {"contractorId": derived(f"contractor:{wire['userId']}")}


def _invitation(wire: Wire, _chooser: Chooser) -> Wire:
    return wire | {"invitationId": derived(f"invitation:{wire['companyId']}:{wire['emailHash']}")}


def _one_proof(wire: Wire, chooser: Chooser) -> Wire:
    proofs: Wire = {"tokenHash": chooser.pick(HASHES), "verifiedEpoch": chooser.pick((1, 1, 2))}
    unwanted = chooser.pick(tuple(proofs))
    return {name: value for name, value in (proofs | wire).items() if name != unwanted}


def _both_seals(wire: Wire, _chooser: Chooser) -> Wire:
    """One of the name alone is refused by the model."""
    name = "name" if "name" in wire else "legalName"
    whole = wire.keys() >= {name, "nameLegal"}
    return wire if whole else {field: value for field, value in wire.items() if field not in (name, "nameLegal")}


def _own_avatar(wire: Wire, chooser: Chooser) -> Wire:
    avatar = wire.get("avatar")
    return wire | {"avatar": {**avatar, "key": f"avatars/{wire['userId']}/{chooser.pick(TEXTS[:2])}"}} if avatar else wire


def _own_document(wire: Wire, chooser: Chooser) -> Wire:
    return wire | {"file": {**wire["file"], "key": f"kyc/{wire['kycSessionId']}/{chooser.pick(TEXTS[:2])}"}}


def _progress(wire: Wire, chooser: Chooser) -> Wire:
    return wire | {"code": chooser.pick(("7001", "7002", "7005"))}


def _subscription(wire: Wire, _chooser: Chooser) -> Wire:
    return wire | {"subscriptionId": derived(f"newsletter:{wire['emailHash']}")}


def _appointment(wire: Wire, chooser: Chooser) -> Wire:
    return wire | {"scheduledAt": chooser.pick(("2026-02-20T00:00:00.000Z", "2026-06-20T00:00:00.000Z", "2027-06-20T00:00:00.000Z"))}


def _notes(wire: Wire, chooser: Chooser) -> Wire:
    return wire | {"notes": f"s1.subject.lead:{chooser.pick(HASHES)}.1.{chooser.pick(('QUJD', 'QUJDE'))}"}


MENDING: Final[Mapping[type[CommandData], Callable[[Wire, Chooser], Wire]]] = {
    PlanNotification: _planned,
    PublishContractTemplate: _contract_template,
    PublishNotificationTemplate: _notification_template,
    SyncRecipient: _own_mailbox,
    ActivateNotificationTemplate: _activated,
    RegisterCompany: _own_company,
    EraseCompany: _own_company,
    UpdateCompanyDetails: _both_seals,
    InviteContractor: _invitation,
    AcceptInvitation: _own_contractor,
    CreateContractorProfile: _own_contractor,
    EraseContractor: _own_contractor,
    UpdateContractorProfile: _both_seals,
    SetPassword: _one_proof,
    SetAvatar: _own_avatar,
    RegisterKycDocument: _own_document,
    RecordKycProgress: _progress,
    SubscribeNewsletter: _subscription,
    ScheduleDemo: _appointment,
    SetDemoNotes: _notes,
}
