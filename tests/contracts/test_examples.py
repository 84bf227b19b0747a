"""Every kind has an example that decodes and encodes back to the same bytes; each way a record can be wrong has its own code."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import orjson
import pytest

from contracts.catalogue import FUTURE_TOLERANCE, MAXIMUM_RECORD, Decoded, InvalidRecord, decode, kinds
from contracts.envelope import Envelope
from contracts.generate import EXAMPLES, example_path
from contracts.message import CommandData, Message
from contracts.timestamps import to_milliseconds
from contracts.types import Timestamp

COMMAND = "mindlinks.client.RegisterCompany.v1"
EVENT = "mindlinks.client.CompanyRegistered.v1"
Headers = tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True, slots=True)
class Raw:
    """A record as it lies in the log."""

    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp: int

    def decode(self) -> Decoded[Message]:
        return decode(self.key, self.value, self.headers, self.timestamp)

    def with_header(self, name: str, value: bytes | None) -> "Raw":
        """None takes the header away."""
        others = tuple(pair for pair in self.headers if pair[0] != name)
        return replace(self, headers=others if value is None else (*others, (name, value)))

    def with_data(self, **changes: Any) -> "Raw":
        """A change to None takes the field away."""
        data = {name: value for name, value in {**orjson.loads(self.value or b"{}"), **changes}.items() if value is not None}
        return replace(self, value=orjson.dumps(data))


def example(kind: str) -> dict[str, Any]:
    path = example_path(kind)
    assert path.is_file(), f"{kind} has no example: write {path.relative_to(EXAMPLES.parent)}"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def raw(kind: str) -> Raw:
    """The example of ``kind``; that of a kind all services share is told as this service's."""
    found = example(kind)
    headers = found["headers"] | {"ce_type": kind}
    pairs = tuple((name, value.encode()) for name, value in headers.items())
    return Raw(found["key"].encode(), orjson.dumps(found["data"]), pairs, to_milliseconds(Timestamp(headers["ce_time"])))


# --- what is right -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", kinds())
def test_the_example_decodes_and_encodes_back_to_the_same_bytes(kind: str) -> None:
    record = raw(kind)
    decoded = record.decode()
    assert type(decoded.data) is kinds()[kind]
    assert decoded.data.to_json() == record.value
    assert dict(decoded.envelope.headers()) == dict(record.headers)
    assert Envelope.from_headers({name: value.decode() for name, value in decoded.envelope.headers()}) == decoded.envelope


@pytest.mark.parametrize("kind", kinds())
def test_the_example_tells_its_own_kind_and_key(kind: str) -> None:
    found, model = example(kind), kinds()[kind]
    assert found.keys() == {"headers", "key", "data"}
    assert found["headers"]["ce_type"].rpartition(".v")[0].endswith(f".{model.__name__}")
    assert found["headers"]["ce_subject"] == found["key"]
    if issubclass(model, CommandData):
        assert {"ce_position", "ce_settled", "ce_sequence"}.isdisjoint(found["headers"])
    else:
        assert "ce_position" in found["headers"]


def test_no_example_is_left_over() -> None:
    wanted = {example_path(kind) for kind in kinds()}
    assert sorted(str(path) for path in set(EXAMPLES.glob("*/*")) - wanted) == []


GOLDEN = (
    b'{"companyId":"8b004f1b-fe53-57db-b5a9-f8ae6d8a59ae","userId":"11111111-1111-4111-8111-111111111111",'
    b'"legalName":"s1.subject.11111111-1111-4111-8111-111111111111.1.TmlsZSBEZXNpZ24",'
    b'"nameLegal":"s1.legal.11111111-1111-4111-8111-111111111111.1.TmlsZSBEZXNpZ24","country":"EG"}'
)
GOLDEN_HEADERS = [
    ("ce_specversion", b"1.0"),
    ("ce_id", b"f80378e5-2cdc-5fae-8b3c-949b9a4fd8ad"),
    ("ce_type", COMMAND.encode()),
    ("ce_source", b"/mindlinks/ingress/api"),
    ("ce_subject", b"8b004f1b-fe53-57db-b5a9-f8ae6d8a59ae"),
    ("ce_time", b"2026-01-31T09:30:00.000Z"),
    ("ce_correlationid", b"77777777-7777-4777-8777-777777777777"),
    ("ce_causationid", b"f80378e5-2cdc-5fae-8b3c-949b9a4fd8ad"),
    ("ce_actor", b"company:11111111-1111-4111-8111-111111111111"),
    ("content-type", b"application/json"),
    ("ce_receipt", b"1"),
    ("ce_client", b"upstream"),
    ("ce_bodyhash", b"00"),
]


def test_golden_bytes_both_ways() -> None:
    """The format written out by hand: what is in the log today must be read and written so for good."""
    decoded = decode(
        b"8b004f1b-fe53-57db-b5a9-f8ae6d8a59ae", GOLDEN, GOLDEN_HEADERS, to_milliseconds(Timestamp("2026-01-31T09:30:00.000Z"))
    )
    assert decoded.data.to_json() == GOLDEN
    assert decoded.envelope.headers() == GOLDEN_HEADERS


def test_a_reader_is_tolerant() -> None:
    record = raw(COMMAND)
    newer = record.with_data(fieldOfTomorrow=1).with_header("x-foreign", b"\xff")
    assert newer.decode() == record.decode()


def test_only_the_id_and_the_kind_must_be_there() -> None:
    record = raw(COMMAND)
    bare = replace(record, headers=tuple(pair for pair in record.headers if pair[0] in ("ce_id", "ce_type")))
    envelope = bare.decode().envelope
    assert (envelope.actor, envelope.correlation_id, envelope.causation_id) == ("public", envelope.id, envelope.id)
    assert envelope.subject == example(COMMAND)["key"]


