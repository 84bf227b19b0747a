"""The exam of a Store: conditional writes, one by one and side by side. Run on memory and on DynamoDB Local."""

import asyncio
from typing import Any

import pytest

from tests.support.store_exam import LISTED, NUMBERED, fresh, inserted, key_of, put, there, updated
from workers.adapters.dynamodb import DynamoStore
from workers.engine.ports import Absent, AttributeIs, Fate, Store, StoreMisconfigured, StoreUnavailable, VersionIs, Write

LARGE = "x" * (400 * 1024)


async def test_an_insert_makes_a_row_with_its_key(store: Store) -> None:
    for ref in (fresh(), fresh(LISTED, "a"), fresh(NUMBERED, "7")):
        (written,) = await store.write([inserted(ref, title="t")])
        assert written.fate is Fate.WRITTEN
        assert await there(store, ref) == {**key_of(ref), "_version": 1, "title": "t"}


async def test_a_second_insert_changes_nothing_and_brings_nothing_back(store: Store) -> None:
    ref = fresh()
    before = await put(store, ref, title="first")
    (written,) = await store.write([inserted(ref, title="second")])
    assert (written.fate, written.found) == (Fate.CONFLICT, None)
    assert await there(store, ref) == before


async def test_an_update_sets_what_changed_and_removes_what_is_gone(store: Store) -> None:
    ref = fresh()
    before = await put(store, ref, kept="k", changed=1, gone="g", nested={"a": 1, "b": [1]})
    after = {"_version": 2, "kept": "k", "changed": 2, "added": True, "nested": {"a": 1}}
    (written,) = await store.write([updated(ref, before, after, 1)])
    assert written.fate is Fate.WRITTEN
    assert await there(store, ref) == {**key_of(ref), **after}


async def test_an_update_of_an_older_version_is_refused_and_brings_the_row_back(store: Store) -> None:
    ref = fresh()
    before = await put(store, ref, title="old")
    await store.write([updated(ref, before, {**before, "_version": 2, "title": "new"}, 1)])
    (written,) = await store.write([updated(ref, before, {**before, "_version": 2, "title": "late"}, 1)])
    assert written.fate is Fate.CONFLICT
    assert written.found == {**key_of(ref), "_version": 2, "title": "new"} == await there(store, ref)


async def test_an_update_of_an_absent_row_makes_none(store: Store) -> None:
    ref = fresh()
    (written,) = await store.write([updated(ref, {"_version": 1}, {"_version": 2}, 1)])
    assert (written.fate, written.found) == (Fate.CONFLICT, None)
    assert await store.get([ref]) == {}


async def test_an_update_that_changes_nothing_still_holds_its_condition(store: Store) -> None:
    ref = fresh()
    row = await put(store, ref, title="t")
    (same,) = await store.write([updated(ref, row, row, 1)])
    (stale,) = await store.write([updated(ref, row, row, 7)])
    assert (same.fate, stale.fate) == (Fate.WRITTEN, Fate.CONFLICT)
    assert await there(store, ref) == row


async def test_a_delete_needs_its_version(store: Store) -> None:
    ref = fresh()
    row = await put(store, ref)
    (stale,) = await store.write([Write(ref, row, None, VersionIs(2))])
    assert (stale.fate, stale.found) == (Fate.CONFLICT, row)
    (written,) = await store.write([Write(ref, row, None, VersionIs(1))])
    assert written.fate is Fate.WRITTEN
    assert await store.get([ref]) == {}
    (again,) = await store.write([Write(ref, row, None, VersionIs(1))])
    assert again.fate is Fate.WRITTEN


async def test_a_delete_by_attribute(store: Store) -> None:
    ref = fresh()
    row = await put(store, ref, ownerId="me")
    (stranger,) = await store.write([Write(ref, None, None, AttributeIs("ownerId", "you"))])
    (missing,) = await store.write([Write(ref, None, None, AttributeIs("other", "me"))])
    assert [(each.fate, each.found) for each in (stranger, missing)] == [(Fate.CONFLICT, row)] * 2
    (written,) = await store.write([Write(ref, None, None, AttributeIs("ownerId", "me"))])
    assert written.fate is Fate.WRITTEN
    assert await store.get([ref]) == {}


async def test_of_many_writes_each_succeeds_or_fails_alone_and_answers_in_order(store: Store) -> None:
    refs = [fresh() for _ in range(25)]
    for ref in refs[::3]:
        await put(store, ref)
    fates = [written.fate for written in await store.write([inserted(ref) for ref in refs])]
    assert fates == [Fate.CONFLICT if i % 3 == 0 else Fate.WRITTEN for i in range(25)]
    assert len(await store.get(refs)) == 25


