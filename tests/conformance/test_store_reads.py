"""The exam of a Store: reads, queries, values. Run on memory and on DynamoDB Local."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pytest

from tests.support.store_exam import LISTED, NUMBERED, TABLE, fresh, inserted, put, there, updated
from workers.engine.decision import Item, ItemRef
from workers.engine.ports import Store
from workers.ops.scanning import Scans

VALUES: Mapping[str, Any] = {
    "text": "text",
    "no text": "",
    "unicode": "naïve مرحبا 你好 \u200f\u202e \U0001f468\u200d\U0001f4bb \x00 \"'\\",
    "true": True,
    "false": False,
    "zero": 0,
    "money": -9_999_999_999_999_999,
    "63 bits": 2**63 - 1,
    "bytes": bytes(range(256)),
    "no bytes": b"",
    "map": {"a": 1, "b": {"c": [True, b"x", {"d": ""}]}},
    "empty map": {},
    "list": [1, "two", b"3", [], {}, [[[]]]],
    "empty list": [],
    "odd names": {"a.b": 1, "_c-d/0": 2, "ü": 3},
}


@pytest.mark.parametrize("name", VALUES)
async def test_a_value_comes_back_as_it_was(store: Store, name: str) -> None:
    ref = fresh()
    row = await put(store, ref, value=VALUES[name])
    assert row["value"] == VALUES[name]
    assert type(row["value"]) is type(VALUES[name])
    await store.write([updated(ref, row, {"_version": 2, "value": {"inside": VALUES[name]}}, 1)])
    assert (await there(store, ref))["value"] == {"inside": VALUES[name]}


async def test_true_and_one_are_not_taken_for_the_same(store: Store) -> None:
    ref = fresh()
    row = await put(store, ref, flag=1, count=True)
    await store.write([updated(ref, row, {"_version": 2, "flag": True, "count": 1}, 1)])
    found = await there(store, ref)
    assert (type(found["flag"]), type(found["count"])) == (bool, int)


async def test_attribute_names_of_any_kind(store: Store) -> None:
    ref = fresh()
    names = {"_seen": {"AbC/0": 1}, "status": "s", "with-hyphen": 1, "with space": 2, "a.b": 3}
    row = await put(store, ref, **names)
    await store.write([updated(ref, row, {"_version": 2, "with space": 5, "a.b": 6}, 1)])
    assert await there(store, ref) == {"id": ref.key, "_version": 2, "with space": 5, "a.b": 6}


async def test_what_the_caller_does_afterwards_reaches_no_row(store: Store) -> None:
    ref = fresh()
    inner: dict[str, Any] = {"list": [1]}
    await store.write([inserted(ref, value=inner)])
    inner["list"].append(2)
    assert (await there(store, ref))["value"] == {"list": [1]}


async def test_a_tuple_is_a_list(store: Store) -> None:
    assert (await put(store, fresh(), value=(1, ("a",))))["value"] == [1, ["a"]]


async def test_absent_rows_are_left_out_and_repeats_do_no_harm(store: Store) -> None:
    here, absent = fresh(), fresh()
    row = await put(store, here)
    assert await store.get([here, absent, here]) == {here: row}
    assert await store.get([]) == {}


async def test_more_rows_than_one_request_holds(store: Store) -> None:
    refs = [fresh(TABLE) if i % 2 else fresh(LISTED, f"{i:03d}") for i in range(250)]
    for start in range(0, 250, 25):
        await store.write([inserted(ref, n=start + i) for i, ref in enumerate(refs[start : start + 25])])
    found = await store.get(refs)
    assert [found[ref]["n"] for ref in refs] == list(range(250))


async def test_more_bytes_than_one_answer_holds(store: Store) -> None:
    refs = [fresh() for _ in range(50)]
    for ref in refs:
        await put(store, ref, body="x" * 350_000)
    assert len(await store.get(refs)) == 50


async def test_a_read_sees_the_write_before_it(store: Store) -> None:
    ref = fresh()
    row = await put(store, ref, n=0)
    for n in range(1, 30):
        await store.write([updated(ref, row, {"_version": n + 1, "n": n}, n)])
        row = await there(store, ref)
        assert row["n"] == n


# --- queries ---------------------------------------------------------------------------------------------------------


async def listed(store: Store, count: int) -> str:
    day = uuid4().hex
    for start in range(0, count, 25):
        refs = [ItemRef(LISTED, day, f"e{i:03d}") for i in range(start, min(start + 25, count))]
        await store.write([inserted(ref, n=int((ref.range or "")[1:])) for ref in refs])
    return day


async def walked(store: Store, table: str, index: str | None, value: str, **options: Any) -> tuple[list[Item], int]:
    """All pages, and how many there were."""
    items: list[Item] = []
    pages, start = 0, None
    while True:
        page = await store.query(table, index, value, start=start, **options)
        items += page.items
        pages, start = pages + 1, page.next
        if start is None:
            return items, pages


async def test_a_query_gives_rows_of_one_key_in_order(store: Store) -> None:
    day = await listed(store, 12)
    await listed(store, 3)
    page = await store.query(LISTED, None, day)
    assert [item["n"] for item in page.items] == list(range(12))
    assert page.next is None
    assert page.items[0] == {"day": day, "entry": "e000", "_version": 1, "n": 0}


async def test_a_query_backwards_and_up_to(store: Store) -> None:
    day = await listed(store, 12)
    up_to = await store.query(LISTED, None, day, up_to="e004")
    assert [item["n"] for item in up_to.items] == [0, 1, 2, 3, 4]
    backwards = await store.query(LISTED, None, day, up_to="e004zzz", descending=True, limit=3)
    assert [item["n"] for item in backwards.items] == [4, 3, 2]


@pytest.mark.parametrize("descending", [False, True])
async def test_pages_join_without_gap_or_repeat(store: Store, descending: bool) -> None:
    day = await listed(store, 23)
    items, pages = await walked(store, LISTED, None, day, limit=5, descending=descending)
    assert [item["n"] for item in items] == sorted(range(23), reverse=descending)
    assert pages >= 5


async def test_a_query_by_number(store: Store) -> None:
    subject = uuid4().hex
    await store.write([inserted(ItemRef(NUMBERED, subject, str(n))) for n in (2, 10, 1)])
    page = await store.query(NUMBERED, None, subject)
    assert [item["generation"] for item in page.items] == [1, 2, 10]
    page = await store.query(NUMBERED, None, subject, up_to="2", descending=True)
    assert [item["generation"] for item in page.items] == [2, 1]


async def test_an_index_shows_its_projection_alone_and_only_rows_that_belong(store: Store) -> None:
    user = uuid4().hex
    first, second, unlisted = fresh(), fresh(), fresh()
    await put(store, second, userId=user, createdAt="2026-01-02", title="two", secret="s")
    await put(store, first, userId=user, createdAt="2026-01-01", title="one", secret="s")
    await put(store, unlisted, userId=user)
    page = await store.query(TABLE, "userId-index", user)
    assert list(page.items) == [
        {"id": first.key, "userId": user, "createdAt": "2026-01-01", "title": "one"},
        {"id": second.key, "userId": user, "createdAt": "2026-01-02", "title": "two"},
    ]


async def test_an_index_of_keys_only(store: Store) -> None:
    ref, place = ItemRef("platform-effects", uuid4().hex), uuid4().hex
    row = await put(store, ref, openPartition=place, dueAt="2026", state="claimed")
    expected = {"effectId": ref.key, "openPartition": place, "dueAt": "2026"}
    assert list((await store.query("platform-effects", "open-index", place, up_to="2026")).items) == [expected]
    assert not (await store.query("platform-effects", "open-index", place, up_to="2025")).items
    await store.write([updated(ref, row, {"_version": 2, "state": "closed"}, 1)])
    assert not (await store.query("platform-effects", "open-index", place)).items


async def test_rows_of_one_time_are_all_paged_through(store: Store) -> None:
    user = uuid4().hex
    refs = [fresh() for _ in range(9)]
    await store.write([inserted(ref, userId=user, createdAt="2026-01-01") for ref in refs])
    items, _ = await walked(store, TABLE, "userId-index", user, limit=2)
    assert sorted(item["id"] for item in items) == sorted(ref.key for ref in refs)


async def test_nothing_found_is_an_empty_page(store: Store) -> None:
    page = await store.query(LISTED, None, uuid4().hex)
    assert (list(page.items), page.next) == ([], None)


async def test_an_undeclared_index_is_a_bug_of_the_caller(store: Store) -> None:
    with pytest.raises(KeyError):
        await store.query(TABLE, "title-index", "t")


async def test_a_whole_table_is_shown_page_by_page(store: Store) -> None:
    assert isinstance(store, Scans)
    refs = [fresh() for _ in range(205)]
    for start in range(0, len(refs), 25):
        await store.write([inserted(ref, value="x" * 8_000) for ref in refs[start : start + 25]])
    shown: list[str] = []
    page, pages = await store.scan(TABLE), 1
    while page.next is not None:
        shown += [item["id"] for item in page.items]
        page, pages = await store.scan(TABLE, start=page.next), pages + 1
    shown += [item["id"] for item in page.items]
    assert pages > 1
    assert {ref.key for ref in refs} <= set(shown)
    assert len(shown) == len(set(shown))
