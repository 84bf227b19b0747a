"""Sets a document: text and values to the bytes of a PDF. Runs in a process of its own (``__main__``); no network, no scripts.

The same document gives the same bytes: fonts are ours, dates are the document's.
"""

from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Final, NamedTuple

import plutoprint
from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import SandboxedEnvironment
from markdown_it import MarkdownIt

from contracts.types import Locale
from workers.adapters.typesetter.bidi import isolated
from workers.services.contract.placeholders import TemplateInvalid, placeholders
from workers.services.contract.ports import Document, Rendered, RenderingError

_HERE: Final = Path(__file__).parent
# Never asked for on a network: a name of that domain can't exist, and every request comes to the fetcher below.
_FONTS_AT: Final = "https://fonts.invalid/"


class Font(NamedTuple):
    family: str
    weight: int
    file: str

    @property
    def url(self) -> str:
        return _FONTS_AT + self.file


FONTS: Final = tuple(
    Font(family, weight, f"{name}-{weight}.woff2")
    for family, name in (
        ("Noto Sans", "noto-sans-latin"),
        ("Noto Sans Extended", "noto-sans-latin-ext"),
        ("IBM Plex Sans Arabic", "ibm-plex-sans-arabic-arabic"),
    )
    for weight in (400, 700)
)
PAGE_WORDS: Final = {Locale.EN: ("Page ", " of "), Locale.AR: ("صفحة ", " من ")}
_FONT_FILES: Final = {font.url: _HERE / "fonts" / font.file for font in FONTS}
FAMILIES: Final = '"Noto Sans", "Noto Sans Extended", "IBM Plex Sans Arabic", sans-serif'


class OwnFontsOnly(plutoprint.ResourceFetcher):
    """Answers nothing to everything else: no file, no address is ever read, whatever a template or a value says."""

    def fetch_url(self, url: str) -> plutoprint.ResourceData:
        # Fonts stay in the library's cache until the process ends, when Python can't free bytes of its own any more: so it reads them.
        font = _FONT_FILES.get(url)
        return super().fetch_url(font.as_uri()) if font else plutoprint.ResourceData(b"", "text/plain")


def typeset(document: Document) -> Rendered:
    """Blocks for as long as it takes. Raises RenderingError."""
    try:
        book = book_of(document)
        return Rendered(_written(book), book.get_page_count())
    except plutoprint.Error as error:
        raise RenderingError("rendering_failed") from error


def book_of(document: Document) -> plutoprint.Book:
    """Laid out, not yet written. Raises RenderingError, plutoprint.Error."""
    book = plutoprint.Book(plutoprint.PAGE_SIZE_A4, plutoprint.PAGE_MARGINS_NORMAL)
    book.custom_resource_fetcher = OwnFontsOnly()
    book.load_html(html_of(document))
    _describe(book, document)
    return book


def html_of(document: Document) -> str:
    """The whole page; every value escaped. Raises RenderingError."""
    given = {"fonts": FONTS, "families": FAMILIES, "isolated": isolated, "page_words": PAGE_WORDS[document.locale]}
    return _layout().render(given, document=document, body=_body(document))


def _body(document: Document) -> str:
    content = document.template
    try:
        # Checked when it was published, and again: what is rendered is what the rule says, whoever wrote the row.
        placeholders(content)
        if not content.lstrip().startswith("<"):
            content = MarkdownIt("commonmark", {"html": False}).enable("table").render(content)
        values = {name: isolated(value, document.direction) for name, value in document.values.items()}
        return _sandbox().from_string(content).render(values)
    except (TemplateInvalid, TemplateError) as error:
        raise RenderingError("template_invalid") from error


def _describe(book: plutoprint.Book, document: Document) -> None:
    """Only with both dates set are the bytes the document's alone. Loading sets what the page says, so this comes after."""
    for metadata in (plutoprint.PDF_METADATA_CREATION_DATE, plutoprint.PDF_METADATA_MODIFICATION_DATE):
        book.set_metadata(metadata, f"{document.at[:19]}Z")
    book.set_metadata(plutoprint.PDF_METADATA_SUBJECT, document.binding)


def _written(book: plutoprint.Book) -> bytes:
    stream = BytesIO()
    book.write_to_pdf_stream(stream)
    return stream.getvalue()


def _sandbox() -> SandboxedEnvironment:
    environment = SandboxedEnvironment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
    environment.globals.clear()
    environment.filters.clear()
    return environment


@cache
def _layout() -> Template:
    return SandboxedEnvironment(autoescape=True, undefined=StrictUndefined).from_string((_HERE / "page.html.j2").read_text("utf-8"))
