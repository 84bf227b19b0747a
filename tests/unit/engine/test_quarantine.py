"""What is put aside may hold anything: it rests sealed, and nothing of it shows beside the seal."""

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.catalogue import InvalidRecord, decode
from contracts.position import Origin
from contracts.timestamps import from_milliseconds
from tests.support.process import QuickClock
from tests.support.raw_sealer import ReadableRaw, reopened
from workers.engine.decision import Item
from workers.engine.memory import MemoryStore
from workers.engine.metrics import NoMetrics
from workers.engine.ports import NoRawSealer, StoreMisconfigured
from workers.engine.quarantine import FAILURES, Quarantine, pack, unpack
from workers.engine.record import Partition, Record

USER = "11111111-1111-4111-8111-111111111111"
CANARY = "amina.farouk@nile-design.example"
NAME = "Amina Farouk"
ORIGIN = Origin("topic/0")
PARTS = st.none() | st.binary(max_size=40)


def record(key: str = USER, value: bytes = b"{}", headers: Sequence[tuple[str, bytes | None]] = ()) -> Record:
    return Record(Partition("mindlinks.user.commands", 0), 7, key.encode(), value, headers, 1_795_300_036_000)


async def put(given: Record, invalid: InvalidRecord, sealer: ReadableRaw | None = None) -> Item:
    store = MemoryStore()
    quarantine = Quarantine(store, sealer or ReadableRaw(), QuickClock(), NoMetrics(), Random(1))
    await quarantine.put("user-commands", ORIGIN, given, invalid)
    (row,) = [item for ref, item in store.items.items() if ref.table == FAILURES]
    return row


def headers(kind: str, **others: str) -> list[tuple[str, bytes | None]]:
    given = {"ce_id": USER, "ce_type": kind, "ce_source": "/x", "ce_specversion": "1.0", **others}
    return [(name, value.encode()) for name, value in given.items()]


PROFILE = "mindlinks.user.UpdateProfile.v1"
CLEAR = f'{{"userId": "{USER}", "firstName": "{NAME}"}}'.encode()
DRAFT = "mindlinks.contract.CreateContractDraft.v1"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (record(value=CLEAR, headers=headers(PROFILE)), "invalid_payload"),
        (record(value=f'"{NAME}" {CANARY}'.encode(), headers=headers(PROFILE)), "not_json"),
        (record(key=CANARY, value=f'{{"userId": "{USER}"}}'.encode(), headers=headers(PROFILE)), "key_mismatch"),
        (record(headers=headers(PROFILE, ce_subject=CANARY)), "key_mismatch"),
        (record(headers=headers(PROFILE, ce_time=CANARY)), "invalid_header"),
        (record(headers=headers(PROFILE, ce_time="2026-13-41T00:00:00.000Z")), "invalid_header"),
        (record(headers=headers(PROFILE, ce_position=CANARY)), "invalid_header"),
        (record(headers=headers(PROFILE, ce_settled=CANARY)), "invalid_header"),
        (record(headers=headers(CANARY)), "unknown_type"),
        (record(headers=headers(f"mindlinks.user.{NAME}.v1")), "unknown_type"),
        (record(value=f'{{"userId": "{CANARY}"}}'.encode(), headers=headers(PROFILE)), "invalid_payload"),
        (record(value=f'{{"contractId": "{USER}", "title": "{NAME}\\u0007"}}'.encode(), headers=headers(DRAFT)), "invalid_payload"),
        (record(value=f'{{"contractId": "{USER}", "startDate": "{NAME}"}}'.encode(), headers=headers(DRAFT)), "invalid_payload"),
        (record(value=f'{{"contractId": "{USER}", "variables": {{"{NAME}": "x"}}}}'.encode(), headers=headers(DRAFT)), "invalid_payload"),
    ],
)
async def test_a_refused_record_is_kept_sealed_and_its_cause_tells_no_value(given: Record, code: str) -> None:
    with pytest.raises(InvalidRecord) as refused:
        decode(given.key, given.value, given.headers, given.timestamp)
    assert refused.value.code == code
    row = await put(given, refused.value)
    assert all(canary not in repr(row) for canary in (CANARY, NAME, "2026-13-41"))
    assert all(canary not in repr(refused.value) for canary in (CANARY, NAME, "2026-13-41"))
    assert refused.value.__cause__ is None or NAME not in repr(refused.value.__cause__)
    assert unpack(reopened(str(row["record"]))) == (given.key, given.value, list(given.headers))


@pytest.mark.parametrize(
    ("key", "shown"),
    [(USER, USER), (f"PAYEE#{USER}", f"PAYEE#{USER}"), ("a" * 64, "a" * 64), (CANARY, "-"), (NAME, "-"), ("", "-")],
)
async def test_a_key_is_shown_where_it_is_one_of_ours(key: str, shown: str) -> None:
    assert (await put(record(key), InvalidRecord("x", "y")))["key"] == shown


class Counting(NoMetrics):
    counted = 0

    def count(self, name: str, value: int = 1, **tags: str) -> None:
        super().count(name, value, **tags)
        self.counted += value


async def test_what_people_know_is_not_counted_again() -> None:
    """A line's first record is put aside anew at each look."""
    metrics = Counting()
    quarantine = Quarantine(MemoryStore(), ReadableRaw(), QuickClock(), metrics, Random(1))
    for last_at in (4_000, 4_000, 5_000):
        await quarantine.put("user-commands", ORIGIN, record(), InvalidRecord("x", "y"), attempts=12, first_at=1_000, last_at=last_at)
    assert metrics.counted == 1


async def test_missing_keys_are_waited_for() -> None:
    sealer = ReadableRaw(away=3)
    row = await put(record(value=CLEAR), InvalidRecord("x", "y"), sealer)
    assert sealer.away == 0
    assert unpack(reopened(str(row["record"])))[1] == CLEAR


async def test_without_a_sealer_nothing_is_kept() -> None:
    with pytest.raises(StoreMisconfigured, match="nothing was given"):
        await NoRawSealer().seal(b"x")


@given(PARTS, PARTS, st.lists(st.tuples(st.text(max_size=10), PARTS), max_size=4))
def test_a_packed_record_comes_out_whole(key: bytes | None, value: bytes | None, given: list[tuple[str, bytes | None]]) -> None:
    assert unpack(pack(Record(Partition("t", 0), 0, key, value, given, 0))) == (key, value, given)


@pytest.mark.parametrize("decided", ["skipped", "discarded", "resent", "retried"])
@pytest.mark.parametrize(("tried_at", "state"), [(5_000, "open"), (4_000, None), (None, None)])
async def test_what_failed_again_after_people_decided_is_open_again(decided: str, tried_at: int | None, state: str | None) -> None:
    """``tried_at``: when it failed last; None for one that nobody could read, delivered once more."""
    store = MemoryStore()
    quarantine = Quarantine(store, ReadableRaw(), QuickClock(), NoMetrics(), Random(1))
    invalid = InvalidRecord("ValueError/kind/decide", "broken")
    await quarantine.put("user-commands", ORIGIN, record(), invalid, attempts=12, first_at=1_000, last_at=4_000)
    (ref,) = store.items
    store.items[ref] = {**store.items[ref], "state": decided}
    await quarantine.put("user-commands", ORIGIN, record(), invalid, attempts=12, first_at=4_500, last_at=tried_at)
    assert store.items[ref]["state"] == (state or decided)
    assert store.items[ref]["firstAt"] == from_milliseconds(1_000)
