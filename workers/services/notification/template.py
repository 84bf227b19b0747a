"""Texts of messages: immutable versions per channel and language, and which of them is in use."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from pydantic import Field

from contracts.ids import template_id
from contracts.message import Value
from contracts.notification.commands import ActivateNotificationTemplate, PublishNotificationTemplate
from contracts.notification.events import NotificationTemplateActivated, NotificationTemplatePublished
from contracts.notification.values import MAXIMUM_SMS, TemplateBody, TemplateName, VariableName, Version
from contracts.types import Channel, CommandId, Direction, Hash, Locale, TemplateId, Text200, Timestamp
from workers.engine.aggregate import Aggregate, Items, Read
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Item, ItemRef, Refused
from workers.services.notification.matrix import VARIABLES_OF, allowed_variables

TABLE = "notification-templates"
ROOT = "NAME#"
REMEMBERED = 200
PLACEHOLDER = re.compile(r"\{\{ ([A-Za-z][A-Za-z0-9]{0,39}) \}\}")


class TemplateState(StrEnum):
    """A published version has none until it is first activated."""

    ACTIVE = "active"
    RETIRED = "retired"


class Template(Value):
    """One version. Only ``state`` ever changes."""

    id: TemplateId
    name: TemplateName
    type: Channel
    locale: Locale
    dir: Direction
    version: Version
    subject: Text200 | None = None
    body: TemplateBody
    variables: tuple[VariableName, ...]
    content_sha256: Hash
    state: TemplateState | None = None
    name_version: str
    created_by: CommandId | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None


class Family(Value):
    """All versions of one name. Keys of both maps are ``<type>#<locale>``. ``activated_by``: commands that chose a version,
    lest an old one published again undoes a newer choice."""

    latest: dict[str, Version] = Field(default_factory=dict)
    active: dict[str, TemplateId] = Field(default_factory=dict)
    activated_by: tuple[CommandId, ...] = ()
    created_by: CommandId | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None

    def chosen(self, channel: Channel, locale: Locale) -> TemplateId | None:
        """The row in use; English stands in for a language without one."""
        return self.active.get(slot(channel, locale)) or self.active.get(slot(channel, Locale.EN))


@dataclass(frozen=True, slots=True)
class Templates:
    name: TemplateName
    family: Family | None = None
    rows: Mapping[TemplateId, Template] = field(default_factory=dict)

    @property
    def known(self) -> Family:
        return self.family or Family()


def slot(channel: Channel, locale: Locale) -> str:
    return f"{channel}#{locale}"


def content_sha256(subject: str | None, body: str) -> Hash:
    """Subject and body, with a line break between them."""
    return hashlib.sha256(f"{subject or ''}\n{body}".encode()).hexdigest()


def placeholders(text: str) -> frozenset[str] | None:
    """Names in ``text``; None when it holds any other template syntax, which nobody would render."""
    plain = PLACEHOLDER.sub("", text)
    if any(mark in plain for mark in ("{{", "}}", "{%", "%}", "{#", "#}")):
        return None
    return frozenset(PLACEHOLDER.findall(text))


def _valid(data: PublishNotificationTemplate) -> bool:
    used = placeholders(f"{data.subject or ''}\n{data.body}")
    titled = (data.channel is Channel.SMS) == (data.subject is None)
    short = data.channel is not Channel.SMS or len(data.body) <= MAXIMUM_SMS
    return used == frozenset(data.variables) and titled and short and data.content_sha256 == content_sha256(data.subject, data.body)


def publish_notification_template(state: Templates, command: Command[PublishNotificationTemplate], at: Timestamp) -> Decision[Templates]:
    data, family = command.data, state.known
    if command.actor.partition(":")[0] not in ("admin", "system"):
        return Refused("forbidden")
    if data.template_id != template_id(TABLE, data.name, data.channel, data.locale, data.template_version):
        return Refused("id_mismatch")
    existing = state.rows.get(data.template_id)
    if existing is not None:
        return UNCHANGED if existing.created_by == command.id else Refused("id_conflict")
    key = slot(data.channel, data.locale)
    if data.template_version != family.latest.get(key, 0) + 1:
        return Refused("version_gap")
    if not _valid(data):
        return Refused("template_invalid")
    # A name that no message uses yet may come with variables of its own; it can't be activated before its row is there.
    if data.name in VARIABLES_OF and not set(data.variables) <= allowed_variables(data.name):
        return Refused("unknown_variable")
    family = family.model_copy(update={"latest": {**family.latest, key: data.template_version}})
    return Accepted(replace(state, family=family, rows={**state.rows, data.template_id: _row(data)}), (_published(data),))


def _row(data: PublishNotificationTemplate) -> Template:
    return Template(
        id=data.template_id,
        name=data.name,
        type=data.channel,
        locale=data.locale,
        dir=data.dir,
        version=data.template_version,
        subject=data.subject,
        body=data.body,
        variables=data.variables,
        content_sha256=data.content_sha256,
        name_version=f"{data.name}#{data.locale}#{data.template_version:06d}",
    )


def _published(data: PublishNotificationTemplate) -> NotificationTemplatePublished:
    return NotificationTemplatePublished(
        name=data.name,
        template_id=data.template_id,
        channel=data.channel,
        locale=data.locale,
        template_version=data.template_version,
    )


def activate_notification_template(state: Templates, command: Command[ActivateNotificationTemplate], at: Timestamp) -> Decision[Templates]:
    data, row = command.data, state.rows.get(command.data.template_id)
    if command.actor.partition(":")[0] not in ("admin", "system"):
        return Refused("forbidden")
    if row is None or (row.type, row.locale) != (data.channel, data.locale):
        return Refused("template_not_found")
    if not set(row.variables) <= allowed_variables(data.name):
        return Refused("unknown_variable")
    if command.id in state.known.activated_by or row.state is TemplateState.ACTIVE:
        return UNCHANGED
    event = NotificationTemplateActivated(
        name=row.name, template_id=row.id, channel=row.type, locale=row.locale, template_version=row.version
    )
    return Accepted(_activated(state, row, command.id), (event,))


def _activated(state: Templates, row: Template, by: CommandId) -> Templates:
    key, family = slot(row.type, row.locale), state.known
    former = state.rows.get(family.active.get(key, row.id))
    rows = {row.id: row.model_copy(update={"state": TemplateState.ACTIVE})}
    if former is not None and former.id != row.id:
        rows[former.id] = former.model_copy(update={"state": TemplateState.RETIRED})
    changes = {"active": {**family.active, key: row.id}, "activated_by": (*family.activated_by, by)[-REMEMBERED:]}
    return replace(state, family=family.model_copy(update=changes), rows={**state.rows, **rows})


def family_ref(name: str) -> ItemRef:
    return ItemRef(TABLE, ROOT + name)


def row_ref(id_: str) -> ItemRef:
    return ItemRef(TABLE, id_)


def load(key: str, items: Items) -> Templates:
    family, rows = None, {}
    for ref, item in items.items():
        if ref.key.startswith(ROOT):
            family = Family.from_item(item)
        elif item.get("name") == key:
            rows[TemplateId(ref.key)] = Template.from_item(item)
    return Templates(key, family, rows)


def save(state: Templates) -> Items:
    rows: dict[ItemRef, Item] = {row_ref(id_): row.to_item() for id_, row in state.rows.items()}
    if state.family is not None:
        root = family_ref(state.name)
        family = {name: value for name, value in state.family.to_item().items() if value not in ([], {})}
        rows[root] = {"id": root.key, **family}
    return rows


def reads_row(_state: Templates, command: Command[PublishNotificationTemplate]) -> Iterable[Read]:
    return [Read(row_ref(command.data.template_id))]


def reads_rows(state: Templates, command: Command[ActivateNotificationTemplate]) -> Iterable[Read]:
    former = state.known.active.get(slot(command.data.channel, command.data.locale))
    return [Read(row_ref(id_)) for id_ in (command.data.template_id, former) if id_ is not None]


TEMPLATES = Aggregate(TABLE, load, save, lambda key: ROOT + key)
