"""A contract's way, command by command, as the tests of its parts need it."""

import hashlib
from typing import Any

from contracts.contract.commands import (
    CreateContractDraft,
    PublishContractTemplate,
    RecordContractParty,
    RecordContractPdf,
    SendContract,
    SignContract,
)
from contracts.contract.events import ContractPdfRequested
from contracts.contract.values import ContractType, Party
from contracts.ids import derived, template_id
from contracts.types import ClientId, ContractId, ContractorId, Currency, Direction, Locale, Timestamp, UserId
from tests.support.oracle import START
from tests.support.service_story import ServiceStory
from workers.services.contract.contract import CONTRACT, Contract
from workers.services.contract.placeholders import placeholders
from workers.services.contract.service import SERVICE

CLIENT_USER = UserId("11111111-1111-4111-8111-111111111111")
CONTRACTOR_USER = UserId("22222222-2222-4222-8222-222222222222")
STRANGER = UserId("99999999-9999-4999-8999-999999999999")
CONTRACT_ID = ContractId("33333333-3333-4333-8333-333333333333")
CLIENT_ID = ClientId(derived(f"company:{CLIENT_USER}"))
CONTRACTOR_ID = ContractorId(derived(f"contractor:{CONTRACTOR_USER}"))

COMPANY = f"company:{CLIENT_USER}"
CONTRACTOR = f"contractor:{CONTRACTOR_USER}"
SYSTEM = "system:test"
SEED = "system:seed"

PDF_SHA256 = hashlib.sha256(b"a document").hexdigest()
IP_HASH = "ab" * 32

CONTENT = "<p>{{ contractTitle }}, {{ clientName }}, {{ contractorName }}, {{ startDate }}, {{ scopeOfWork }}, {{ paymentTerms }}</p>"


def legal(text: str, subject: str = CLIENT_USER) -> str:
    return f"s1.legal.{subject}.1.{text.encode().hex()}"


CLIENT_NAME = legal("Nile Trading LLC")
CONTRACTOR_NAME = legal("Lukasz Nowak", CONTRACTOR_USER)
VARIABLES = {"scopeOfWork": legal("A shop"), "paymentTerms": legal("14 days")}


def publishing(
    name: str = "simple",
    version: int = 1,
    content: str = CONTENT,
    kind: ContractType = ContractType.FIXED,
    locale: Locale = Locale.EN,
    **other: Any,
) -> PublishContractTemplate:
    values: dict[str, Any] = {
        "name": name,
        "template_id": template_id("contract-templates", name, kind, locale, version),
        "version": version,
        "type": kind,
        "locale": locale,
        "dir": Direction.LTR,
        "template_content": content,
        "content_sha256": hashlib.sha256(content.encode()).hexdigest(),
    }
    if "variables" not in other:
        values["variables"] = tuple(sorted(placeholders(content)))
    return PublishContractTemplate.model_validate(values | other)


TEMPLATE = publishing()


def drafting(**other: Any) -> CreateContractDraft:
    values: dict[str, Any] = {
        "contract_id": CONTRACT_ID,
        "client_id": CLIENT_ID,
        "contractor_id": CONTRACTOR_ID,
        "title": "Online shop",
        "type": ContractType.FIXED,
        "currency": Currency.USD,
        "rate": 150_000,
        "start_date": "2026-02-01",
        "end_date": "2026-07-31",
        "template_id": TEMPLATE.template_id,
        "variables": VARIABLES,
    }
    return CreateContractDraft.model_validate(values | other)


def confirming(party: Party, check_no: int = 1, **other: Any) -> RecordContractParty:
    client = party is Party.CLIENT
    values: dict[str, Any] = {
        "contract_id": CONTRACT_ID,
        "party": party,
        "check_no": check_no,
        "ok": True,
        "verified": True,
        "user_id": CLIENT_USER if client else CONTRACTOR_USER,
        "name": CLIENT_NAME if client else CONTRACTOR_NAME,
        "country": "EG" if client else "PL",
    }
    return RecordContractParty.model_validate(values | other)


def refusing(party: Party, check_no: int = 1) -> RecordContractParty:
    return RecordContractParty(contract_id=CONTRACT_ID, party=party, check_no=check_no, ok=False, verified=False, reason="erased")


def signing(party: Party, pdf_sha256: str = PDF_SHA256) -> SignContract:
    user = CLIENT_USER if party is Party.CLIENT else CONTRACTOR_USER
    return SignContract(contract_id=CONTRACT_ID, party=party, pdf_sha256=pdf_sha256, signature_name=legal("A hand", user), ip_hash=IP_HASH)


class Story(ServiceStory):
    """Brings a contract to where a test begins."""

    service, actor = SERVICE, SYSTEM

    def __init__(self) -> None:
        super().__init__()
        self.send(TEMPLATE, SEED)

    @property
    def contract(self) -> Contract:
        return Contract.from_item(self.oracle.items[CONTRACT.root(CONTRACT_ID)])

    def drafted(self, **other: Any) -> "Story":
        self.send(drafting(**other), COMPANY)
        return self

    def confirmed(self, check_no: int = 1) -> "Story":
        for party in Party:
            self.send(confirming(party, check_no))
        return self

    def requested(self, **other: Any) -> "Story":
        self.drafted(**other).confirmed().send(SendContract(contract_id=CONTRACT_ID), COMPANY)
        return self

    def recording(self, pdf_sha256: str = PDF_SHA256) -> RecordContractPdf:
        """What the renderer answers to the last request."""
        request = self.oracle.emitted(ContractPdfRequested)[-1]
        assert isinstance(request, ContractPdfRequested)
        return RecordContractPdf(
            contract_id=request.contract_id,
            revision=request.revision,
            content_sha256=request.content_sha256,
            pdf_key=f"contracts/{request.contract_id}/{request.content_sha256}.pdf",
            pdf_sha256=pdf_sha256,
            pages=2,
        )

    def offered(self, at: Timestamp = START, **other: Any) -> "Story":
        self.requested(**other).send(self.recording(), at=at)
        return self

    def half_signed(self, **other: Any) -> "Story":
        self.offered(**other).send(signing(Party.CONTRACTOR), CONTRACTOR)
        return self

    def active(self, at: Timestamp = START, **other: Any) -> "Story":
        self.half_signed(**other).send(signing(Party.CLIENT), COMPANY, at)
        return self
