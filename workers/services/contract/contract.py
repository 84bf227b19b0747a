"""The contract itself: its state, its transitions, its rows. What commands do to it stands in drafting, signing and ending."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Self, TypeVar

from contracts.contract.values import Ender, Party, Terms
from contracts.message import CommandData, EventData, Value
from contracts.types import (
    ClientId,
    ContractId,
    ContractorId,
    Country,
    Hash,
    Legal,
    TemplateId,
    Text200,
    Text2000,
    Timestamp,
    UserId,
)
from workers.engine.aggregate import Aggregate, Items, Read
from workers.engine.decision import Command, Refused
from workers.engine.row import EMPTY, Row
from workers.services.contract.rights import Role, role_of
from workers.services.contract.template import Template, template_ref, templates_in

TABLE = "contract-contracts"

E = TypeVar("E", bound=EventData)


class Status(StrEnum):
    DRAFT = "draft"
    PENDING = "pending"
    CLIENT_SIGNED = "client_signed"
    CONTRACTOR_SIGNED = "contractor_signed"
    ACTIVE = "active"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class Step(StrEnum):
    """What moves a contract from one status to the next."""

    OFFER = "offer"
    CLIENT_SIGNS = "client_signs"
    CONTRACTOR_SIGNS = "contractor_signs"
    RECALL = "recall"
    CANCEL = "cancel"
    EXPIRE = "expire"
    COMPLETE = "complete"


OFFERED = (Status.PENDING, Status.CLIENT_SIGNED, Status.CONTRACTOR_SIGNED)
"""The document is out and at least one signature is missing."""

TRANSITIONS: Mapping[tuple[Status, Step], Status] = MappingProxyType(
    {
        (Status.DRAFT, Step.OFFER): Status.PENDING,
        (Status.PENDING, Step.CLIENT_SIGNS): Status.CLIENT_SIGNED,
        (Status.PENDING, Step.CONTRACTOR_SIGNS): Status.CONTRACTOR_SIGNED,
        (Status.CLIENT_SIGNED, Step.CONTRACTOR_SIGNS): Status.ACTIVE,
        (Status.CONTRACTOR_SIGNED, Step.CLIENT_SIGNS): Status.ACTIVE,
        (Status.ACTIVE, Step.COMPLETE): Status.COMPLETED,
        **{(status, Step.RECALL): Status.DRAFT for status in OFFERED},
        **{(status, Step.EXPIRE): Status.CANCELLED for status in OFFERED},
        **{(status, Step.CANCEL): Status.CANCELLED for status in (Status.DRAFT, *OFFERED, Status.ACTIVE)},
    }
)


class PdfState(StrEnum):
    NONE = "none"
    RENDERING = "rendering"
    READY = "ready"
    FAILED = "failed"


class PartyCheck(Value):
    """What a party's service answered to check ``check_no``."""

    check_no: int
    ok: bool
    verified: bool
    user_id: UserId | None = None
    name: Legal[Text200] | None = None
    country: Country | None = None
    reason: str | None = None


class Parties(Value):
    client: PartyCheck | None = None
    contractor: PartyCheck | None = None

    def of(self, party: Party) -> PartyCheck | None:
        return self.client if party is Party.CLIENT else self.contractor


class Signature(Value):
    """``pdf_sha256``: digest of the document the signer saw."""

    name: Legal[Text200]
    user_id: UserId
    pdf_sha256: Hash
    ip_hash: Hash
    at: Timestamp


class Signatures(Value):
    client: Signature | None = None
    contractor: Signature | None = None

    def of(self, party: Party) -> Signature | None:
        return self.client if party is Party.CLIENT else self.contractor


class Contract(Terms, Row):
    """One item. ``content_sha256`` and ``pdf_*`` speak of the current revision only; an edit takes them off."""

    leaves_out = EMPTY

    id: ContractId
    client_id: ClientId
    contractor_id: ContractorId
    status: Status
    template_id: TemplateId
    template_version: int
    template_sha256: Hash
    variables: dict[str, Legal[Text2000]]
    revision: int
    check_no: int
    pdf_state: PdfState = PdfState.NONE
    parties: Parties = Parties()
    signatures: Signatures = Signatures()
    content_sha256: Hash | None = None
    pdf_key: str | None = None
    pdf_sha256: Hash | None = None
    executed_pdf_key: str | None = None
    executed_pdf_sha256: Hash | None = None
    sign_by: Timestamp | None = None
    client_signed_at: Timestamp | None = None
    contractor_signed_at: Timestamp | None = None
    cancel_reason: str | None = None
    ended_by: Ender | None = None
    reminded_at: Timestamp | None = None
    """The signing reminder of this offer went out."""
    end_noticed_at: Timestamp | None = None

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Self:
        return super().from_item({"variables": {}, **item})

    def after(self, step: Step) -> Status | None:
        """The status that ``step`` leads to; None if it isn't allowed now."""
        return TRANSITIONS.get((self.status, step))

    def without_document(self) -> Self:
        """Whatever was made, or is being made, is of another content."""
        return self.having(pdf_state=PdfState.NONE, content_sha256=None, pdf_key=None, pdf_sha256=None)

    def terms(self) -> dict[str, Any]:
        """Under wire names, without what is left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True, include=set(Terms.model_fields))

    def digest(self) -> Hash:
        """sha256 of the canonical JSON of all that the document shows (sealed texts as they are)."""
        content = {
            "contractId": self.id,
            "revision": self.revision,
            "terms": self.terms(),
            "parties": {party.value: _shown(self.parties.of(party)) for party in Party},
            "variables": self.variables,
            "templateId": self.template_id,
            "templateSha256": self.template_sha256,
        }
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


def tell(event: type[E], contract: Contract, **more: object) -> E:
    """``event`` about ``contract``: fields of one name have the contract's values, those of the parties what their services answered."""
    same = {name: getattr(contract, name) for name in event.model_fields if name in Contract.model_fields}
    answers = {
        f"{party.value}_{name}": getattr(check, name)
        for party in Party
        if (check := contract.parties.of(party))
        for name in ("user_id", "name", "country")
    }
    return event.model_validate({"contract_id": contract.id, **same, **answers, **more})


def _shown(check: PartyCheck | None) -> dict[str, str | None]:
    return {"name": check.name, "country": check.country} if check else {}


# --- state and items -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ContractState:
    """Root: the contract. ``templates``: rows of other keys that the command named."""

    contract: Contract | None = None
    templates: Mapping[TemplateId, Template] = field(default_factory=dict)

    def become(self, contract: Contract) -> "ContractState":
        return replace(self, contract=contract)


def permitted(state: ContractState, command: Command[CommandData], *roles: Role) -> Contract | Refused:
    """The contract, if it exists and the actor has one of ``roles`` in it."""
    contract = state.contract
    if contract is None:
        return Refused("not_found")
    if role_of(command.actor, contract.client_id, contract.contractor_id) not in roles:
        return Refused("forbidden")
    return contract


def _load(key: str, items: Items) -> ContractState:
    root = items.get(CONTRACT.root(key))
    return ContractState(Contract.from_item(root) if root else None, templates_in(items))


def _save(state: ContractState) -> Items:
    return {CONTRACT.root(state.contract.id): state.contract.to_item()} if state.contract else {}


def current_template(state: ContractState, _command: Command[CommandData]) -> Iterable[Read]:
    """The row that the contract is drafted from."""
    return (Read(template_ref(state.contract.template_id), shared=True),) if state.contract else ()


CONTRACT: Aggregate[ContractState] = Aggregate(TABLE, _load, _save)
