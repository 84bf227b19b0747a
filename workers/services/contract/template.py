"""Contract templates: immutable versions of a family, and one default for each type of contract."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from contracts.contract.commands import PublishContractTemplate, RetireContractTemplate, SetDefaultContractTemplate
from contracts.contract.events import ContractTemplateDefaultSet, ContractTemplatePublished, ContractTemplateRetired
from contracts.contract.values import ContractType
from contracts.ids import template_id
from contracts.types import Direction, Hash, Locale, TemplateId, Timestamp
from workers.engine.aggregate import Aggregate, Items, Read
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, ItemRef, Refused
from workers.engine.row import Row
from workers.services.contract.placeholders import TemplateInvalid, placeholders
from workers.services.contract.rights import manages_templates

TABLE = "contract-templates"


class TemplateState(StrEnum):
    ACTIVE = "active"
    RETIRED = "retired"


class Template(Row):
    """One version in one language. Only ``state`` ever changes."""

    id: TemplateId
    name: str
    type: ContractType
    locale: Locale
    dir: Direction
    version: int
    template_content: str
    variables: tuple[str, ...]
    content_sha256: Hash
    state: TemplateState
    name_version: str


class Family(Row):
    """All versions of one name. ``latest``: the highest version of each locale."""

    id: str
    latest: dict[str, int]
    row_ids: tuple[TemplateId, ...]


class DefaultTemplate(Row):
    id: str
    template_id: TemplateId


@dataclass(frozen=True, slots=True)
class FamilyState:
    """Root: the family. ``defaults``: the templates that are default of a type, as far as read."""

    name: str
    family: Family | None = None
    rows: Mapping[TemplateId, Template] = field(default_factory=dict)
    defaults: frozenset[TemplateId] = frozenset()


@dataclass(frozen=True, slots=True)
class DefaultState:
    """Root: the default of one type. ``templates``: rows of other keys that the command named."""

    key: str
    default: DefaultTemplate | None = None
    templates: Mapping[TemplateId, Template] = field(default_factory=dict)


# --- decisions -----------------------------------------------------------------------------------------------------


def publish_template(state: FamilyState, command: Command[PublishContractTemplate], _at: Timestamp) -> Decision[FamilyState]:
    data = command.data
    if not manages_templates(command.actor):
        return Refused("forbidden")
    if data.template_id != template_id(TABLE, data.name, data.type, data.locale, data.template_version):
        return Refused("id_mismatch")
    if existing := state.rows.get(data.template_id):
        return UNCHANGED if existing.created_by == command.id else Refused("id_conflict")
    if data.template_version != _latest(state, data.locale) + 1:
        return Refused("version_gap")
    if not _is_valid(data):
        return Refused("template_invalid")
    return Accepted(_with(state, _template(data)), (_published(data),))


def retire_template(state: FamilyState, command: Command[RetireContractTemplate], _at: Timestamp) -> Decision[FamilyState]:
    if not manages_templates(command.actor):
        return Refused("forbidden")
    template = state.rows.get(command.data.template_id)
    if template is None or template.name != state.name:
        return Refused("not_found")
    if template.state is TemplateState.RETIRED:
        return UNCHANGED
    if template.id in state.defaults:
        return Refused("template_is_default")
    retired = template.model_copy(update={"state": TemplateState.RETIRED})
    event = ContractTemplateRetired(name=template.name, template_id=template.id)
    return Accepted(replace(state, rows={**state.rows, template.id: retired}), (event,))


def set_default_template(state: DefaultState, command: Command[SetDefaultContractTemplate], _at: Timestamp) -> Decision[DefaultState]:
    data = command.data
    if not manages_templates(command.actor):
        return Refused("forbidden")
    if state.default is not None and state.default.template_id == data.template_id:
        return UNCHANGED
    template = state.templates.get(data.template_id)
    if template is None or template.state is TemplateState.RETIRED:
        return Refused("template_not_found")
    if template.type is not data.type:
        return Refused("template_type_mismatch")
    default = DefaultTemplate(id=state.key, template_id=template.id)
    return Accepted(replace(state, default=default), (ContractTemplateDefaultSet(type=data.type, template_id=template.id),))


def _latest(state: FamilyState, locale: Locale) -> int:
    return state.family.latest.get(locale, 0) if state.family else 0


def _is_valid(data: PublishContractTemplate) -> bool:
    try:
        names = placeholders(data.template_content)
    except TemplateInvalid:
        return False
    digest = hashlib.sha256(data.template_content.encode()).hexdigest()
    unique = len(set(data.variables)) == len(data.variables)
    return unique and names == set(data.variables) and digest == data.content_sha256


def _template(data: PublishContractTemplate) -> Template:
    return Template(
        id=data.template_id,
        name=data.name,
        type=data.type,
        locale=data.locale,
        dir=data.dir,
        version=data.template_version,
        template_content=data.template_content,
        variables=data.variables,
        content_sha256=data.content_sha256,
        state=TemplateState.ACTIVE,
        name_version=f"{data.name}#{data.locale}#{data.template_version:06d}",
    )


def _published(data: PublishContractTemplate) -> ContractTemplatePublished:
    return ContractTemplatePublished(
        name=data.name,
        template_id=data.template_id,
        type=data.type,
        locale=data.locale,
        version=data.template_version,
        content_sha256=data.content_sha256,
    )


def _with(state: FamilyState, template: Template) -> FamilyState:
    family = state.family or Family(id=_family_key(state.name), latest={}, row_ids=())
    latest = {**family.latest, template.locale.value: template.version}
    family = family.model_copy(update={"latest": latest, "row_ids": (*family.row_ids, template.id)})
    return replace(state, family=family, rows={**state.rows, template.id: template})


# --- state and items -----------------------------------------------------------------------------------------------


def template_ref(template: TemplateId) -> ItemRef:
    return ItemRef(TABLE, template)


def templates_in(items: Items) -> Mapping[TemplateId, Template]:
    """Template rows among ``items``; families and defaults have a ``#`` in their key."""
    rows = (Template.from_item(item) for ref, item in items.items() if ref.table == TABLE and "#" not in ref.key)
    return {row.id: row for row in rows}


