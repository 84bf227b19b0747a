"""What a dry run shows of people: nothing that can be read; and the overlay it runs on."""

import json
from uuid import uuid4

from contracts.sealed import VALUE
from contracts.types import Purpose
from tests.support.keys import sealer
from workers.engine.decision import ItemRef
from workers.engine.memory import MemoryStore
from workers.engine.ports import Absent, Fate, VersionIs, Write
from workers.ops.replay.differences import differences, masked
from workers.ops.replay.overlay import OverlayStore

TABLE = "notification-notifications"


async def test_personal_values_are_masked_and_still_seen_to_change() -> None:
    user = str(uuid4())
    sealed = [await sealer().seal(Purpose.SUBJECT, user, VALUE, name) for name in ("Amira", "Basma")]
    one, other = masked(sealed[0]), masked(sealed[1])
    assert one != other == masked(sealed[1])
    shown = json.dumps(
        [
            masked({"emailHash": "ab" * 32, "note": "mail to amira@example.org", "to": sealed}),
            masked("$2b$12$" + "a" * 53, "passwordHash"),
            masked(b"raw"),
        ]
    )
    assert "amira@" not in shown
    assert "ab" * 32 not in shown
    assert "$2b$" not in shown
    assert not any(each in shown for each in sealed)
    assert user not in shown
    assert masked(7) == 7


async def test_differences_are_by_key_without_bookkeeping_or_what_stays() -> None:
    live, ref, gone = MemoryStore(), ItemRef(TABLE, "TOY#1"), ItemRef(TABLE, "CLAIM#1")
    live.items[ref] = {"id": "TOY#1", "createdAt": "a", "total": 1, "_version": 1}
    live.items[gone] = {"id": "CLAIM#1", "createdAt": "a"}
    store = OverlayStore(live)
    await store.put({ref: {"id": "TOY#1", "createdAt": "a", "total": 2, "_version": 2}, gone: None})
    ((key, rows),) = differences(store, {ref: "k", gone: "k"})
    assert key == "k"
    assert [(row.row, dict(row.changes)) for row in rows] == [
        ("TOY#1", {"total": (1, 2)}),
        ("CLAIM#1", {"id": ("CLAIM#1", None), "createdAt": ("a", None)}),
    ]
    await store.put({ref: live.items[ref], gone: live.items[gone]})
    assert list(differences(store, {ref: "k", gone: "k"})) == []


async def test_the_overlay_shows_its_writes_over_live_rows_and_leaves_those_alone() -> None:
    live = MemoryStore()
    kept, changed, made = (ItemRef("platform-timers", f"t{n}") for n in range(3))
    for ref in (kept, changed):
        live.items[ref] = {"timerId": ref.key, "dueBucket": "b", "dueAt": ref.key, "_version": 1}
    before = dict(live.items)
    store = OverlayStore(live)
    writes = [
        Write(changed, live.items[changed], {"dueBucket": "elsewhere", "dueAt": "9", "_version": 2}, VersionIs(1)),
        Write(made, None, {"dueBucket": "b", "dueAt": "0", "_version": 1}, Absent()),
    ]
    assert [written.fate for written in await store.write(writes)] == [Fate.WRITTEN, Fate.WRITTEN]
    assert [written.fate for written in await store.write(writes)] == [Fate.CONFLICT, Fate.CONFLICT]
    page = await store.query("platform-timers", "due-index", "b")
    assert [item["timerId"] for item in page.items] == ["t2", "t0"]
    store.forget()
    assert (await store.get([changed]))[changed]["dueBucket"] == "elsewhere"
    assert live.items == before
