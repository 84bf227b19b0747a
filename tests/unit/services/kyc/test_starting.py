"""A session asked for, made at the provider or not."""

import pytest

from contracts.kyc import KycSessionFailed, KycSessionReady, KycSessionStarted, RecordKycSessionCreated
from contracts.types import CommandId
from tests.support.oracle import START
from tests.support.service_story import ADMIN, after
from tests.unit.services.kyc.story import (
    CREATED,
    FAILED,
    LINK,
    NAME,
    ORPHAN,
    OWNER,
    PERSON,
    REFERENCE,
    SESSION,
    SYSTEM,
    Story,
    deciding,
    progressing,
    starting,
)
from workers.engine.decision import UNCHANGED, Accepted, Refused
from workers.services.kyc.session import Status

FIRST = CommandId("99999999-9999-4999-8999-999999999999")
PADDED = "2026-01-31T09:30:00.000000Z"


def test_a_session_begins_pending_and_expires_in_seven_days() -> None:
    story = Story().started()
    assert story.oracle.events == [KycSessionStarted(**PERSON, provider="veriff", country="PL", name=NAME)]
    assert story.timers == {"kyc-session-expiry": after(days=7)}
    assert story.session.status is Status.PENDING
    item = dict(story.oracle.items.popitem()[1])
    assert "name" not in item
    assert (item["expiresOn"], item["reviewState"], item["attempt"]) == (after(days=7), "none", 0)


def test_the_same_command_starts_it_once_and_another_is_in_conflict() -> None:
    story = Story()
    assert isinstance(story.send(starting(), command=FIRST), Accepted)
    assert story.send(starting(), command=FIRST, at=after(days=9)) == UNCHANGED
    assert story.send(starting()) == Refused("id_conflict")


@pytest.mark.parametrize(("actor", "accepted"), [(SYSTEM, True), (ADMIN, True), (OWNER, False), ("public", False)])
def test_contractors_ask_contractor_for_a_session(actor: str, accepted: bool) -> None:
    decision = Story().send(starting(), actor)
    assert isinstance(decision, Accepted) if accepted else decision == Refused("forbidden")


@pytest.mark.parametrize("command", [CREATED, FAILED])
def test_what_the_effect_found_needs_a_session_and_comes_from_us(command: object) -> None:
    assert Story().send(command) == Refused("not_found")
    assert Story().started().send(command, OWNER) == Refused("forbidden")


def test_the_person_may_go_once_the_provider_made_the_session() -> None:
    story = Story().ready()
    assert story.last == KycSessionReady(**PERSON, provider="veriff", expires_on=after(days=7))
    session = story.session
    assert (session.status, session.veriff_session_id, session.session_url) == (Status.PENDING, REFERENCE, LINK)


def test_the_first_creation_recorded_wins() -> None:
    story = Story().ready()
    orphan = RecordKycSessionCreated(kyc_session_id=SESSION, veriff_session_id=ORPHAN, session_url=LINK)
    assert story.send(orphan) == UNCHANGED
    assert story.send(CREATED) == UNCHANGED
    assert story.send(FAILED) == UNCHANGED
    assert story.session.veriff_session_id == REFERENCE


def test_news_of_the_session_may_come_before_its_creation_is_recorded() -> None:
    story = Story().started().having(progressing())
    assert story.session.status is Status.PROCESSING
    assert isinstance(story.send(CREATED), Accepted)
    assert story.session.status is Status.PROCESSING


def test_a_session_that_cannot_be_made_is_over() -> None:
    story = Story().started().having(FAILED)
    assert story.last == KycSessionFailed(**PERSON, code="1102", decision_time=PADDED)
    session = story.session
    assert session.status is Status.EXPIRED
    assert session.verification_result is not None
    assert (session.verification_result.status, session.verification_result.code) == ("provider_error", "1102")
    assert story.timers == {"kyc-retention": after(days=366)}
    assert story.send(FAILED, at=after(days=1)) == UNCHANGED
    assert story.send(CREATED) == UNCHANGED


def test_a_decided_session_needs_no_link() -> None:
    story = Story().started().having(deciding("approved"))
    assert story.send(CREATED, at=START) == UNCHANGED