def _family_key(name: str) -> str:
    return f"NAME#{name}"


def _default_refs() -> tuple[ItemRef, ...]:
    return tuple(ItemRef(TABLE, f"DEFAULT#{type_.value}") for type_ in ContractType)


def _load_family(name: str, items: Items) -> FamilyState:
    root = items.get(ItemRef(TABLE, _family_key(name)))
    defaults = frozenset(DefaultTemplate.from_item(items[ref]).template_id for ref in _default_refs() if ref in items)
    return FamilyState(name, Family.from_item(root) if root else None, templates_in(items), defaults)


def _save_family(state: FamilyState) -> Items:
    rows = {template_ref(row.id): row.to_item() for row in state.rows.values() if row.name == state.name}
    family = {ItemRef(TABLE, state.family.id): state.family.to_item()} if state.family else {}
    return {**family, **rows}


def _load_default(key: str, items: Items) -> DefaultState:
    root = items.get(ItemRef(TABLE, key))
    return DefaultState(key, DefaultTemplate.from_item(root) if root else None, templates_in(items))


def _save_default(state: DefaultState) -> Items:
    return {ItemRef(TABLE, state.key): state.default.to_item()} if state.default else {}


def named_row(_state: FamilyState, command: Command[PublishContractTemplate]) -> Iterable[Read]:
    return (Read(template_ref(command.data.template_id)),)


def named_row_and_defaults(_state: FamilyState, command: Command[RetireContractTemplate]) -> Iterable[Read]:
    return (Read(template_ref(command.data.template_id)), *(Read(ref, shared=True) for ref in _default_refs()))


def candidate(_state: DefaultState, command: Command[SetDefaultContractTemplate]) -> Iterable[Read]:
    return (Read(template_ref(command.data.template_id), shared=True),)


FAMILY: Aggregate[FamilyState] = Aggregate(TABLE, _load_family, _save_family, _family_key)
DEFAULT: Aggregate[DefaultState] = Aggregate(TABLE, _load_default, _save_default)
