"""Pages as pictures, for people to look at. Nothing is loaded but our own fonts, so they look alike on every machine."""

from collections.abc import Sequence
from io import BytesIO
from typing import Final

import plutoprint

from workers.adapters.typesetter import FONTS, OwnFontsOnly, book_of
from workers.services.contract.ports import Document, RenderingError

_POINTS_PER_PIXEL: Final = 0.75
_SCALE: Final = 1.25
"""Pixels of a picture for one CSS pixel."""


class PictureImpossible(Exception):
    """Says why."""


def page_pictures(document: Document) -> Sequence[bytes]:
    """A PNG for each page of the PDF that the same document gives. Raises PictureImpossible."""
    try:
        book = book_of(document)
        return [_page(book, number) for number in range(book.get_page_count())]
    except (plutoprint.Error, RenderingError) as error:
        raise PictureImpossible(str(error) or type(error).__name__) from error


def web_picture(html: str, width: int) -> bytes:
    """A PNG of the page in a window of ``width`` CSS pixels, as high as it gets. Raises PictureImpossible."""
    size = plutoprint.PageSize(width * _POINTS_PER_PIXEL, width * _POINTS_PER_PIXEL)
    book = plutoprint.Book(size, plutoprint.PAGE_MARGINS_NONE, plutoprint.MEDIA_TYPE_SCREEN)
    book.custom_resource_fetcher = OwnFontsOnly()
    try:
        book.load_html(html.replace("</head>", f"<style>{_faces()}</style></head>", 1))
        stream = BytesIO()
        book.write_to_png_stream(stream, round(width * _SCALE))
    except plutoprint.Error as error:
        raise PictureImpossible(str(error) or type(error).__name__) from error
    return stream.getvalue()


def _page(book: plutoprint.Book, number: int) -> bytes:
    size = book.get_page_size_at(number)
    canvas = plutoprint.ImageCanvas(round(size.width / _POINTS_PER_PIXEL * _SCALE), round(size.height / _POINTS_PER_PIXEL * _SCALE))
    canvas.clear_surface(1, 1, 1, 1)
    canvas.scale(_SCALE, _SCALE)
    book.render_page(canvas, number)
    stream = BytesIO()
    canvas.write_to_png_stream(stream)
    return stream.getvalue()


def _faces() -> str:
    """Our fonts under names that a mail asks for: what a reader's machine has, this one may not."""
    names = {"Noto Sans": "Segoe UI", "Noto Sans Extended": "Roboto", "IBM Plex Sans Arabic": "Noto Sans Arabic"}
    faces = (f'font-family: "{names[font.family]}"; font-weight: {font.weight}; src: url("{font.url}");' for font in FONTS)
    return "".join(f"@font-face {{ {face} }}" for face in faces)
