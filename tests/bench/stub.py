"""A DynamoDB that answers at once and remembers nothing, in a process of its own: what is left is the worker's own cost.

``python -m tests.bench.stub`` prints its port and ends when its standard input does. Every row asked for is a seeded payee.
"""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import orjson

from tests.bench.stream import seeded_row
from workers.adapters.dynamodb_values import item_to_wire

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\n\r\n"
PREFIX = "PAYEE#"


class Stub(asyncio.Protocol):
    """HTTP/1.1 with Content-Length only, which is all that the thin transport sends."""

    def __init__(self) -> None:
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
            if len(self._buffer) < end + 4 + length:
                return
            body = self._buffer[end + 4 : end + 4 + length]
            self._buffer = self._buffer[end + 4 + length :]
            text = answer(head, body)
            self._transport.write(HEAD % len(text) + text)


def answer(head: bytes, body: bytes) -> bytes:
    if b".batchexecutestatement" in head:
        return b'{"Responses":[' + b",".join([b"{}"] * body.count(b'"Statement":')) + b"]}"
    if b".batchgetitem" in head:
        return orjson.dumps({"Responses": _rows(orjson.loads(body)["RequestItems"]), "UnprocessedKeys": {}})
    return b'{"Items":[],"Count":0}'


def _rows(asked: dict[str, dict[str, list[dict[str, dict[str, str]]]]]) -> dict[str, list[object]]:
    """Of other tables it has none."""
    keys = {name: [key["contractId"]["S"] for key in each["Keys"] if "contractId" in key] for name, each in asked.items()}
    return {name: [item_to_wire(seeded_row(key.removeprefix(PREFIX))) for key in each] for name, each in keys.items()}


@contextmanager
def running_stub() -> Iterator[str]:
    """Its address."""
    with subprocess.Popen([sys.executable, "-m", "tests.bench.stub"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        yield f"http://127.0.0.1:{int(child.stdout.readline())}"
        child.stdin.close()


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Stub, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
