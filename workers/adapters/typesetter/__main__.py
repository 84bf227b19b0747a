"""The typesetter's process: a document in on standard input, a PDF out on standard output, until the input ends.

Frames: four bytes of length, big-endian, then so many bytes. A request is one frame (JSON); an answer is two: JSON with ``pages`` or
``code``, and the PDF (empty after a failure).
"""

import json
import os
import struct
import sys
from typing import BinaryIO

from pydantic import TypeAdapter

from workers.adapters.typesetter import typeset
from workers.services.contract.ports import Document, RenderingError

_DOCUMENT: TypeAdapter[Document] = TypeAdapter(Document)


def answer(request: bytes) -> tuple[dict[str, object], bytes]:
    try:
        rendered = typeset(_DOCUMENT.validate_json(request))
    except RenderingError as error:
        return {"code": error.code}, b""
    return {"pages": rendered.pages}, rendered.content


def main() -> None:
    # The native library may print; only frames may go where the answers go.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    while (request := _read(sys.stdin.buffer)) is not None:
        said, content = answer(request)
        for frame in (json.dumps(said).encode(), content):
            answers.write(struct.pack(">I", len(frame)) + frame)
        answers.flush()


def _read(stream: BinaryIO) -> bytes | None:
    """None at the end: whoever asked is gone."""
    header = stream.read(4)
    return stream.read(struct.unpack(">I", header)[0]) if len(header) == 4 else None


if __name__ == "__main__":
    main()
