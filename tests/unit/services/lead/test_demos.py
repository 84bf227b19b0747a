"""A demonstration is asked for, gets its appointment and its reminder, takes place or does not."""

from collections.abc import Callable

import pytest

from contracts.ids import derived
from contracts.lead import (
    CancelDemo,
    CompleteDemo,
    DemoCancelled,
    DemoCompleted,
    DemoReminderDue,
    DemoRequested,
    DemoScheduled,
    RequestDemo,
    ScheduleDemo,
    SendDemoReminder,
    SetDemoNotes,
)
from contracts.timestamps import plus, to_seconds
from contracts.types import CommandId, Locale, Timestamp
from schemas.lead import DEMO_REQUESTS
from tests.support.oracle import START
from tests.support.service_story import ADMIN, after, digest
from tests.unit.services.lead.story import (
    APPOINTMENT,
    CANCELLING,
    COMPLETING,
    DEMO,
    EMAIL,
    EMAIL_HASH,
    FIRM,
    NAME,
    PUBLIC,
    REQUESTING,
    SYSTEM,
    TIMERS,
    WISH,
    Story,
    mine,
    noting,
    scheduling,
)
from workers.engine.decision import UNCHANGED, Refused
from workers.services.lead.demo import DEMOS, Status

LATER = after(days=20)
DUE = plus(APPOINTMENT, hours=-24)


def reminding(scheduled_at: Timestamp = APPOINTMENT) -> SendDemoReminder:
    return SendDemoReminder(demo_id=DEMO, scheduled_at=scheduled_at)


def scheduled(scheduled_at: Timestamp, *, again: bool) -> DemoScheduled:
    return DemoScheduled(
        demo_id=DEMO,
        name=NAME,
        email=EMAIL,
        email_hash=EMAIL_HASH,
        scheduled_at=scheduled_at,
        locale=Locale.AR,
        rescheduled=again,
    )


def test_a_demo_is_asked_for() -> None:
    story = Story().requested()
    assert story.last == DemoRequested(
        demo_id=DEMO,
        name=NAME,
        email=EMAIL,
        email_hash=EMAIL_HASH,
        company=FIRM,
        company_size=REQUESTING.company_size,
        preferred_date=WISH,
        locale=Locale.AR,
    )
    assert (story.demo.status, story.demo.use_case) == (Status.PENDING, REQUESTING.use_case)
    assert story.demo.expires_at == to_seconds(after(days=731))


def test_every_index_finds_it() -> None:
    item = Story().requested().row(DEMOS.root(DEMO))
    keys = [key for index in DEMO_REQUESTS.indexes for key in (index.key.hash, index.key.range) if key is not None]
    assert {key.name for key in keys} <= item.keys()
    assert item["preferredMonth"] == WISH[:7]


def test_the_same_request_again_changes_nothing_and_another_is_refused() -> None:
    story, first = Story(), CommandId(derived("first"))
    story.send(REQUESTING, command=first)
    assert story.send(REQUESTING, command=first, at=after(days=30)) == UNCHANGED
    assert story.send(REQUESTING) == Refused("id_conflict")


def test_nothing_is_set_for_a_time_that_has_passed() -> None:
    assert Story().send(RequestDemo.model_validate({**REQUESTING.to_item(), "preferredDate": START})) == Refused("date_past")
    assert Story().requested().send(scheduling(START), ADMIN) == Refused("date_past")


def test_an_appointment_is_made_and_moved_with_its_reminder() -> None:
    story = Story().scheduled()
    assert story.last == scheduled(APPOINTMENT, again=False)
    assert story.timers == {"demo-reminder": DUE}
    assert story.send(scheduling(), ADMIN) == UNCHANGED
    story.send(scheduling(LATER), ADMIN)
    assert story.last == scheduled(LATER, again=True)
    assert story.timers == {"demo-reminder": plus(LATER, hours=-24)}


def test_no_reminder_of_what_is_less_than_a_day_away() -> None:
    story = Story().scheduled()
    story.send(scheduling(after(hours=24)), ADMIN)
    assert story.timers == {}


def test_an_earlier_appointment_published_again_moves_nothing() -> None:
    story, first = Story(), CommandId(derived("first"))
    story.scheduled(command=first).send(scheduling(LATER), ADMIN)
    assert story.send(scheduling(), ADMIN, command=first) == UNCHANGED
    assert story.demo.scheduled_at == LATER


