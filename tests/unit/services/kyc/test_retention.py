"""Records kept as long as the law wants: restricted at once, destroyed when it is time."""

import pytest

from contracts.kyc import KycDestructionRequested, KycRecordsDestroyed, KycSessionRestricted
from contracts.timestamps import decision_time
from tests.support.service_story import ADMIN, after
from tests.unit.services.kyc.story import (
    CONTRACTOR,
    CREATED,
    DESTROYING,
    DOCUMENT,
    EXPIRING,
    FAILED,
    OWNER,
    REFERENCE,
    RESTRICTING,
    SESSION,
    TIMERS,
    Story,
    deciding,
    destroyed,
    manually,
    raw_key,
    starting,
)
from workers.engine.decision import UNCHANGED, Accepted, Refused
from workers.services.kyc.session import Destruction, Status

DOCUMENT_KEY = f"kyc/{SESSION}/{DOCUMENT}"
LONG = after(days=1827)


@pytest.mark.parametrize(
    ("facts", "days"), [(["approved"], 1827), (["declined"], 366), (["expired"], 366), (["declined", "approved"], 1827)]
)
def test_five_years_for_the_verified_and_one_for_the_rest(facts: list[str], days: int) -> None:
    story = Story().ready().having(*(deciding(outcome, seconds) for seconds, outcome in enumerate(facts)))
    assert story.timers == {"kyc-retention": after(days=days)}
    assert story.session.retain_until == after(days=days)


def test_the_retention_spans_calendar_years_whatever_their_leap_days() -> None:
    assert (after(days=366)[:10], LONG[:10]) == ("2027-02-01", "2031-02-01")


@pytest.mark.parametrize("time", ["1970-01-01T00:00:00.000000Z", "2999-12-31T23:59:59.999999Z"])
def test_the_providers_clock_neither_shortens_nor_prolongs_it(time: str) -> None:
    assert Story().ready().having(deciding("approved", decision_time=time)).timers == {"kyc-retention": LONG}


def test_an_override_begins_it_anew() -> None:
    story = Story().verified()
    story.send(deciding("declined", 90), at=after(days=100))
    assert story.timers == {"kyc-retention": after(days=466)}
    assert story.send(DESTROYING, TIMERS, at=after(days=400)) == UNCHANGED


# --- restriction ---------------------------------------------------------------------------------------------------


def test_an_erased_persons_session_is_restricted_and_kept() -> None:
    story = Story().verified()
    before = story.timers
    story.having(RESTRICTING)
    assert story.last == KycSessionRestricted(kyc_session_id=SESSION, contractor_id=CONTRACTOR)
    assert (story.session.restricted, story.session.session_url) == (True, None)
    assert story.timers == before
    assert story.send(RESTRICTING) == UNCHANGED
    assert story.send(manually("rejected"), ADMIN) == Refused("erased")
    assert isinstance(story.send(deciding("declined", 90)), Accepted)


def test_a_restricted_session_gets_no_link_any_more() -> None:
    story = Story().having(starting(), RESTRICTING, CREATED)
    assert (story.session.veriff_session_id, story.session.session_url) == (REFERENCE, None)


def test_a_restricted_session_without_a_verdict_still_ends() -> None:
    story = Story().ready().having(RESTRICTING)
    story.send(EXPIRING, TIMERS, at=after(days=7))
    assert story.session.status is Status.EXPIRED
    assert set(story.timers) == {"kyc-retention"}


@pytest.mark.parametrize("command", [RESTRICTING, DESTROYING, destroyed()])
def test_needs_a_session_and_comes_from_us(command: object) -> None:
    assert Story().send(command) == Refused("not_found")
    assert Story().ready().send(command, OWNER) == Refused("forbidden")


# --- destruction ---------------------------------------------------------------------------------------------------


def test_documents_and_bodies_go_when_it_is_time() -> None:
    story = Story().with_document().having(deciding("resubmission", 10), deciding("approved"))
    keys = (DOCUMENT_KEY, deciding("resubmission", 10).raw_key, deciding("approved").raw_key)
    assert story.send(DESTROYING, TIMERS, at=after(days=1827, seconds=-1)) == UNCHANGED
    story.send(DESTROYING, TIMERS, at=LONG)
    assert story.last == KycDestructionRequested(kyc_session_id=SESSION, keys=keys)
    assert story.send(DESTROYING, TIMERS, at=LONG) == UNCHANGED
    story.having(destroyed(*keys))
    assert story.last == KycRecordsDestroyed(kyc_session_id=SESSION)
    session = story.session
    assert (session.verification_result, session.raw_keys, session.session_url) == (None, (), None)
    assert (session.status, session.documents, story.document().destroyed) == (Status.VERIFIED, (DOCUMENT,), True)
    assert story.send(destroyed(*keys)) == UNCHANGED
    assert story.send(DESTROYING, TIMERS, at=after(days=4000)) == UNCHANGED


def test_a_session_without_records_is_destroyed_too() -> None:
    story = Story().started().having(FAILED)
    story.send(DESTROYING, TIMERS, at=after(days=366))
    assert story.last == KycDestructionRequested(kyc_session_id=SESSION, keys=())
    story.having(destroyed())
    assert story.last == KycRecordsDestroyed(kyc_session_id=SESSION)


def test_an_open_session_is_never_destroyed() -> None:
    assert Story().ready().send(DESTROYING, TIMERS, at=after(days=9999)) == UNCHANGED
    assert Story().ready().send(destroyed("kyc/other")) == UNCHANGED


def test_what_is_left_is_waited_for() -> None:
    story = Story().verified()
    story.send(DESTROYING, TIMERS, at=LONG)
    story.having(destroyed(DOCUMENT_KEY))
    assert (story.session.destruction, story.document().destroyed) == (Destruction.REQUESTED, True)
    story.having(destroyed(*story.session.raw_keys))
    assert story.session.destruction is Destruction.DESTROYED


def test_a_verdict_in_between_is_kept_for_its_own_time() -> None:
    story = Story().rejected()
    story.send(DESTROYING, TIMERS, at=after(days=366))
    old = story.last.keys
    override = deciding("approved", decision_time=decision_time(after(days=366)))
    story.send(override, at=after(days=366))
    story.having(destroyed(*old))
    session = story.session
    assert (session.raw_keys, session.destruction, story.document().destroyed) == ((override.raw_key,), None, True)
    assert session.verification_result is not None
    story.send(DESTROYING, TIMERS, at=after(days=366 + 1827))
    assert story.last.keys == (override.raw_key,)


@pytest.mark.parametrize("late", [deciding("expired", 90), deciding("declined", 30), deciding("approved", 90)])
def test_a_body_that_comes_after_the_destruction_is_destroyed_at_once(late: object) -> None:
    story = Story().verified()
    story.send(DESTROYING, TIMERS, at=LONG)
    story.having(destroyed(*story.last.keys), late)
    assert isinstance(story.last, KycDestructionRequested)
    (key,) = story.last.keys
    assert story.session.raw_keys == (key,)
    assert story.send(late) == UNCHANGED
    story.having(destroyed(key))
    assert (story.session.destruction, story.session.verification_result) == (Destruction.DESTROYED, None)


def test_bodies_of_ignored_decisions_are_destroyed_with_the_rest() -> None:
    foreign = deciding("declined", veriff_session_id="orphan", raw_key=raw_key("foreign"))
    story = Story().verified().having(foreign)
    assert story.send(foreign) == UNCHANGED
    story.send(DESTROYING, TIMERS, at=LONG)
    assert raw_key("foreign") in story.last.keys
