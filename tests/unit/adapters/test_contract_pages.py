"""Pages of a contract as a reader has them, in both scripts: text that can be found, marks, numbers, breaks, bytes."""

import asyncio
import re
from dataclasses import replace
from pathlib import Path

import pytest

from contracts.types import Direction, Locale, Timestamp
from tests.support.pdf_text import arabic, opened, pages
from workers.adapters.pdf import PdfRenderer
from workers.adapters.typesetter import typeset
from workers.services.contract.placeholders import placeholders
from workers.services.contract.ports import Document, SignatureLine, SignaturePage

SEEDS = Path(__file__).parents[3] / "workers/ops/seed/contract"
CONTENT = "2d711642b726b044 01627ca9fbac32f5\nc8530fb1903cc4db 02258717921a4881"
VALUES = {
    Locale.EN: {"clientName": "Nile Trading LLC", "contractorName": "Łukasz Nowak", "confidentialityTerms": "Nothing confidential leaves."},
    Locale.AR: {"clientName": "شركة النيل", "contractorName": "Łukasz Nowak", "milestones": "تسليم المتجر قبل 2026-03-15."},
}
DRAFT = {Locale.EN: "DRAFT", Locale.AR: "مسودة"}
PAGE = SignaturePage(
    "Signatures", "Both signed.", (SignatureLine("Client", {"Signed at (UTC)": "2026-01-31 09:30:00"}),), {"Content": CONTENT}
)


def draft(locale: Locale, **values: str) -> Document:
    template = (SEEDS / f"fixed-contract.{locale}.pdf.j2").read_text("utf-8")
    known = {"currency": "USD", "totalAmount": "1,500.00", "startDate": "2026-02-01", **VALUES[locale], **values}
    return Document(
        template=template,
        values=dict.fromkeys(placeholders(template), "-") | known,
        title="Online shop",
        locale=locale,
        direction=Direction.RTL if locale is Locale.AR else Direction.LTR,
        at=Timestamp("2026-01-31T09:30:00.000Z"),
        reference="33333333 · r1 · abcdef · fixed-contract v1",
        binding="contract 33333333 revision 1 content-sha256 abcdef",
        watermark=DRAFT[locale],
    )


def executed(locale: Locale, **values: str) -> Document:
    return replace(draft(locale, **values), watermark=None, signature_page=PAGE)


def read(document: Document) -> list[str]:
    found = pages(typeset(document).content)
    return [arabic(page) for page in found] if document.locale is Locale.AR else found


def test_english_text_can_be_found_ligatures_too() -> None:
    (page,) = read(draft(Locale.EN))
    for text in ("Nile Trading LLC", "Łukasz Nowak", "USD 1,500.00", "2026-02-01", "Nothing confidential leaves.", "Page 1 of 1"):
        assert text in page
    assert "\ufffd" not in page


def test_arabic_text_can_be_found_and_dates_in_it_are_not_turned_around() -> None:
    document = draft(Locale.AR)
    (page,) = read(document)
    for word in ("شركة", "النيل", "العميل", "والمتعاقد", "السرية", "صفحة"):
        assert word in page
    (drawn,) = pages(typeset(document).content)
    for text in ("Łukasz Nowak", "1,500.00", "2026-02-01", "2026-03-15"):
        assert text in drawn


@pytest.mark.parametrize("locale", Locale)
def test_every_page_of_a_draft_is_marked_and_none_of_an_executed_copy(locale: Locale) -> None:
    long = "Each party keeps it to itself. " * 60
    marked = read(draft(locale, scopeOfWork=long, ipTerms=long))
    assert len(marked) == 2
    assert [DRAFT[locale] in page for page in marked] == [True, True]
    signed = read(executed(locale, scopeOfWork=long, ipTerms=long))
    assert len(signed) == 3
    assert not any(DRAFT[locale] in page for page in signed)


@pytest.mark.parametrize("locale", Locale)
def test_pages_are_counted_as_they_are(locale: Locale) -> None:
    document = executed(locale, scopeOfWork="نص text\n" * 120)
    rendered = typeset(document)
    found = pages(rendered.content)
    assert rendered.pages == len(found) > 4
    assert all("33333333 · r1 · abcdef · fixed-contract v1" in page for page in found)


def test_the_signature_page_is_the_last_and_says_what_was_signed() -> None:
    *_, last = read(executed(Locale.EN))
    for text in ("Signatures", "2026-01-31 09:30:00", *CONTENT.split("\n"), "Page 2 of 2"):
        assert text in last


def test_no_heading_stays_alone_at_the_foot_of_a_page() -> None:
    """Whatever the length of what comes before it."""
    headings = "Term|Price and milestones|Payment|Confidentiality|Intellectual property"
    for lines in range(19, 43, 2):
        for page in pages(typeset(draft(Locale.EN, scopeOfWork="Design and build.\\n" * lines)).content):
            body = page[: page.index("Page ")].rstrip()
            assert not re.search(rf"\d\. ({headings})$", body), (lines, body[-80:])


@pytest.mark.parametrize("locale", Locale)
async def test_two_processes_set_the_same_bytes(locale: Locale) -> None:
    first, second = PdfRenderer(), PdfRenderer()
    try:
        for document in (draft(locale), executed(locale)):
            one, other = await asyncio.gather(first.render(document), second.render(document))
            assert one == other
    finally:
        await asyncio.gather(first.close(), second.close())


def test_the_file_says_what_it_is_bound_to() -> None:
    assert b"contract 33333333 revision 1 content-sha256 abcdef" in _information(draft(Locale.EN))


def _information(document: Document) -> bytes:
    return opened(typeset(document).content)
