"""A visitor is erased: events deleted, visits emptied, both counted; who never visited is answered too."""

from random import Random
from typing import Any

import pytest

from contracts.analytics import EraseVisit, EraseVisitor, RecordVisitorErased, VisitId, VisitorErased, VisitorErasureRequested
from contracts.auth import ErasureRequested
from contracts.ids import derived, effect_id
from contracts.message import CommandData
from contracts.types import ClientId, ContractorId, UserId
from schemas.analytics import EVENTS, SESSIONS
from tests.support.oracle import START
from tests.support.reacting import event_of, sent_on
from tests.support.service_story import ADMIN, USER, ServiceStory, digest, sealed
from tests.support.under_faults import assert_ends_as_without_faults, numbered
from workers.adapters.visit_records import StoredVisits
from workers.engine.decision import UNCHANGED, Item, ItemRef, Refused
from workers.engine.memory import MemoryStore
from workers.engine.ports import Fate, StoreUnavailable, Write, Written
from workers.engine.service import Call, Done, Result, Retryable, Send
from workers.services.analytics.ports import MOST_VISITS, Purged, VisitRecords
from workers.services.analytics.service import SERVICE
from workers.services.analytics.visit import VISITS
from workers.services.analytics.visitor import VISITORS

OTHER = UserId("22222222-2222-4222-8222-222222222222")
OWNER, SYSTEM = f"company:{USER}", "system:analytics"
ERASING = EraseVisitor(user_id=USER)


def visit_id(number: int) -> VisitId:
    return VisitId(derived(f"visit {number}"))


def found(visits: int, events: int) -> RecordVisitorErased:
    return RecordVisitorErased(user_id=USER, visits=visits, events=events)


def visit(number: int, user: str = USER) -> Item:
    """As tracking will leave it."""
    return {
        "id": visit_id(number),
        "userId": user,
        "startTime": START,
        "endTime": START,
        "duration": 40,
        "pageViews": 3,
        "referrer": "search.example",
        "userAgent": "Firefox on Linux",
        "ipAddress": digest("203.0.113.7"),
        "country": "EG",
        "device": "desktop",
        "expiresAt": 1_800_000_000,
        "startDay": "2026-01-31#2",
        "createdAt": START,
        "updatedAt": START,
        "createdBy": derived("tracking"),
        "_version": 1,
    }


class Story(ServiceStory):
    service, actor = SERVICE, SYSTEM


def test_the_counts_of_what_was_found_are_told() -> None:
    story = Story()
    story.send(ERASING)
    assert story.last == VisitorErasureRequested(user_id=USER)
    story.send(found(2, 17))
    assert story.last == VisitorErased(user_id=USER, visits=2, events=17)
    for command in (ERASING, found(2, 17)):
        assert story.send(command) == UNCHANGED


def test_who_never_visited_is_answered_all_the_same() -> None:
    story = Story()
    story.send(ERASING)
    story.send(found(0, 0))
    assert story.last == VisitorErased(user_id=USER, visits=0, events=0)


def test_a_full_pass_is_followed_by_another() -> None:
    story = Story()
    story.send(ERASING)
    story.send(found(MOST_VISITS, 900))
    assert story.oracle.emitted() == [VisitorErasureRequested(user_id=USER)] * 2
    story.send(found(1, 2))
    assert story.last == VisitorErased(user_id=USER, visits=MOST_VISITS + 1, events=902)


def test_the_tombstone_is_listed_among_no_visits() -> None:
    story = Story()
    story.send(ERASING)
    item = story.oracle.items[VISITORS.root(USER)]
    assert {index.key.hash.name for index in SESSIONS.indexes}.isdisjoint(item)
    assert SESSIONS.ttl not in item


def test_an_emptied_visit_keeps_its_ttl_and_nothing_else() -> None:
    story = Story()
    story.oracle.items[VISITS.root(visit_id(1))] = visit(1)
    story.assert_moved_once(EraseVisit(session_id=visit_id(1)), SYSTEM)
    left = story.oracle.items[VISITS.root(visit_id(1))]
    assert left.keys() == {"id", "expiresAt", "erased", "createdBy", "createdAt", "updatedAt"}
    assert left["expiresAt"] == 1_800_000_000


