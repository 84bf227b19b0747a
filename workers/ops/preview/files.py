"""The files of a preview: what is sent, and pictures of it where they can be made."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from workers.adapters.pdf import PdfRenderer
from workers.adapters.pictures import PictureImpossible, page_pictures, web_picture
from workers.adapters.templates import plain_text
from workers.ops.preview.agreement import SeededContract, documents
from workers.ops.preview.messages import CannotPreview, Seeded, rendered
from workers.ops.seed.catalogue import DIRECTIONS
from workers.services.contract.ports import RenderingError
from workers.services.notification.ports import RenderedEmail, RenderedInApp
from workers.services.notification.sms import MAXIMUM_PARTS, parts

DESKTOP, PHONE = 800, 360
"""Widths of windows in CSS pixels."""
_FRAME: Final = """<!doctype html>
<html dir="{dir}" lang="{locale}"><head><meta charset="utf-8"><title>{title}</title></head>
<body style="margin:16px;background:#fff;font-family:'Segoe UI','Noto Sans Arabic',sans-serif;font-size:15px;line-height:1.5">
<strong>{title}</strong><div>{message}</div>
</body></html>
"""


@dataclass(frozen=True, slots=True)
class Written:
    """``notes``: what could not be made, and why."""

    template: str
    locale: str
    channel: str
    files: Sequence[str]
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Note:
    text: str


async def write_message(text: Seeded, out: Path) -> Written:
    """Raises CannotPreview."""
    shown = await rendered(text)
    stem = f"{text.name}.{text.locale}.{text.channel}"
    if isinstance(shown, str):
        note = Note(f"an sms is plain text, so there is no picture; this one is sent in {parts(shown)} part(s) of {MAXIMUM_PARTS} at most")
        return _told(text.name, text.locale, text.channel, [_stored(f"{stem}.txt", f"{shown}\n".encode(), out), note])
    html, said = _page(shown, text)
    made: list[Path | Note] = [_stored(f"{stem}.html", html.encode(), out), _stored(f"{stem}.txt", said.encode(), out)]
    for name, width in (("desktop", DESKTOP), ("phone", PHONE)):
        made += _pictures(partial(_window, html, width), out / f"{stem}.{name}")
    return _told(text.name, text.locale, text.channel, made)


async def write_contract(text: SeededContract, out: Path) -> Written:
    """Raises CannotPreview."""
    made, renderer = list[Path | Note](), PdfRenderer()
    try:
        for state, document in documents(text).items():
            stem = f"{text.name}.{text.locale}.{state}"
            made.append(_stored(f"{stem}.pdf", (await renderer.render(document)).content, out))
            made += _pictures(partial(page_pictures, document), out / stem)
    except RenderingError as error:
        raise CannotPreview(f"{text.name}.{text.locale}: {error.code}") from error
    finally:
        await renderer.close()
    return _told(text.name, text.locale, "pdf", made)


def _page(shown: RenderedEmail | RenderedInApp, text: Seeded) -> tuple[str, str]:
    """As HTML and as text. What frames a message in the app is the app's; here it has but a direction."""
    if isinstance(shown, RenderedEmail):
        return shown.html, f"{shown.subject}\n\n{shown.text}"
    html = _FRAME.format(dir=DIRECTIONS[text.locale], locale=text.locale, title=shown.title, message=shown.message)
    return html, f"{plain_text(shown.title)}\n{plain_text(shown.message)}"


def _window(html: str, width: int) -> Sequence[bytes]:
    return [web_picture(html, width)]


def _pictures(make: Callable[[], Sequence[bytes]], stem: Path) -> Sequence[Path | Note]:
    """One file a picture, numbered where there are several."""
    try:
        pictures = make()
    except PictureImpossible as error:
        return [Note(f"no picture of {stem.name}: {error}")]
    names = [f"{stem.name}.png"] if len(pictures) == 1 else [f"{stem.name}.{number}.png" for number in range(1, len(pictures) + 1)]
    return [_stored(name, picture, stem.parent) for name, picture in zip(names, pictures, strict=True)]


def _stored(name: str, content: bytes, out: Path) -> Path:
    (out / name).write_bytes(content)
    return out / name


def _told(template: str, locale: str, channel: str, made: Sequence[Path | Note]) -> Written:
    files = [each.as_posix() for each in made if isinstance(each, Path)]
    return Written(template, locale, channel, files, [each.text for each in made if isinstance(each, Note)])
