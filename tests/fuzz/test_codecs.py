"""What is written is read back as it was: headers, outcomes, a root's books, ledger and parked rows, items, sealed texts, receipts."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.clear import Clear
from contracts.envelope import Envelope, ReceiptTicket, text_headers
from contracts.ids import derived
from contracts.platform import CommandRefused, CommandSettled, Settlement, TimerScheduled
from contracts.position import LONGEST_OFFSET, Origin, Position
from contracts.replay import Replay
from contracts.sealed import VALUE, FieldClass, SealedText, bank_number
from contracts.timestamps import from_milliseconds, to_milliseconds
from contracts.types import CommandId, EffectId, EventId, Purpose, Timestamp
from tests.contracts.test_examples import example
from tests.support.keys import sealer
from workers.adapters.dynamodb_values import item_from_wire, item_to_wire
from workers.engine.ledger import EffectState, LedgerRow, Stored
from workers.engine.once import Window
from workers.engine.outcome import Outcome, Said
from workers.engine.parking import Failure, ParkedRow
from workers.engine.receipts import receipt_change
from workers.engine.record import Partition, Record
from workers.engine.root import Root
from workers.engine.service import Event

FEW = settings(max_examples=60, deadline=None)
LATEST = 32_503_680_000_000
"""Milliseconds: the year 3000."""

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
words = texts.filter(bool)
ids = st.uuids().map(str)
offsets = st.integers(0, 10**LONGEST_OFFSET - 1)
counts = st.integers(0, 2**31)
milliseconds = st.integers(0, LATEST - 1)
instants = milliseconds.map(from_milliseconds)
origins = st.builds(lambda topic, partition: Origin(f"{topic}/{partition}"), ids, st.integers(0, 63))
positions = st.builds(Position, origins, offsets)
tickets = st.builds(ReceiptTicket, texts, texts, texts)
providers = st.sampled_from(["none", "all", "ses", "ses,stripe"])
told_replays = st.builds(Replay, ids, providers, st.none() | positions, st.none(), st.just(""))
replays = told_replays | st.builds(Replay, ids, providers, positions, st.none() | instants, texts)
values = st.dictionaries(texts, st.integers(-(2**53), 2**53) | texts | st.booleans() | st.none(), max_size=4).map(orjson.dumps)
envelopes = st.builds(
    Envelope,
    id=ids,
    kind=words,
    source=texts,
    subject=words,
    time=instants,
    correlation_id=words,
    causation_id=words,
    actor=words,
    traceparent=st.none() | texts,
    receipt=st.none() | tickets,
    sequence=st.none() | texts,
    position=st.none() | positions,
    settled=st.none() | offsets,
    late=st.booleans(),
    replay=st.none() | replays,
)
outcomes = st.builds(
    Outcome,
    origin=origins,
    offset=offsets,
    command=ids.map(CommandId),
    correlation=texts,
    actor=texts,
    at=instants,
    said=st.lists(st.builds(Said, texts, texts, values, st.booleans()), max_size=4).map(tuple),
    version=counts,
    first=counts,
    late=st.booleans(),
    receipt=st.none() | tickets,
    traceparent=st.none(),
    received=st.just(0),
    replay=st.none() | told_replays,
)


@FEW
@given(envelopes)
def test_headers(envelope: Envelope) -> None:
    assert Envelope.from_headers(text_headers(envelope.headers())) == envelope


@FEW
@given(milliseconds)
def test_instants(moment: int) -> None:
    written = from_milliseconds(moment)
    assert to_milliseconds(written) == moment
    assert len(written) == len("2026-01-31T09:30:00.000Z")


@FEW
@given(outcomes)
def test_outcomes(outcome: Outcome) -> None:
    assert Outcome.unpack(outcome.pack()) == outcome


@FEW
@given(
    st.builds(
        Root,
        version=counts,
        seen=st.dictionaries(origins, offsets, max_size=4),
        recent=st.integers(0, 16).flatmap(lambda many: st.binary(min_size=8 * many, max_size=8 * many)),
        outcomes=st.lists(outcomes, max_size=3).map(tuple),
        hold=st.none() | positions,
    )
)
def test_books_of_a_root(root: Root) -> None:
    assert Root.of(item_from_wire(item_to_wire(root.attributes()))) == root


@FEW
@given(
    st.builds(
        LedgerRow,
        effect=ids.map(EffectId),
        name=words,
        service=words,
        partition=counts,
        provider=words,
        envelope=envelopes,
        value=values,
        created_at=milliseconds,
        state=st.sampled_from(EffectState),
        tries=counts,
        first_try_at=milliseconds,
        due_at=milliseconds,
        reference=texts,
        reason=texts,
        results=st.lists(st.builds(Stored, texts, texts, texts, texts), max_size=3).map(tuple),
        version=counts,
    )
)
def test_rows_of_the_effect_ledger(row: LedgerRow) -> None:
    assert LedgerRow.of(item_from_wire(item_to_wire(row.to_item()))) == row


@FEW
@given(
    st.builds(
        ParkedRow,
        group=words,
        record=st.builds(
            Record,
            partition=st.builds(Partition, words, counts),
            offset=offsets,
            key=words.map(str.encode),
            value=values,
            headers=st.lists(st.tuples(words, st.binary(max_size=20)), max_size=4).map(tuple),
            timestamp=milliseconds,
        ),
        origin=origins,
        next_attempt_at=milliseconds,
        attempts=counts,
        quarantined=st.booleans(),
        failure=st.none() | st.builds(Failure, texts, texts, texts),
        first_at=milliseconds,
        last_at=milliseconds,
        version=counts,
    )
)
def test_parked_rows(row: ParkedRow) -> None:
    assert ParkedRow.of(row.group, item_from_wire(item_to_wire(row.to_item()))) == row


plain: st.SearchStrategy[Any] = st.recursive(
    texts | st.booleans() | st.integers(-(10**37), 10**37) | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)


@FEW
@given(st.dictionaries(texts, plain, max_size=4))
def test_items(item: dict[str, Any]) -> None:
    assert item_from_wire(orjson.loads(orjson.dumps(item_to_wire(item)))) == item


SEALER = sealer()
subjects = st.from_regex(r"[A-Za-z0-9:_-]{1,128}", fullmatch=True)


@FEW
@given(st.builds(SealedText, st.sampled_from(Purpose), subjects, st.integers(1, 999_999), st.binary(min_size=1, max_size=60)))
def test_sealed_texts(sealed: SealedText) -> None:
    assert SealedText.parse(str(sealed)) == sealed


@FEW
@given(st.sampled_from(Purpose), subjects, st.sampled_from([VALUE, bank_number("one")]), words)
async def test_sealing(purpose: Purpose, subject: str, field: FieldClass, text: str) -> None:
    assert await SEALER.open(await SEALER.seal(purpose, subject, field, text), field) == Clear(text)


@FEW
@given(envelopes, st.lists(ids.map(EventId), min_size=1, max_size=4), texts)
def test_receipts(envelope: Envelope, events: list[EventId], key: str) -> None:
    """Each event of a command adds its id once, whichever comes again; what rests is what was folded."""
    command = CommandId(derived("command"))
    settled = CommandSettled(command_id=command, outcome=Settlement.APPLIED)
    refused = CommandRefused(command_id=command, command_type="a", key="b", reason="forbidden")
    for data in (settled, refused):
        row: dict[str, Any] | None = None
        for event in (*events, *events):
            change = receipt_change(envelope, Event(event, "contract", key, Timestamp("2026-01-31T09:30:00.000Z"), "public", data))
            row = item_from_wire(item_to_wire(change.fold(row, "0")))
        assert row is not None
        assert row["eventIds"] == list(dict.fromkeys(events))
        assert row["state"] == ("applied" if data is settled else "refused")


@FEW
@given(st.lists(st.tuples(ids, positions, offsets), max_size=12), st.integers(0, 12))
def test_the_window_of_events_known(events: list[tuple[str, Position, int]], committed: int) -> None:
    """What a commit keeps is read again as it was written, whatever an event says of itself."""
    window = Window()
    for place, (event, position, settled) in enumerate(events):
        window.judge(Envelope(event, "k", "s", "k", Timestamp(""), event, event, "public", position=position, settled=settled), place)
    metadata = window.metadata(committed)
    assert Window(metadata).metadata(committed) == Window(Window(metadata).metadata(committed)).metadata(committed)


def test_a_timer_of_what_no_json_can_say_is_refused() -> None:
    said = example("mindlinks.contract.TimerScheduled.v1")["data"]

    assert TimerScheduled.model_validate(said)
    with pytest.raises(ValidationError):
        TimerScheduled.model_validate_json(orjson.dumps(said).replace(b'"data":{', b'"data":{"amount":NaN,'))