# --- each way to be wrong ------------------------------------------------------------------------------------------

OTHER_ID = "22222222-2222-4222-8222-222222222222"
WRONG: dict[str, tuple[str, Callable[[Raw], Raw]]] = {
    "no key": ("missing_key", lambda r: replace(r, key=None)),
    "an empty key": ("missing_key", lambda r: replace(r, key=b"")),
    "no type": ("missing_type", lambda r: r.with_header("ce_type", None)),
    "an empty type": ("missing_type", lambda r: r.with_header("ce_type", b"")),
    "a type nobody declared": ("unknown_type", lambda r: r.with_header("ce_type", b"mindlinks.client.RegisterCorporation.v1")),
    "a type that is no kind": ("unknown_type", lambda r: r.with_header("ce_type", b"RegisterCompany")),
    "another service's command": ("unknown_type", lambda r: r.with_header("ce_type", b"mindlinks.lead.RegisterCompany.v1")),
    "a later version": ("unknown_version", lambda r: r.with_header("ce_type", b"mindlinks.client.RegisterCompany.v2")),
    "a key that is not UTF-8": ("not_utf8", lambda r: replace(r, key=b"\xff")),
    "a header that is not UTF-8": ("not_utf8", lambda r: r.with_header("ce_actor", b"\xff")),
    "a value that is not UTF-8": ("not_utf8", lambda r: replace(r, value=b'{"country":"\xff"}')),
    "no value": ("not_json", lambda r: replace(r, value=None)),
    "an empty value": ("not_json", lambda r: replace(r, value=b"")),
    "half a value": ("not_json", lambda r: replace(r, value=(r.value or b"")[:40])),
    "a list": ("invalid_payload", lambda r: replace(r, value=b"[]")),
    "a field missing": ("invalid_payload", lambda r: r.with_data(country=None)),
    "a field of another type": ("invalid_payload", lambda r: r.with_data(country=7)),
    "a field out of bounds": ("invalid_payload", lambda r: r.with_data(companyNumber="9" * 41)),
    "a clear text where a sealed one belongs": ("invalid_payload", lambda r: r.with_data(legalName="Nile Design LLC")),
    "a text sealed for another purpose": ("invalid_payload", lambda r: r.with_data(nameLegal=example(COMMAND)["data"]["legalName"])),
    "too many bytes": ("too_large", lambda r: r.with_data(padding="x" * MAXIMUM_RECORD)),
    "too many bytes of headers": ("too_large", lambda r: r.with_header("x-foreign", b"x" * MAXIMUM_RECORD)),
    "a time ahead of the log": ("future_time", lambda r: replace(r, timestamp=r.timestamp - FUTURE_TOLERANCE - 1)),
    "a subject that is not the key": ("key_mismatch", lambda r: r.with_header("ce_subject", OTHER_ID.encode())),
    "data about another key": ("key_mismatch", lambda r: r.with_data(companyId=OTHER_ID)),
    "no id": ("missing_header", lambda r: r.with_header("ce_id", None)),
    "a time that is none": ("invalid_header", lambda r: r.with_header("ce_time", b"yesterday")),
    "a header as long as a record": ("invalid_header", lambda r: r.with_header("ce_correlationid", b"c" * 513)),
    "a position that is none": ("invalid_header", lambda r: r.with_header("ce_position", b"41")),
    "a settled offset that is none": ("invalid_header", lambda r: r.with_header("ce_settled", b"all")),
}


@pytest.mark.parametrize(("code", "spoil"), WRONG.values(), ids=WRONG.keys())
def test_each_way_to_be_wrong_has_its_code(code: str, spoil: Callable[[Raw], Raw]) -> None:
    with pytest.raises(InvalidRecord) as raised:
        spoil(raw(COMMAND)).decode()
    assert raised.value.code == code
    assert raised.value.detail


def test_every_code_is_shown() -> None:
    codes = "missing_key missing_type unknown_type unknown_version not_utf8 not_json invalid_payload too_large future_time key_mismatch"
    assert {code for code, _ in WRONG.values()} == {*codes.split(), "missing_header", "invalid_header"}


SECRET = "Amira Hassan"


@pytest.mark.parametrize("shape", [[SECRET], {SECRET: SECRET}], ids=["list", "map"])
@pytest.mark.parametrize("kind", kinds())
def test_nothing_of_the_value_is_told_when_it_is_wrong(kind: str, shape: object) -> None:
    """Details end up in logs and on the failures list; values may be a person's."""
    spoilt = orjson.dumps(dict.fromkeys(example(kind)["data"], shape))
    with pytest.raises(InvalidRecord) as raised:
        replace(raw(kind), value=spoilt).decode()
    assert SECRET not in raised.value.detail


@pytest.mark.parametrize("field", sorted(example(COMMAND)["data"].keys() - {"companyNumber"}))
def test_a_text_in_the_wrong_place_is_not_told(field: str) -> None:
    with pytest.raises(InvalidRecord) as raised:
        raw(COMMAND).with_data(**{field: SECRET}).decode()
    assert SECRET not in raised.value.detail


def test_a_record_at_the_edges_is_right() -> None:
    record = raw(COMMAND)
    assert replace(record, timestamp=record.timestamp - FUTURE_TOLERANCE).decode() == record.decode()
    size = len(record.key or b"") + len(record.value or b"") + sum(len(name) + len(value or b"") for name, value in record.headers)
    padded = record.with_header("x-foreign", b"x" * (MAXIMUM_RECORD - size - len("x-foreign")))
    assert padded.decode() == record.decode()
    with pytest.raises(InvalidRecord, match="too_large"):
        padded.with_header("y", b"").decode()
