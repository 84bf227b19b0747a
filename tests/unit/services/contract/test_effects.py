"""Documents rendered and kept, over ports in memory."""

import hashlib
from dataclasses import dataclass, field
from typing import TypeVar

import pytest

from contracts.clear import Clear, Redacted
from contracts.contract.commands import RecallContract, RecordContractPdf, RecordContractPdfFailed, RecordExecutedPdf, SendContract
from contracts.contract.events import ContractPdfRequested
from contracts.ids import effect_id, event_id
from contracts.message import EventData
from contracts.types import CommandId, Hash, Timestamp
from tests.support.oracle import START
from tests.unit.services.contract.story import COMPANY, CONTRACT_ID, PDF_SHA256, TEMPLATE, Story
from workers.engine.decision import Item, ItemRef
from workers.engine.service import Call, Done, Effect, Event, Failed, Result, Retryable
from workers.services.contract.ports import (
    Document,
    Documents,
    DocumentStoreRefusedError,
    DocumentStoreUnavailableError,
    Rendered,
    RenderingError,
    RenderingInterruptedError,
)
from workers.services.contract.service import SERVICE

RENDER, EXECUTE = SERVICE.effects

E = TypeVar("E", bound=EventData)


@dataclass
class Press:
    """Renderer, store and reader. Shows what was asked of it; fails as it is told."""

    content: bytes = b"%PDF a document"
    rendering: Exception | None = None
    storing: Exception | None = None
    destroyed: str = "nobody"
    documents: list[Document] = field(default_factory=list)
    objects: dict[str, bytes] = field(default_factory=dict)
    retained: dict[str, Timestamp | None] = field(default_factory=dict)

    @property
    def port(self) -> Documents:
        return Documents(self, self, self)

    async def render(self, document: Document) -> Rendered:
        self.documents.append(document)
        if self.rendering:
            raise self.rendering
        return Rendered(self.content, 3)

    async def put(self, key: str, content: bytes, *, retain_until: Timestamp | None = None) -> Hash:
        if self.storing:
            raise self.storing
        self.retained[key] = retain_until
        return hashlib.sha256(self.objects.setdefault(key, content)).hexdigest()

    async def open(self, sealed: str) -> Clear | Redacted:
        _, _, subject, _, text = sealed.split(".")
        return Redacted.ERASED if subject == self.destroyed else Clear(bytes.fromhex(text).decode())


def event_of(story: Story, kind: type[E]) -> Event[E]:
    data = story.oracle.emitted(kind)[-1]
    assert isinstance(data, kind)
    command = CommandId(CONTRACT_ID)
    return Event(event_id(command, kind.__name__, 0), "contract", CONTRACT_ID, START, "system:test", data)


async def carried_out(effect: Effect[E], story: Story, press: Press, tries: int = 0) -> Result:
    """As the engine does it: rows first, asked again with what was found."""
    event = event_of(story, effect.event)
    rows: dict[ItemRef, Item] = {}
    while wanted := [ref for ref in effect.reads(event, rows) if ref not in rows]:
        rows |= {ref: story.oracle.items[ref] for ref in wanted}
    return await effect.run(Call(effect_id(event.id, effect.name), event, "test", tries), rows, press.port)


async def test_the_document_is_rendered_kept_and_recorded() -> None:
    story, press = Story().requested(), Press()
    result = await carried_out(RENDER, story, press)
    digest = story.contract.content_sha256
    key = f"contracts/{CONTRACT_ID}/{digest}.pdf"
    assert digest is not None
    assert result == Done(
        (
            RecordContractPdf(
                contract_id=CONTRACT_ID,
                revision=1,
                content_sha256=digest,
                pdf_key=key,
                pdf_sha256=hashlib.sha256(press.content).hexdigest(),
                pages=3,
            ),
        ),
        reference=key,
    )
    assert (press.objects, press.retained) == ({key: press.content}, {key: None})
    (document,) = press.documents
    assert (document.template, document.at, document.signature_page) == (TEMPLATE.template_content, START, None)
    assert document.values == {
        "contractTitle": "Online shop",
        "clientName": "Nile Trading LLC",
        "clientCountry": "EG",
        "contractorName": "Lukasz Nowak",
        "contractorCountry": "PL",
        "startDate": "2026-02-01",
        "endDate": "2026-07-31",
        "currency": "USD",
        "totalAmount": "1,500.00",
        "hourlyRate": "1,500.00",
        "scopeOfWork": "A shop",
        "paymentTerms": "14 days",
    }


async def test_a_repetition_records_what_was_kept_first() -> None:
    story, press = Story().requested(), Press()
    first = await carried_out(RENDER, story, press)
    press.content = b"%PDF of another renderer"
    assert await carried_out(RENDER, story, press) == first


async def test_a_destroyed_name_is_printed_as_a_mark() -> None:
    press = Press(destroyed="11111111-1111-4111-8111-111111111111")
    assert isinstance(await carried_out(RENDER, Story().requested(), press), Done)
    values = press.documents[0].values
    assert (values["clientName"], values["contractorName"]) == ("[redacted]", "Lukasz Nowak")


