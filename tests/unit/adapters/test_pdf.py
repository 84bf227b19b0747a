"""Documents set to PDF: the same bytes each time, nothing loaded, nothing executed, nothing left running."""

import asyncio
import re
import struct
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from contracts.types import Direction, Locale, Timestamp
from tests.support.pdf_text import opened
from workers.adapters.pdf import PdfRenderer
from workers.adapters.typesetter import html_of, typeset
from workers.services.contract.placeholders import placeholders
from workers.services.contract.ports import Document, RenderingError, RenderingInterruptedError, SignatureLine, SignaturePage

SEEDS = Path(__file__).parents[3] / "workers/ops/seed/contract"
PAGE = SignaturePage("Signatures", "Both signed.", (SignatureLine("Client", {"Signed by": "A <b>hand</b>"}),), {"Contract": "3333"})


def document(template: str = "<p>{{ a }}</p>", **values: str) -> Document:
    return Document(
        template=template,
        values=values or {"a": "text"},
        title="Online shop",
        locale=Locale.EN,
        direction=Direction.LTR,
        at=Timestamp("2026-01-31T09:30:00.000Z"),
        reference="33333333 · 1 · abcdef",
        binding="contract 33333333",
    )


# --- the page ------------------------------------------------------------------------------------------------------


def test_values_and_titles_are_escaped() -> None:
    page = html_of(replace(document(a="<script>alert('x')</script> {{ b }}"), title="</title><b>", signature_page=PAGE))
    assert "<p>&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; {{ b }}</p>" in page
    assert "<title>&lt;/title&gt;&lt;b&gt;</title>" in page
    assert "A &lt;b&gt;hand&lt;/b&gt;" in page


def test_what_does_not_begin_with_a_tag_is_markdown_without_html() -> None:
    page = html_of(document("# {{ a }}\n\n<script>x</script>\n\n| x | y |\n|---|---|\n| 1 | {{ b }} |", a="Title", b="*two*"))
    assert "<h1>Title</h1>" in page
    assert "&lt;script&gt;x" in page
    assert "<td>*two*</td>" in page


@pytest.mark.parametrize("template", ["<p>{{ a.b }}</p>", "<p>{{ missing }}</p>", "<p>{% if a %}</p>", "# {{ a }} {# x #}"])
def test_more_than_placeholders_is_not_rendered(template: str) -> None:
    with pytest.raises(RenderingError, match="template_invalid"):
        html_of(document(template))


# --- the bytes -----------------------------------------------------------------------------------------------------


def test_bytes_follow_from_the_document() -> None:
    first = typeset(document())
    assert first.content.startswith(b"%PDF-")
    assert first.pages == 1
    assert typeset(document()) == first
    later = replace(document(), at=Timestamp("2026-02-01T09:30:00.000Z"))
    assert typeset(later) != first


def test_both_dates_are_the_documents() -> None:
    """Else the bytes would hold the clock's time, and be the same within a second only."""
    dates = re.findall(rb"/(?:CreationDate|ModDate) \((?:D:)?(\d{14})Z", opened(typeset(document()).content))
    assert dates == [b"20260131093000"] * 2


def test_a_signature_page_is_a_page_of_its_own() -> None:
    assert typeset(replace(document(), signature_page=PAGE)).pages == 2


@pytest.mark.parametrize("locale", [Locale.EN, Locale.AR])
@pytest.mark.parametrize("name", ["fixed-contract", "hourly-contract"])
def test_seed_templates_are_set_in_our_own_fonts(name: str, locale: Locale) -> None:
    content = (SEEDS / f"{name}.{locale}.pdf.j2").read_text("utf-8")
    values = dict.fromkeys(placeholders(content), "نص text" if locale is Locale.AR else "text")
    direction = Direction.RTL if locale is Locale.AR else Direction.LTR
    rendered = typeset(replace(document(content, **values), locale=locale, direction=direction))
    fonts = set(re.findall(rb"/BaseFont /[A-Z]{6}\+([A-Za-z]+)", opened(rendered.content)))
    assert b"NotoSans" in fonts
    assert fonts <= {b"NotoSans", b"IBMPlexSansArabic"}
    assert (b"IBMPlexSansArabic" in fonts) == (locale is Locale.AR)


def test_nothing_is_loaded(tmp_path: Path) -> None:
    image = tmp_path / "secret.svg"
    image.write_text('<svg xmlns="http://www.w3.org/2000/svg" width="90" height="90"><rect width="90" height="90"/></svg>')
    tags = "".join(
        f'<img src="{address}" width="90" height="90">' for address in (image.as_uri(), str(image), "https://fonts.invalid/../x")
    )
    there = document("<p>{{ a }}" + tags + "</p>")
    absent = document("<p>{{ a }}" + tags.replace("secret", "absent") + "</p>")
    assert typeset(there) == typeset(absent)


# --- the child process ---------------------------------------------------------------------------------------------


@pytest.fixture
async def renderer() -> AsyncIterator[PdfRenderer]:
    renderer = PdfRenderer()
    yield renderer
    await renderer.close()


async def test_the_child_sets_the_same_bytes(renderer: PdfRenderer) -> None:
    several = await asyncio.gather(*(renderer.render(document(a=f"text {number}")) for number in range(3)))
    assert several == [typeset(document(a=f"text {number}")) for number in range(3)]


async def test_a_failure_leaves_the_child_fit_for_the_next(renderer: PdfRenderer) -> None:
    with pytest.raises(RenderingError) as caught:
        await renderer.render(document("<p>{% x %}</p>"))
    assert caught.value.code == "template_invalid"
    assert (await renderer.render(document())).pages == 1


async def test_what_takes_too_long_is_given_up_and_leaves_nothing_running() -> None:
    renderer = PdfRenderer(time_limit=0.001)
    with pytest.raises(RenderingInterruptedError):
        await renderer.render(document())
    assert renderer._child is None
    await renderer.close()


async def test_a_dead_child_is_replaced(renderer: PdfRenderer) -> None:
    await renderer.render(document())
    child = renderer._child
    assert child is not None
    child.kill()
    with pytest.raises(RenderingInterruptedError):
        await renderer.render(document())
    assert (await renderer.render(document())).pages == 1


def test_the_child_ends_well_after_many_documents() -> None:
    """Fonts in the library's cache outlive Python: bytes of Python's own among them would crash the process at its end."""
    request = TypeAdapter(Document).dump_json(document())
    frames = (struct.pack(">I", len(request)) + request) * 30
    ended = subprocess.run(
        [sys.executable, "-m", "workers.adapters.typesetter"], input=frames, capture_output=True, check=False, timeout=60
    )
    assert (ended.returncode, ended.stdout.count(b"%PDF-")) == (0, 30)


async def test_whoever_stops_waiting_gets_no_document_of_others(renderer: PdfRenderer) -> None:
    await renderer.render(document())
    waiting = asyncio.create_task(renderer.render(document(a="first")))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await renderer.render(document(a="second")) == typeset(document(a="second"))


async def test_the_child_knows_no_secrets(renderer: PdfRenderer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a secret")
    await renderer.render(document())
    assert renderer._child is not None
    environment = _environment_of(renderer._child.pid)
    if environment is None:
        pytest.skip("no /proc here: what the child was given can't be read")
    assert b"AWS_SECRET_ACCESS_KEY" not in environment


def _environment_of(process: int) -> bytes | None:
    found = Path(f"/proc/{process}/environ")
    return found.read_bytes() if found.exists() else None
