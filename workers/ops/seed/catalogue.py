"""The commands that bring the first texts in (domain.md 17). Their ids follow from name, kind, language and version, so loading them
again changes nothing; a new text is a new version."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from contracts.contract.commands import PublishContractTemplate, SetDefaultContractTemplate
from contracts.contract.values import ContractType
from contracts.ids import seed_command_id, template_id
from contracts.message import CommandData
from contracts.notification.commands import ActivateNotificationTemplate, PublishNotificationTemplate, SyncRecipient
from contracts.types import Channel, CommandId, Direction, Email, Hash, Locale, Pii, Timestamp
from workers.services.contract import template as contract
from workers.services.contract.placeholders import placeholders as contract_placeholders
from workers.services.notification import template as notification
from workers.services.notification.recipient import ADMINS

ROOT = Path(__file__).parent
ACTOR = "system:seed"
VERSION = 1
DIRECTIONS = {Locale.EN: Direction.LTR, Locale.AR: Direction.RTL}


@dataclass(frozen=True, slots=True)
class SeedCommand:
    id: CommandId
    command: CommandData


class SeedTextInvalid(Exception):
    """A file under ``workers/ops/seed`` is not a template: correct it and load again."""


@dataclass(frozen=True, slots=True)
class SeedText:
    """One file ``<name>.<locale>.<kind>.j2``."""

    name: str
    locale: Locale
    kind: str
    text: str


def stages() -> tuple[Sequence[SeedCommand], Sequence[SeedCommand]]:
    """First what publishes texts, then what chooses them: wait until the first are settled, for the second look at their rows."""
    published = [*map(_publish_notification, texts("notification")), *map(_publish_contract, texts("contract"))]
    defaults = [_default(text) for text in texts("contract") if text.locale is Locale.EN]
    return published, [*map(_activate, texts("notification")), *defaults]


def admins(email: Pii[Email], email_hash: Hash, source_at: Timestamp) -> SeedCommand:
    """The group that hears of what needs people, at the operations address."""
    command = SyncRecipient(recipient_id=ADMINS, email=email, email_hash=email_hash, locale=Locale.EN, source_at=source_at)
    return SeedCommand(seed_command_id("admins", "recipient", email_hash, VERSION), command)


def texts(folder: str) -> Iterator[SeedText]:
    """In order of their names. Raises SeedTextInvalid for a name that does not say what the file is."""
    for path in sorted((ROOT / folder).glob("*.j2")):
        parts = path.name.split(".")
        if len(parts) != 4 or parts[1] not in set(Locale):
            raise SeedTextInvalid(f"{path.name} is not named <name>.<locale>.<kind>.j2")
        yield SeedText(parts[0], Locale(parts[1]), parts[2], path.read_text(encoding="utf-8"))


def _publish_notification(text: SeedText) -> SeedCommand:
    """The first line is the subject or title; the body follows after an empty line. An sms is body alone."""
    titled = text.kind != Channel.SMS
    subject, _, body = text.text.partition("\n\n") if titled else (None, "", text.text.rstrip("\n"))
    used = notification.placeholders(text.text)
    if used is None:
        raise SeedTextInvalid(f"{text.name}.{text.locale}.{text.kind} holds more than placeholders")
    command = PublishNotificationTemplate(
        name=text.name,
        template_id=template_id(notification.TABLE, text.name, text.kind, text.locale, VERSION),
        channel=Channel(text.kind),
        locale=text.locale,
        dir=DIRECTIONS[text.locale],
        template_version=VERSION,
        subject=subject,
        body=body,
        variables=tuple(sorted(used)),
        content_sha256=notification.content_sha256(subject, body),
    )
    return SeedCommand(seed_command_id(text.name, text.kind, text.locale, VERSION), command)


def _activate(text: SeedText) -> SeedCommand:
    command = ActivateNotificationTemplate(
        name=text.name,
        template_id=template_id(notification.TABLE, text.name, text.kind, text.locale, VERSION),
        channel=Channel(text.kind),
        locale=text.locale,
    )
    # Another id than the publication's: one id is one command.
    return SeedCommand(seed_command_id(f"{text.name}/active", text.kind, text.locale, VERSION), command)


def _contract_type(text: SeedText) -> ContractType:
    return ContractType(text.name.partition("-")[0])


def _publish_contract(text: SeedText) -> SeedCommand:
    kind = _contract_type(text)
    command = PublishContractTemplate(
        name=text.name,
        template_id=template_id(contract.TABLE, text.name, kind, text.locale, VERSION),
        template_version=VERSION,
        type=kind,
        locale=text.locale,
        dir=DIRECTIONS[text.locale],
        template_content=text.text,
        variables=tuple(sorted(contract_placeholders(text.text))),
        content_sha256=hashlib.sha256(text.text.encode()).hexdigest(),
    )
    return SeedCommand(seed_command_id(text.name, kind, text.locale, VERSION), command)


def _default(text: SeedText) -> SeedCommand:
    kind = _contract_type(text)
    command = SetDefaultContractTemplate(type=kind, template_id=template_id(contract.TABLE, text.name, kind, text.locale, VERSION))
    return SeedCommand(seed_command_id(f"{text.name}/default", kind, text.locale, VERSION), command)