async def test_a_contract_without_end_says_so() -> None:
    press = Press()
    await carried_out(RENDER, Story().requested(end_date=None), press)
    assert press.documents[0].values["endDate"] == "no fixed end"


@pytest.mark.parametrize(
    ("press", "tries", "code"),
    [
        (Press(rendering=RenderingError("template_invalid")), 0, "template_invalid"),
        (Press(rendering=RenderingInterruptedError()), 1, "rendering_interrupted"),
        (Press(content=b"x" * (10 * 1024 * 1024 + 1)), 0, "document_too_large"),
    ],
)
async def test_what_cannot_be_rendered_is_told_to_the_contract(press: Press, tries: int, code: str) -> None:
    result = await carried_out(RENDER, Story().requested(), press, tries)
    assert result == Done((RecordContractPdfFailed(contract_id=CONTRACT_ID, revision=1, code=code),))
    assert press.objects == {}


@pytest.mark.parametrize("effect", [RENDER, EXECUTE])
@pytest.mark.parametrize(
    ("press", "verdict"),
    [
        (Press(rendering=RenderingInterruptedError()), Retryable),
        (Press(storing=DocumentStoreUnavailableError("SlowDown")), Retryable),
        (Press(storing=DocumentStoreRefusedError("AccessDenied")), Failed),
    ],
)
async def test_passing_trouble_is_tried_again_and_the_rest_is_for_people(
    effect: Effect[ContractPdfRequested], press: Press, verdict: type[Result]
) -> None:
    assert isinstance(await carried_out(effect, Story().active(), press), verdict)


async def test_the_executed_copy_has_both_signatures_and_is_kept_for_ten_years() -> None:
    story, press = Story().active(), Press()
    result = await carried_out(EXECUTE, story, press)
    key = f"contracts/{CONTRACT_ID}/{story.contract.content_sha256}-executed.pdf"
    digest = hashlib.sha256(press.content).hexdigest()
    assert result == Done((RecordExecutedPdf(contract_id=CONTRACT_ID, executed_pdf_key=key, executed_pdf_sha256=digest),), reference=key)
    assert press.retained == {key: "2036-02-01T09:30:00.000Z"}
    page = press.documents[0].signature_page
    assert page is not None
    assert [line.party for line in page.lines] == ["Client", "Contractor"]
    assert page.lines[0].facts == {
        "Signed by": "A hand",
        "Signed at (UTC)": "2026-01-31 09:30:00",
        "SHA-256 of the signed document": in_groups(PDF_SHA256),
    }
    content = story.contract.content_sha256
    assert content is not None
    assert page.binding == {
        "Contract and revision": f"{CONTRACT_ID} r1",
        "Template and version": "simple v1",
        "SHA-256 of the content": in_groups(content),
    }


def in_groups(digest: str) -> str:
    return f"{digest[:16]} {digest[16:32]}\n{digest[32:48]} {digest[48:]}"


async def test_only_what_both_have_signed_is_no_draft() -> None:
    story, press = Story().active(), Press()
    await carried_out(RENDER, story, press)
    await carried_out(EXECUTE, story, press)
    assert [document.watermark for document in press.documents] == ["DRAFT", None]


async def test_both_copies_name_the_content_and_the_template_they_are_made_of() -> None:
    story, press = Story().active(), Press()
    await carried_out(RENDER, story, press)
    await carried_out(EXECUTE, story, press)
    digest = story.contract.content_sha256
    assert digest is not None
    content = f"contract {CONTRACT_ID} revision 1 content-sha256 {digest}"
    binding = f"{content} template simple en v1 template-sha256 {TEMPLATE.content_sha256}"
    assert {document.binding for document in press.documents} == {binding}
    assert {document.reference for document in press.documents} == {f"{CONTRACT_ID} · r1 · {digest[:12]} · simple v1"}


async def test_each_revision_is_a_document_of_its_own() -> None:
    story, press = Story().requested(), Press()
    await carried_out(RENDER, story, press)
    story.send(story.recording())
    story.send(RecallContract(contract_id=CONTRACT_ID, reason="a mistake"), COMPANY)
    story.send(SendContract(contract_id=CONTRACT_ID), COMPANY)
    await carried_out(RENDER, story, press)
    assert len(press.objects) == 2
    assert [document.reference.split(" · ")[1] for document in press.documents] == ["r1", "r2"]


async def test_the_executed_copy_shows_the_document_that_was_signed() -> None:
    story, press = Story().active(), Press()
    await carried_out(RENDER, story, press)
    await carried_out(EXECUTE, story, press)
    offered, executed = press.documents
    assert (executed.template, executed.values, executed.title) == (offered.template, offered.values, offered.title)


async def test_an_executed_copy_that_cannot_be_rendered_is_for_people() -> None:
    result = await carried_out(EXECUTE, Story().active(), Press(rendering=RenderingError("rendering_failed")))
    assert result == Failed("RenderingError: rendering_failed")
