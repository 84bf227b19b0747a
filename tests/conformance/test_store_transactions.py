"""The exam of a Store: all or nothing. Run on memory and on DynamoDB Local."""

import asyncio
from uuid import uuid4

import pytest

from tests.support.store_exam import LISTED, fresh, inserted, put, there, updated
from workers.engine.ports import Absent, AttributeIs, Fate, Store, Transacted, VersionIs, Write

LARGE = "x" * (400 * 1024)


def token() -> str:
    return uuid4().hex


def fates(answer: Transacted) -> list[Fate]:
    return [part.fate for part in answer.parts]


async def test_all_are_written(store: Store) -> None:
    new, changed, gone, released = fresh(), fresh(LISTED, "entry"), fresh(), fresh()
    row, old = await put(store, changed, n=1, extra="e"), await put(store, gone)
    await put(store, released, ownerId="me")
    answer = await store.transact(
        [
            inserted(new, title="t"),
            updated(changed, row, {"_version": 2, "n": 2}, 1),
            Write(gone, old, None, VersionIs(1)),
            Write(released, None, None, AttributeIs("ownerId", "me")),
        ],
        token(),
    )
    assert answer.fate is Fate.WRITTEN
    found = await store.get([new, changed, gone, released])
    assert set(found) == {new, changed}
    assert found[changed] == {"day": changed.key, "entry": "entry", "_version": 2, "n": 2}


async def test_one_refused_condition_stops_all_and_says_which(store: Store) -> None:
    free, taken, stale = fresh(), fresh(), fresh()
    owner = await put(store, taken, ownerId="you")
    row = await put(store, stale)
    writes = [
        inserted(free),
        Write(taken, None, {"ownerId": "me"}, Absent()),
        updated(stale, row, {"_version": 9}, 8),
        Write(taken.__class__(taken.table, taken.key + "x"), None, {"ownerId": "me"}, Absent()),
    ]
    answer = await store.transact(writes, token())
    assert answer.fate is Fate.CONFLICT
    assert fates(answer) == [Fate.WRITTEN, Fate.CONFLICT, Fate.CONFLICT, Fate.WRITTEN]
    assert answer.parts[2].found == row
    found = await store.get([write.ref for write in writes])
    assert found == {taken: owner, stale: row}


async def test_releasing_what_is_gone_stops_nothing(store: Store) -> None:
    ref = fresh()
    answer = await store.transact([inserted(ref), Write(fresh(), None, None, AttributeIs("ownerId", "me"))], token())
    assert answer.fate is Fate.WRITTEN
    assert set(await store.get([ref])) == {ref}


async def test_releasing_what_another_owns_stops_all(store: Store) -> None:
    ref, claim = fresh(), fresh()
    row = await put(store, claim, ownerId="you")
    answer = await store.transact([inserted(ref), Write(claim, None, None, AttributeIs("ownerId", "me"))], token())
    assert (answer.fate, fates(answer)) == (Fate.CONFLICT, [Fate.WRITTEN, Fate.CONFLICT])
    assert await store.get([ref, claim]) == {claim: row}


async def test_a_token_again_is_the_same_transaction(store: Store) -> None:
    ref, again = fresh(), token()
    writes = [inserted(ref, title="once"), inserted(fresh())]
    assert (await store.transact(writes, again)).fate is Fate.WRITTEN
    row = await there(store, ref)
    await store.write([updated(ref, row, {**row, "_version": 2, "title": "moved on"}, 1)])
    assert (await store.transact(writes, again)).fate is Fate.WRITTEN
    assert (await there(store, ref))["title"] == "moved on"


async def test_another_transaction_under_a_used_token_is_refused(store: Store) -> None:
    ref, other, again = fresh(), fresh(), token()
    assert (await store.transact([inserted(ref)], again)).fate is Fate.WRITTEN
    assert (await store.transact([inserted(other)], again)).fate is Fate.CONFLICT
    assert await store.get([other]) == {}


async def test_a_refused_transaction_may_be_tried_again_under_its_token(store: Store) -> None:
    ref, claim, again = fresh(), fresh(), token()
    row = await put(store, claim)
    writes = [inserted(ref), inserted(claim)]
    assert (await store.transact(writes, again)).fate is Fate.CONFLICT
    await store.write([Write(claim, row, None, VersionIs(1))])
    assert (await store.transact(writes, again)).fate is Fate.WRITTEN
    assert set(await store.get([ref, claim])) == {ref, claim}


async def test_an_item_above_400_kb_makes_it_invalid(store: Store) -> None:
    refs = [fresh(), fresh()]
    answer = await store.transact([inserted(refs[0]), inserted(refs[1], body=LARGE)], token())
    assert answer.fate is Fate.INVALID
    assert await store.get(refs) == {}


async def test_a_hundred_rows_and_no_more(store: Store) -> None:
    refs = [fresh() for _ in range(101)]
    with pytest.raises(ValueError):
        await store.transact([inserted(ref) for ref in refs], token())
    with pytest.raises(ValueError):
        await store.transact([inserted(refs[0]), inserted(refs[0])], token())
    assert await store.get(refs) == {}
    assert (await store.transact([inserted(ref) for ref in refs[:100]], token())).fate is Fate.WRITTEN
    assert len(await store.get(refs)) == 100


async def test_of_racing_transactions_for_one_claim_one_wins(store: Store) -> None:
    claim = fresh()
    roots = [fresh() for _ in range(8)]
    answers = await asyncio.gather(
        *(store.transact([inserted(root), Write(claim, None, {"by": root.key}, Absent())], token()) for root in roots)
    )
    won = [root for root, answer in zip(roots, answers, strict=True) if answer.fate is Fate.WRITTEN]
    assert [root.key for root in won] == [(await there(store, claim))["by"]]
    assert list(await store.get(roots)) == won
    assert {answer.fate for answer in answers} <= {Fate.WRITTEN, Fate.CONFLICT, Fate.BUSY}