async def test_inserts_updates_and_deletes_travel_together(store: Store) -> None:
    new, changed, gone = fresh(), fresh(), fresh()
    row, old = await put(store, changed, n=1), await put(store, gone)
    results = await store.write([inserted(new), updated(changed, row, {"_version": 2, "n": 2}, 1), Write(gone, old, None, VersionIs(1))])
    assert [each.fate for each in results] == [Fate.WRITTEN] * 3
    assert {ref: item["_version"] for ref, item in (await store.get([new, changed, gone])).items()} == {new: 1, changed: 2}


async def test_more_than_25_writes_or_one_row_twice_is_a_bug_of_the_caller(store: Store) -> None:
    refs = [fresh() for _ in range(26)]
    with pytest.raises(ValueError):
        await store.write([inserted(ref) for ref in refs])
    with pytest.raises(ValueError):
        await store.write([inserted(refs[0]), inserted(refs[0])])
    assert await store.get(refs) == {}
    assert list(await store.write([])) == []


async def test_an_item_above_400_kb_is_invalid_and_hurts_nobody_else(store: Store) -> None:
    large, small, grown = fresh(), fresh(), fresh()
    row = await put(store, grown)
    results = await store.write([inserted(large, body=LARGE), inserted(small), updated(grown, row, {"_version": 2, "body": LARGE}, 1)])
    assert [each.fate for each in results] == [Fate.INVALID, Fate.WRITTEN, Fate.INVALID]
    assert set(await store.get([large, small, grown])) == {small, grown}
    assert await there(store, grown) == row


async def test_one_malformed_write_is_invalid_and_hurts_nobody_else(store: Store) -> None:
    good, bad, other = fresh(), fresh(), fresh()
    results = await store.write([inserted(good), inserted(bad, userId=""), inserted(other)])
    assert [each.fate for each in results] == [Fate.WRITTEN, Fate.INVALID, Fate.WRITTEN]
    assert set(await store.get([good, bad, other])) == {good, other}


async def test_an_empty_attribute_name_is_invalid_and_hurts_nobody_else(store: Store) -> None:
    good, bad = fresh(), fresh()
    results = await store.write([inserted(good), inserted(bad, names={"": 1})])
    assert [each.fate for each in results] == [Fate.WRITTEN, Fate.INVALID]
    assert (await store.transact([inserted(fresh()), inserted(fresh(), names={"": 1})], "token-of-the-malformed")).fate is Fate.INVALID


async def test_a_key_of_the_wrong_type_is_invalid(store: Store) -> None:
    (written,) = await store.write([inserted(fresh(), userId=7, createdAt="2026")])
    assert written.fate is Fate.INVALID


async def test_an_item_of_380_kb_is_stored(store: Store) -> None:
    ref = fresh()
    row = await put(store, ref, body="é" * (190 * 1024))
    assert len(row["body"]) == 190 * 1024


@pytest.mark.parametrize("value", [1.5, None, {"deep": [None]}, {1, 2}])
async def test_what_no_item_may_hold_is_an_error(store: Store, value: Any) -> None:
    ref = fresh()
    with pytest.raises(TypeError):
        await store.write([inserted(ref, value=value)])
    assert await store.get([ref]) == {}


async def test_of_racing_updates_of_one_version_one_wins(store: Store) -> None:
    ref = fresh()
    row = await put(store, ref, winner=-1)
    results = await asyncio.gather(*(store.write([updated(ref, row, {"_version": 2, "winner": i}, 1)]) for i in range(12)))
    won = [i for i, (written,) in enumerate(results) if written.fate is Fate.WRITTEN]
    assert [(await there(store, ref))["winner"]] == won


async def test_of_racing_inserts_one_wins(store: Store) -> None:
    ref = fresh()
    results = await asyncio.gather(*(store.write([Write(ref, None, {"winner": i}, Absent())]) for i in range(12)))
    assert sorted(written.fate.value for (written,) in results) == ["conflict"] * 11 + ["written"]


async def test_missing_tables_are_a_misconfiguration(tables: str, stack: Any) -> None:
    store = DynamoStore("absent", endpoint=stack.dynamodb, region="eu-central-1")
    ref = fresh()
    try:
        for work in (store.get([ref]), store.write([inserted(ref)]), store.query(LISTED, None, "d"), store.transact([inserted(ref)], "t")):
            with pytest.raises(StoreMisconfigured):
                await work
    finally:
        await store.close()


async def test_no_server_means_unavailable(tables: str) -> None:
    store = DynamoStore(tables, endpoint="http://127.0.0.1:9", region="eu-central-1")
    ref = fresh()
    try:
        for work in (store.get([ref]), store.write([inserted(ref)]), store.check(), store.transact([inserted(ref)], "t")):
            with pytest.raises(StoreUnavailable):
                await work
    finally:
        await store.close()


async def test_a_check_is_answered(store: Store) -> None:
    await store.check()