def test_a_reminder_goes_out_once() -> None:
    story = Story().scheduled()
    story.send(reminding(), TIMERS, at=DUE)
    assert story.last == DemoReminderDue.model_validate(scheduled(APPOINTMENT, again=False).to_item())
    assert story.send(reminding(), TIMERS, at=plus(DUE, hours=1)) == UNCHANGED


def test_a_moved_appointment_is_reminded_of_anew() -> None:
    story = Story().scheduled()
    story.send(reminding(), TIMERS, at=DUE)
    story.send(scheduling(LATER), ADMIN, at=DUE)
    story.send(reminding(LATER), TIMERS, at=plus(LATER, hours=-24))
    assert [event.scheduled_at for event in story.oracle.emitted(DemoReminderDue) if isinstance(event, DemoReminderDue)] == [
        APPOINTMENT,
        LATER,
    ]


@pytest.mark.parametrize("at", [plus(DUE, seconds=-1), APPOINTMENT], ids=["early", "begun"])
def test_a_reminder_out_of_its_time_says_nothing(at: Timestamp) -> None:
    assert Story().scheduled().send(reminding(), TIMERS, at=at) == UNCHANGED


def test_a_reminder_of_what_no_longer_stands_says_nothing() -> None:
    assert Story().send(reminding(), TIMERS, at=DUE) == UNCHANGED
    moved = Story().scheduled()
    moved.send(scheduling(LATER), ADMIN)
    assert moved.send(reminding(), TIMERS, at=DUE) == UNCHANGED
    off = Story().scheduled()
    off.send(CANCELLING, ADMIN)
    assert off.send(reminding(), TIMERS, at=DUE) == UNCHANGED


def test_it_takes_place() -> None:
    story = Story().scheduled()
    story.assert_moved_once(COMPLETING, ADMIN)
    assert story.last == DemoCompleted(demo_id=DEMO)
    assert (story.demo.status, story.timers) == (Status.COMPLETED, {})
    assert Story().requested().send(COMPLETING, ADMIN) == Refused("invalid_state")


@pytest.mark.parametrize("begun", [Story.requested, Story.scheduled], ids=["pending", "scheduled"])
def test_it_is_called_off(begun: Callable[[Story], Story]) -> None:
    story = begun(Story())
    story.assert_moved_once(CANCELLING, ADMIN)
    assert story.last == DemoCancelled(
        demo_id=DEMO, name=NAME, email=EMAIL, email_hash=EMAIL_HASH, locale=Locale.AR, reason=CANCELLING.reason
    )
    assert (story.demo.status, story.timers) == (Status.CANCELLED, {})


def test_what_has_ended_stays_so() -> None:
    held, off = Story().scheduled(), Story().scheduled()
    held.send(COMPLETING, ADMIN)
    off.send(CANCELLING, ADMIN)
    assert held.send(CANCELLING, ADMIN) == Refused("invalid_state")
    assert off.send(COMPLETING, ADMIN) == Refused("invalid_state")
    assert [story.send(scheduling(LATER), ADMIN) for story in (held, off)] == [Refused("invalid_state")] * 2


def test_notes_are_replaced_and_old_ones_do_not_come_back() -> None:
    story, first = Story().requested(), CommandId(derived("first"))
    story.send(noting("Wants Arabic"), ADMIN, command=first)
    story.send(noting("Wants Arabic and an invoice"), ADMIN)
    assert story.send(noting("Wants Arabic"), ADMIN, command=first) == UNCHANGED
    assert story.demo.notes == mine("Wants Arabic and an invoice")
    assert story.oracle.emitted() == story.oracle.emitted(DemoRequested)
    assert story.send(noting("Wants Arabic and an invoice"), ADMIN) == UNCHANGED


def test_notes_under_somebody_elses_key_are_refused() -> None:
    foreign = SetDemoNotes(demo_id=DEMO, notes=mine("Wants Arabic", digest("other@example.com")))
    assert Story().requested().send(foreign, ADMIN) == Refused("id_mismatch")


@pytest.mark.parametrize("command", [scheduling(), COMPLETING, CANCELLING, noting("x")], ids=lambda command: type(command).__name__)
def test_only_admins_do_so(command: ScheduleDemo | CompleteDemo | CancelDemo | SetDemoNotes) -> None:
    assert Story().send(command, ADMIN) == Refused("not_found")
    for actor in (PUBLIC, SYSTEM):
        assert Story().requested().send(command, actor) == Refused("forbidden")


def test_nobody_else_reminds() -> None:
    assert Story().scheduled().send(reminding(), PUBLIC, at=DUE) == Refused("forbidden")
