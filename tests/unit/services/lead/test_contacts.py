"""A contact is taken in, moves forward, and is known again when its address turns up with an account."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.auth import EmailVerified
from contracts.ids import derived
from contracts.lead import AdvanceContact, ContactAdvanced, ContactConverted, ContactStatus, ContactSubmitted, ConvertContact
from contracts.timestamps import to_seconds
from contracts.types import CommandId, UserId
from schemas.lead import CONTACTS as TABLE
from tests.support.oracle import START
from tests.support.reacting import event_of, reaction_to, sent_on
from tests.support.service_story import ADMIN, USER, after
from tests.unit.services.lead.story import (
    CONTACT,
    EMAIL,
    EMAIL_HASH,
    NAME,
    PUBLIC,
    SUBMITTING,
    SYSTEM,
    Story,
    advancing,
)
from workers.engine.decision import UNCHANGED, Accepted, Refused
from workers.engine.service import Query, Send
from workers.services.lead.contact import CONTACTS
from workers.services.lead.service import SERVICE

CONVERTING = ConvertContact(contact_id=CONTACT, user_id=USER)
OTHER = UserId("22222222-2222-4222-8222-222222222222")


def test_a_contact_is_taken_in() -> None:
    story = Story().submitted()
    assert story.oracle.events == [
        ContactSubmitted(
            contact_id=CONTACT, name=NAME, email=EMAIL, email_hash=EMAIL_HASH, source=SUBMITTING.source, locale=SUBMITTING.locale
        )
    ]
    assert story.contact.status is ContactStatus.NEW
    assert story.contact.message == SUBMITTING.message


def test_every_index_finds_it() -> None:
    item = Story().submitted().row(CONTACTS.root(CONTACT))
    keys = [key for index in TABLE.indexes for key in (index.key.hash, index.key.range) if key is not None]
    assert {key.name for key in keys} <= item.keys()
    assert item["createdMonth"] == START[:7]


def test_the_same_command_again_changes_nothing_and_another_is_refused() -> None:
    story, first = Story(), CommandId(derived("first"))
    story.send(SUBMITTING, command=first)
    assert story.send(SUBMITTING, command=first) == UNCHANGED
    assert story.send(SUBMITTING) == Refused("id_conflict")


def test_steps_may_be_skipped() -> None:
    story = Story().submitted()
    story.send(advancing(ContactStatus.QUALIFIED), ADMIN)
    assert story.last == ContactAdvanced(contact_id=CONTACT, status=ContactStatus.QUALIFIED)
    assert story.contact.status is ContactStatus.QUALIFIED
    assert story.send(advancing(ContactStatus.QUALIFIED), ADMIN) == UNCHANGED


@pytest.mark.parametrize(("earlier", "later"), [*pairwise(ContactStatus)])
def test_no_contact_goes_back(earlier: ContactStatus, later: ContactStatus) -> None:
    story = Story().submitted()
    story.send(advancing(later), ADMIN)
    assert story.send(advancing(earlier), ADMIN) == Refused("invalid_state")


@given(st.lists(st.sampled_from(ContactStatus)))
def test_whatever_is_asked_it_stands_where_it_got_farthest(wanted: list[ContactStatus]) -> None:
    story, steps = Story().submitted(), list(ContactStatus)
    for status in wanted:
        story.send(advancing(status), ADMIN)
    assert story.contact.status is max([ContactStatus.NEW, *wanted], key=steps.index)


def test_it_is_kept_two_years_after_the_last_change() -> None:
    story = Story().submitted()
    assert story.contact.expires_at == to_seconds(after(days=731))
    story.send(advancing(ContactStatus.CONTACTED), ADMIN, at=after(days=100))
    assert story.contact.expires_at == to_seconds(after(days=831))


def test_an_account_of_its_address_converts_it_once() -> None:
    story = Story().submitted()
    story.assert_moved_once(CONVERTING, SYSTEM)
    assert story.last == ContactConverted(contact_id=CONTACT, user_id=USER, source=SUBMITTING.source)
    assert (story.contact.status, story.contact.converted_user_id) == (ContactStatus.CONVERTED, USER)
    assert story.send(ConvertContact(contact_id=CONTACT, user_id=OTHER), SYSTEM) == UNCHANGED


def test_an_admins_word_does_not_stand_in_for_the_account() -> None:
    story = Story().submitted()
    story.send(advancing(ContactStatus.CONVERTED), ADMIN)
    assert isinstance(story.send(CONVERTING, SYSTEM), Accepted)
    assert story.oracle.emitted(ContactConverted) == [ContactConverted(contact_id=CONTACT, user_id=USER, source=SUBMITTING.source)]


@pytest.mark.parametrize("command", [advancing(ContactStatus.CONTACTED), CONVERTING], ids=lambda command: type(command).__name__)
def test_what_the_public_may_not_do(command: AdvanceContact | ConvertContact) -> None:
    assert Story().send(command, ADMIN) == Refused("not_found")
    assert Story().submitted().send(command, PUBLIC) == Refused("forbidden")


def test_only_admins_advance() -> None:
    assert Story().submitted().send(advancing(ContactStatus.CONTACTED), SYSTEM) == Refused("forbidden")


def test_a_proven_address_converts_every_contact_of_it() -> None:
    proven = EmailVerified(user_id=USER, email_hash=EMAIL_HASH)
    query = reaction_to(SERVICE, EmailVerified).query
    assert query is not None
    assert query(event_of(proven)) == Query(TABLE.name, "email-index", EMAIL_HASH)
    rows = [{"id": derived(name), "emailHash": EMAIL_HASH, "createdAt": START} for name in ("one", "two")]
    assert sent_on(SERVICE, proven, rows) == [Send(ConvertContact.model_validate({"contactId": row["id"], "userId": USER})) for row in rows]
    assert sent_on(SERVICE, proven) == []
