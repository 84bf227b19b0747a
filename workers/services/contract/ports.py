"""The outside as contract needs it: a renderer, a document store, a reader of sealed texts. Adapters raise what stands here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from contracts.clear import Clear, Redacted
from contracts.types import Direction, Hash, Locale, Timestamp

MAXIMUM_DOCUMENT = 10 * 1024 * 1024
"""Bytes of one PDF."""


@dataclass(frozen=True, slots=True, repr=False)
class SignatureLine:
    """One signature as the executed copy shows it: what, and what is said of it. It has no repr, because it names a person."""

    party: str
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SignaturePage:
    """``binding``: what the signatures are bound to."""

    heading: str
    statement: str
    lines: tuple[SignatureLine, ...]
    binding: Mapping[str, str]


@dataclass(frozen=True, slots=True, repr=False)
class Document:
    """Everything a rendering depends on, beside the renderer's own version: the same document gives the same bytes.

    ``template`` is HTML, or Markdown if it doesn't begin with a tag; ``values`` are clear text, escaped by the renderer. ``at`` is
    the date in the PDF. ``reference`` stands at the foot of each page, ``binding`` among what the file says of itself; ``watermark``
    lies under the text of each page. It has no repr, because it names people.
    """

    template: str
    values: Mapping[str, str]
    title: str
    locale: Locale
    direction: Direction
    at: Timestamp
    reference: str
    binding: str
    watermark: str | None = None
    signature_page: SignaturePage | None = None


@dataclass(frozen=True, slots=True)
class Rendered:
    content: bytes
    pages: int


class RenderingError(Exception):
    """This document can't be rendered, today or tomorrow. ``code`` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class RenderingInterruptedError(Exception):
    """No document: too slow, or the renderer died. Nothing is left running; the next try begins anew."""


class Renderer(Protocol):
    async def render(self, document: Document) -> Rendered:
        """Never blocks the event loop. Raises RenderingError, RenderingInterruptedError."""
        ...


class DocumentStoreUnavailableError(Exception):
    """The store did not take it, or its answer is unknown. The same put may be tried again."""


class DocumentStoreRefusedError(Exception):
    """The store won't take it as it is configured: a thing for people."""


class DocumentStore(Protocol):
    async def put(self, key: str, content: bytes, *, retain_until: Timestamp | None = None) -> Hash:
        """Keeps ``content`` under ``key`` unless an object is there already; answers the sha256 of the object that is there now.

        With ``retain_until`` nobody can delete or replace the object before.
        Raises DocumentStoreUnavailableError, DocumentStoreRefusedError.
        """
        ...


class SealReader(Protocol):
    async def open(self, sealed: str) -> Clear | Redacted:
        """A (legal) value; Redacted once its key is destroyed. Raises KeysUnavailable."""
        ...


@dataclass(frozen=True, slots=True)
class Documents:
    """The port of both effects."""

    renderer: Renderer
    store: DocumentStore
    reader: SealReader
