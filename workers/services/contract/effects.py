"""Documents made and kept: the one to sign, and the executed copy. Both may be repeated: same bytes, same key."""

from collections.abc import Iterable, Mapping, Sequence

from contracts.clear import Clear
from contracts.contract.commands import RecordContractPdf, RecordContractPdfFailed, RecordExecutedPdf
from contracts.contract.events import ContractActivated, ContractPdfRequested
from contracts.timestamps import plus
from contracts.types import Timestamp
from workers.engine.decision import Item, ItemRef
from workers.engine.service import Call, Done, Event, Failed, Result, Retryable
from workers.services.contract.contract import CONTRACT, Contract
from workers.services.contract.document import as_requested, executed_document, offered_document, sealed_in
from workers.services.contract.ports import (
    MAXIMUM_DOCUMENT,
    Document,
    Documents,
    DocumentStoreRefusedError,
    DocumentStoreUnavailableError,
    Rendered,
    RenderingError,
    RenderingInterruptedError,
)
from workers.services.contract.template import Template, template_ref

RETENTION_DAYS = 3653
"""Ten years, leap days included."""

Rows = Mapping[ItemRef, Item]


async def render_pdf(call: Call[ContractPdfRequested], rows: Rows, port: Documents) -> Result:
    """The document to sign. What can't be rendered is told to the contract; a store that refuses is a thing for people."""
    data = call.event.data
    key = f"contracts/{data.contract_id}/{data.content_sha256}.pdf"
    try:
        rendered = await _rendered(await _offered(data, rows, call.event.at, port), port, call.tries)
        digest = await port.store.put(key, rendered.content)
    except RenderingError as failure:
        return Done((RecordContractPdfFailed(contract_id=data.contract_id, revision=data.revision, code=failure.code),))
    except (RenderingInterruptedError, DocumentStoreUnavailableError) as failure:
        return Retryable(_reason(failure))
    except DocumentStoreRefusedError as failure:
        return Failed(_reason(failure))
    return Done((_recorded(data, key, digest, rendered.pages),), reference=key)


async def render_executed_pdf(call: Call[ContractActivated], rows: Rows, port: Documents) -> Result:
    """The signed document with its signature page, kept for ten years. Whatever stays wrong is a thing for people."""
    data = call.event.data
    contract = Contract.from_item(rows[CONTRACT.root(data.contract_id)])
    key = f"contracts/{data.contract_id}/{contract.content_sha256}-executed.pdf"
    try:
        rendered = await _rendered(await _executed(contract, rows, call.event.at, port), port, call.tries)
        digest = await port.store.put(key, rendered.content, retain_until=_retention_end(call.event.at))
    except (RenderingInterruptedError, DocumentStoreUnavailableError) as failure:
        return Retryable(_reason(failure))
    except (RenderingError, DocumentStoreRefusedError) as failure:
        return Failed(_reason(failure))
    record = RecordExecutedPdf(contract_id=contract.id, executed_pdf_key=key, executed_pdf_sha256=digest)
    return Done((record,), reference=key)


def template_of_request(event: Event[ContractPdfRequested], _rows: Rows) -> Sequence[ItemRef]:
    return (template_ref(event.data.template_id),)


def contract_and_template(event: Event[ContractActivated], rows: Rows) -> Sequence[ItemRef]:
    """Terms and signatures stand in the contract, which nobody edits any more."""
    root = CONTRACT.root(event.data.contract_id)
    return (root, template_ref(Contract.from_item(rows[root]).template_id)) if root in rows else (root,)


async def _offered(data: ContractPdfRequested, rows: Rows, at: Timestamp, port: Documents) -> Document:
    template = Template.from_item(rows[template_ref(data.template_id)])
    return offered_document(data, template, await _opened(sealed_in(data), port), at)


async def _executed(contract: Contract, rows: Rows, at: Timestamp, port: Documents) -> Document:
    template = Template.from_item(rows[template_ref(contract.template_id)])
    return executed_document(contract, template, await _opened(sealed_in(as_requested(contract), contract), port), at)


async def _opened(sealed: Iterable[str], port: Documents) -> Mapping[str, str]:
    """Where a value's key is destroyed, the document shows the mark of ``contracts.clear.Redacted``."""
    clear: dict[str, str] = {}
    for text in sorted(sealed):
        opened = await port.reader.open(text)
        clear[text] = opened.reveal() if isinstance(opened, Clear) else opened.value
    return clear


async def _rendered(document: Document, port: Documents, tries: int) -> Rendered:
    """A document that the renderer gave up on twice is one that can't be rendered."""
    try:
        rendered = await port.renderer.render(document)
    except RenderingInterruptedError:
        if tries:
            raise RenderingError("rendering_interrupted") from None
        raise
    if len(rendered.content) > MAXIMUM_DOCUMENT:
        raise RenderingError("document_too_large")
    return rendered


def _recorded(data: ContractPdfRequested, key: str, digest: str, pages: int) -> RecordContractPdf:
    return RecordContractPdf(
        contract_id=data.contract_id,
        revision=data.revision,
        content_sha256=data.content_sha256,
        pdf_key=key,
        pdf_sha256=digest,
        pages=pages,
    )


def _retention_end(at: Timestamp) -> Timestamp:
    return plus(at, days=RETENTION_DAYS)


def _reason(failure: Exception) -> str:
    text = str(failure)
    return f"{type(failure).__name__}: {text}" if text else type(failure).__name__
