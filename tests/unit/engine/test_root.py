"""The books of a root, and its verdicts as they rest on it."""

import zlib
from dataclasses import replace
from uuid import uuid4

import orjson
import pytest

from contracts.envelope import Envelope, ReceiptTicket, text_headers
from contracts.position import Origin, Position
from contracts.types import CommandId, Timestamp
from workers.engine.outcome import COMPRESS_ABOVE, Outcome, Said
from workers.engine.root import Root, exists, plain

HERE, ELSEWHERE = Origin("AbCdEf/3"), Origin("GhIjKl/3")
AT = Timestamp("2026-01-31T09:30:00.000Z")
SHORT = Outcome(HERE, 7, CommandId("c"), "k", "public", AT, (Said("E", "m.E.v1", b"{}"),), 2)
GOLDEN = b'\x00["AbCdEf/3",7,"c","k","public","2026-01-31T09:30:00.000Z",2,0,false,[["E","m.E.v1","{}",true]],null]'


def outcome(offset: int, origin: Origin = HERE) -> Outcome:
    return SHORT._replace(offset=offset, origin=origin)


def test_an_outcome_rests_in_the_same_bytes_for_good() -> None:
    assert SHORT.pack() == GOLDEN
    assert Outcome.unpack(GOLDEN) == SHORT


@pytest.mark.parametrize("receipt", [None, ReceiptTicket("client", "hash", "kind")])
@pytest.mark.parametrize("body", ["{}", '{"name":"é' + "x" * 1000 + '"}'])
def test_an_outcome_comes_back_whole_but_for_what_is_not_stored(body: str, receipt: ReceiptTicket | None) -> None:
    said = (Said("Refused", "m.Refused.v1", body.encode(), sequenced=False), Said("E", "m.E.v1", body.encode()))
    full = SHORT._replace(said=said, first=3, late=True, receipt=receipt)
    packed = full._replace(traceparent="00-trace", received=99).pack()
    assert Outcome.unpack(packed) == full
    text = zlib.decompress(packed[1:]) if packed[0] else packed[1:]
    assert packed[0] == (len(text) > COMPRESS_ABOVE)
    assert orjson.loads(text)[1] == 7


def test_messages_say_where_they_come_from_and_the_same_each_time() -> None:
    command = CommandId(str(uuid4()))
    said = (Said("A", "m.A.v1", b"{}"), Said("B", "m.B.v1", b"[]", sequenced=False))
    full = SHORT._replace(command=command, said=said, version=5, first=2, late=True)
    first, second = full.messages("key", "/source", 4)
    assert (first.key, first.value, second.value) == (b"key", b"{}", b"[]")
    envelope = Envelope.from_headers(text_headers(first.headers))
    assert (envelope.sequence, envelope.settled, envelope.late, envelope.causation_id) == ("0000000005.0002", 4, True, command)
    assert str(envelope.position) == "AbCdEf/3/7"
    assert Envelope.from_headers(text_headers(second.headers)).sequence is None
    again = list(Outcome.unpack(full.pack()).messages("key", "/source", 4))
    assert again == [first, second]


def test_owed_is_what_is_not_known_published() -> None:
    root = Root(outcomes=(outcome(3), outcome(5), outcome(9), outcome(1, ELSEWHERE)))
    assert [each.offset for each in root.owed(HERE, 5)] == [5, 9, 1]
    assert [each.offset for each in root.owed(HERE, 10)] == [1]
    assert [each.offset for each in root.owed(ELSEWHERE, 2)] == [3, 5, 9]
    assert len(replace(root, hold=Position(HERE, 9)).owed(HERE, 10)) == 4


def test_books_rest_under_underscores_and_come_back() -> None:
    root = Root(version=4, seen={HERE: 9}, recent=b"12345678", outcomes=(SHORT,), hold=Position(HERE, 12))
    attributes = root.attributes()
    assert all(name.startswith("_") for name in attributes)
    assert Root.of({"id": "x", **attributes}) == root
    assert Root.of({}) == Root()
    assert set(Root(version=1, seen={HERE: 1}).attributes()) == {"_version", "_seen"}


def test_what_a_reader_sees_of_a_root() -> None:
    item = {"id": "x", "createdAt": AT, "_version": 3, "_seen": {}}
    assert plain(item) == {"id": "x", "createdAt": AT}
    assert exists(item)
    assert not exists({"id": "x", "_version": 1})


def test_what_was_seen_stays_seen() -> None:
    root = Root().noted(HERE, 24).noted(HERE, 3).noted(ELSEWHERE, 1)
    assert (root.seen[HERE], root.seen[ELSEWHERE]) == (24, 1)