def test_the_refusals() -> None:
    for command in (ERASING, found(0, 0), EraseVisit(session_id=visit_id(1))):
        assert Story().send(command, OWNER) == Refused("forbidden")
    assert Story().send(found(0, 0), ADMIN) == Refused("not_found")
    assert Story().send(EraseVisit(session_id=visit_id(1))) == Refused("not_found")


def test_a_wish_to_be_erased_leads_to_the_visitor() -> None:
    wish = ErasureRequested(
        user_id=USER, company_id=ClientId(derived("company")), contractor_id=ContractorId(derived("c")), email_hash=digest("a")
    )
    assert sent_on(SERVICE, wish) == [Send(ERASING)]


# --- the purge -----------------------------------------------------------------------------------------------------


def filled(visits: int = 3, events: int = 30) -> MemoryStore:
    """Visits of the person and one of somebody else, with events each."""
    store = MemoryStore()
    for number in range(visits + 1):
        whose = USER if number < visits else OTHER
        store.items[ItemRef(SESSIONS.name, visit_id(number))] = visit(number, whose)
        for place in range(events):
            row = {"id": derived(f"{number} {place}"), "sessionId": visit_id(number), "timestamp": START, "userId": sealed("it's me")}
            store.items[ItemRef(EVENTS.name, row["id"])] = {**row, "_version": 1}
    return store


def kept(store: MemoryStore, table: str) -> list[Item]:
    return [item for ref, item in store.items.items() if ref.table == table]


async def purged(port: VisitRecords) -> Result:
    (effect,) = SERVICE.effects
    event = event_of(VisitorErasureRequested(user_id=USER))
    return await effect.run(Call(effect_id(event.id, "analytics.purge-visitor"), event, "test"), {}, port)


async def test_the_events_of_the_visits_go_and_the_visits_are_told_to_empty_themselves() -> None:
    store = filled()
    visits = [visit_id(number) for number in range(3)]
    answer = await purged(StoredVisits(store))
    assert answer == Done((*(EraseVisit(session_id=each) for each in visits), found(3, 90)))
    assert {row["sessionId"] for row in kept(store, EVENTS.name)} == {visit_id(3)}
    assert len(kept(store, SESSIONS.name)) == 4


async def test_a_repeat_deletes_nothing_more() -> None:
    store = filled()
    await purged(StoredVisits(store))
    assert await StoredVisits(store).purge(USER) == Purged([visit_id(number) for number in range(3)], 0)
    assert await StoredVisits(store).purge(UserId(derived("nobody"))) == Purged([], 0)


async def test_a_pass_takes_no_more_visits_than_its_row_can_hold() -> None:
    store = filled(MOST_VISITS + 5, events=1)
    assert await StoredVisits(store).purge(USER) == Purged([visit_id(number) for number in range(MOST_VISITS)], MOST_VISITS)


class Away(MemoryStore):
    """Answers no look; or takes no deletion."""

    def __init__(self, fate: Fate | None) -> None:
        super().__init__()
        self.items, self.fate = filled().items, fate

    async def query(self, *args: Any, **options: Any) -> Any:
        if self.fate is None:
            raise StoreUnavailable("throttled")
        return await super().query(*args, **options)

    async def write(self, writes: Any) -> list[Written]:
        assert self.fate is not None
        return [Written(self.fate) for write in writes if isinstance(write, Write)]


@pytest.mark.parametrize("fate", [None, Fate.BUSY, Fate.UNKNOWN])
async def test_while_the_store_is_away_it_is_tried_again(fate: Fate | None) -> None:
    answer = await purged(StoredVisits(Away(fate)))
    assert isinstance(answer, Retryable)
    assert answer.ours, "no provider is to blame"


STEPS: list[tuple[CommandData, str]] = [
    (ERASING, SYSTEM),
    (ERASING, OWNER),
    (found(MOST_VISITS, 4), SYSTEM),
    (found(3, 4), SYSTEM),
    (EraseVisit(session_id=visit_id(1)), SYSTEM),
]


@pytest.mark.parametrize("seed", range(5))
async def test_under_faults_it_ends_as_without(seed: int) -> None:
    await assert_ends_as_without_faults(SERVICE, numbered(Random(seed).choices(STEPS, k=30)), seed)
