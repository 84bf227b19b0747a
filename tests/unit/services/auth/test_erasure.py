"""The erasure of a person, from the wish to the destruction of the second key."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.auth import (
    DestroyLegalKey,
    ErasurePart,
    ErasureRequested,
    LegalKeyDestructionRequested,
    RequestErasure,
    SubjectKeyDestructionRequested,
    UserErased,
)
from contracts.ids import derived
from contracts.types import ClientId, ContractorId
from tests.support.oracle import START
from tests.support.service_story import ADMIN, USER, after, digest
from tests.unit.services.auth.story import (
    ERASING,
    KEY_DESTROYED,
    LEGAL_KEY_DESTROYED,
    OTHER,
    OWNER,
    PUBLIC,
    STRANGER,
    SYSTEM,
    TIMERS,
    Story,
    changing,
    erased,
    registering,
)
from workers.engine.decision import UNCHANGED, Accepted, Refused
from workers.services.auth.account import ACCOUNTS, claim_ref
from workers.services.auth.user import ErasureState, Status

ADDRESS = "amina@example.com"
BY_LETTER = RequestErasure(user_id=USER)
DESTROYING_LEGAL = DestroyLegalKey(user_id=USER)
TEN_YEARS = after(days=3653)


def test_a_wish_to_be_erased_goes_to_every_service() -> None:
    story = Story().signed_in()
    story.send(ERASING, at=after(days=1))
    assert story.last == ErasureRequested(
        user_id=USER,
        company_id=ClientId(derived(f"company:{USER}")),
        contractor_id=ContractorId(derived(f"contractor:{USER}")),
        email_hash=digest(ADDRESS),
    )
    assert (story.user.status, story.user.sessions_valid_from) == (Status.INACTIVE, after(days=1))
    assert story.send(ERASING) == UNCHANGED


@pytest.mark.parametrize(("command", "actor", "reason"), [(BY_LETTER, OWNER, "stale_password"), (ERASING, STRANGER, "forbidden")])
def test_a_wish_is_refused(command: RequestErasure, actor: str, reason: str) -> None:
    assert Story().signed_in().send(command, actor) == Refused(reason)
    assert Story().send(command, actor) == Refused("not_found")


@pytest.mark.parametrize("actor", [OWNER, ADMIN])
def test_a_former_password_is_no_proof(actor: str) -> None:
    assert Story().signed_in().send(RequestErasure(user_id=USER, verified_epoch=2), actor) == Refused("stale_password")


def test_an_admin_acts_on_a_letter() -> None:
    assert isinstance(Story().signed_in().send(BY_LETTER, ADMIN), Accepted)


# --- the parts -----------------------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(st.permutations(list(ErasurePart)), st.lists(st.tuples(st.integers(0, 6), st.sampled_from(list(ErasurePart))), max_size=8))
def test_parts_in_any_order_end_alike(order: list[ErasurePart], repeats: list[tuple[int, ErasurePart]]) -> None:
    answers = list(order)
    for place, part in repeats:
        answers.insert(place, part)
    story, answered = Story().leaving(), set[ErasurePart]()
    for part in answers:
        known = part in answered
        decision = story.send(erased(part), SYSTEM)
        assert (decision == UNCHANGED) is known
        answered.add(part)
        last = len(answered) == len(ErasurePart)
        assert story.oracle.emitted(SubjectKeyDestructionRequested) == ([SubjectKeyDestructionRequested(user_id=USER)] if last else [])
        assert (claim_ref(digest(ADDRESS)) in story.oracle.items) is not last
    assert story.user.erasure is not None
    assert story.user.erasure.state is ErasureState.DESTROYING


def test_the_last_part_takes_the_person_off_the_account() -> None:
    story = Story().signed_in()
    story.send(changing())
    story.send(ERASING)
    for part in ErasurePart:
        story.send(erased(part), SYSTEM)
    item = story.oracle.items[ACCOUNTS.root(USER)]
    assert item.keys() == {
        *("id", "role", "locale", "status", "emailVerified", "passwordEpoch", "sessionsValidFrom", "erasure", "decidedBy"),
        *("createdBy", "createdAt", "updatedAt"),
    }
    assert isinstance(story.send(registering(OTHER), PUBLIC), Accepted)


def test_a_part_that_nobody_waits_for() -> None:
    part = erased(ErasurePart.LEAD)
    assert Story().send(part, SYSTEM) == Refused("not_found")
    assert Story().signed_in().send(part, SYSTEM) == UNCHANGED
    assert Story().leaving().send(part, OWNER) == Refused("forbidden")
    assert Story().emptied().send(part, SYSTEM) == UNCHANGED
    assert Story().gone().send(ERASING) == UNCHANGED


# --- the keys ------------------------------------------------------------------------------------------------------


def test_without_the_key_the_person_is_erased() -> None:
    story = Story().gone()
    assert story.last == UserErased(user_id=USER)
    assert story.timers["legal-key-destroy"] == TEN_YEARS
    assert story.send(KEY_DESTROYED, SYSTEM) == UNCHANGED


def test_a_key_that_nobody_waits_for() -> None:
    assert Story().send(KEY_DESTROYED, SYSTEM) == Refused("not_found")
    assert Story().emptied().send(KEY_DESTROYED, OWNER) == Refused("forbidden")
    assert Story().leaving().send(KEY_DESTROYED, SYSTEM) == UNCHANGED
    assert Story().gone().send(LEGAL_KEY_DESTROYED, SYSTEM) == UNCHANGED


def test_the_legal_key_lasts_ten_years() -> None:
    story = Story().gone()
    assert story.send(DESTROYING_LEGAL, ADMIN, after(days=3652)) == UNCHANGED
    story.send(DESTROYING_LEGAL, TIMERS, TEN_YEARS)
    assert story.last == LegalKeyDestructionRequested(user_id=USER)
    assert story.send(DESTROYING_LEGAL, TIMERS, TEN_YEARS) == UNCHANGED
    assert isinstance(story.send(LEGAL_KEY_DESTROYED, SYSTEM, TEN_YEARS), Accepted)
    assert story.user.erasure is not None
    assert story.user.erasure.state is ErasureState.COMPLETE
    assert story.send(LEGAL_KEY_DESTROYED, SYSTEM, TEN_YEARS) == UNCHANGED
    assert story.oracle.emitted(UserErased) == [UserErased(user_id=USER)]


def test_the_legal_key_of_somebody_who_is_here_stays() -> None:
    assert Story().send(DESTROYING_LEGAL, TIMERS) == Refused("not_found")
    assert Story().gone().send(DESTROYING_LEGAL, OWNER, TEN_YEARS) == Refused("forbidden")
    for story in (Story().signed_in(), Story().leaving(), Story().emptied()):
        assert story.send(DESTROYING_LEGAL, TIMERS, START) == Refused("invalid_state")
