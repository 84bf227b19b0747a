"""The text of our own PDFs, page by page, as a reader's search would find it: through each font's ToUnicode table.

Reads what cairo writes (compressed streams, object streams), not PDF at large.
"""

import re
import unicodedata
import zlib
from collections.abc import Iterator, Mapping

_STREAM = re.compile(rb"(\d+) 0 obj\s*<<((?:(?!endobj).)*?)>>\s*stream\r?\n(.*?)\r?\nendstream", re.DOTALL)
_OBJECT = re.compile(rb"(\d+) 0 obj\s*(.*?)\s*(?:stream\r?\n|endobj)", re.DOTALL)
_SHOWN = re.compile(rb"/(f-\d+-\d+) \S+ Tf|<([0-9a-f]+)>|\(((?:\\.|[^\\)])*)\)|\b(ET)\b", re.DOTALL)
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|.)", re.DOTALL)
_CONTROLS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def pages(pdf: bytes) -> list[str]:
    """Each page's runs of text, one a line, in the order they were drawn; Arabic as it is read (see ``arabic``)."""
    streams = {int(number): _inflated(content) for number, _, content in _STREAM.findall(pdf)}
    objects = dict(_objects(pdf, streams))
    fonts = {name: _characters(int(target), objects, streams) for name, target in re.findall(rb"/(f-\d+-\d+) (\d+) 0 R", _all(objects))}
    kids = next(found[1] for body in objects.values() if (found := re.search(rb"/Kids \[(.*?)\]", body, re.DOTALL)))
    contents = [_number(rb"/Contents (\d+) 0 R", objects[int(kid)]) for kid in re.findall(rb"(\d+) 0 R", kids)]
    return ["\n".join(_runs(streams[content], fonts)) for content in contents]


def arabic(page: str) -> str:
    """Glyphs were drawn from left to right: turned around, letters in place of their shapes."""
    return "\n".join(unicodedata.normalize("NFKC", line[::-1]) for line in page.split("\n"))


def opened(pdf: bytes) -> bytes:
    """The file with its compressed streams opened."""
    return pdf + b"".join(_inflated(content) for _, _, content in _STREAM.findall(pdf))


def _inflated(content: bytes) -> bytes:
    try:
        return zlib.decompress(content)
    except zlib.error:
        return b""


def _objects(pdf: bytes, streams: Mapping[int, bytes]) -> Iterator[tuple[int, bytes]]:
    for number, head in _OBJECT.findall(pdf):
        yield int(number), head
        if b"/ObjStm" in head:
            packed, first = streams[int(number)], _number(rb"/First (\d+)", head)
            places = [int(each) for each in packed[:first].split()]
            starts = [*places[1::2], len(packed) - first]
            for index, inner in enumerate(places[::2]):
                yield inner, packed[first + starts[index] : first + starts[index + 1]]


def _all(objects: Mapping[int, bytes]) -> bytes:
    return b"\n".join(objects.values())


def _number(pattern: bytes, body: bytes) -> int:
    found = re.search(pattern, body)
    assert found, (pattern, body)
    return int(found[1])


def _characters(font: int, objects: Mapping[int, bytes], streams: Mapping[int, bytes]) -> tuple[int, Mapping[int, str]]:
    """Bytes of a code, and the text of each code."""
    table = streams[_number(rb"/ToUnicode (\d+) 0 R", objects[font])]
    width = len(re.findall(rb"begincodespacerange\s+<([0-9a-f]+)>", table)[0]) // 2
    pairs = re.findall(rb"<(\w+)> <(\w+)>\n", table.partition(b"endcodespacerange")[2])
    texts = {int(code, 16): bytes.fromhex(text.decode()).decode("utf-16-be") for code, text in pairs}
    return width, texts


def _runs(content: bytes, fonts: Mapping[bytes, tuple[int, Mapping[int, str]]]) -> Iterator[str]:
    run, width, texts = "", 1, dict[int, str]()
    for font, coded, literal, end in _SHOWN.findall(content):
        if font:
            width, texts = fonts[font][0], dict(fonts[font][1])
        elif end:
            yield run
            run = ""
        else:
            codes = bytes.fromhex(coded.decode()) if coded else _ESCAPE.sub(_unescaped, literal)
            run += "".join(texts.get(int.from_bytes(codes[at : at + width], "big"), "\ufffd") for at in range(0, len(codes), width))


def _unescaped(found: re.Match[bytes]) -> bytes:
    code = found[1]
    return bytes([int(code, 8)]) if code[:1].isdigit() else _CONTROLS.get(code, code)
