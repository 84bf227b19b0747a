"""Signing up, and correcting what was said."""

from typing import Any

import pytest

from contracts.contractor import ContractorField, ContractorProfileCreated, ContractorProfileUpdated
from tests.support.service_story import ADMIN, USER, sealed
from tests.unit.services.contractor.story import (
    CONTRACTOR,
    ERASING,
    NAME,
    NAME_LEGAL,
    OTHER,
    OTHER_CONTRACTOR,
    OWNER,
    STRANGER,
    SYSTEM,
    Beginning,
    Story,
    creating,
    named,
    renaming,
    updating,
)
from workers.engine.decision import UNCHANGED, Accepted, Refused


def test_a_contractor_signs_up() -> None:
    story = Story()
    story.send(creating())
    assert story.oracle.events == [ContractorProfileCreated(contractor_id=CONTRACTOR, user_id=USER, country="EG")]
    assert story.contractor.to_item() | {"createdBy": "", "createdAt": "", "updatedAt": ""} == {
        "id": CONTRACTOR,
        "userId": USER,
        "name": NAME,
        "nameLegal": NAME_LEGAL,
        "country": "EG",
        "kycStatus": "pending",
        "createdBy": "",
        "createdAt": "",
        "updatedAt": "",
    }


def test_signing_up_twice() -> None:
    story = Story()
    story.send(creating(), command=named("sign-up"))
    assert story.send(creating(), command=named("sign-up")) == UNCHANGED
    assert story.send(creating()) == Refused("id_conflict")
    story.send(ERASING, SYSTEM)
    assert story.send(creating(), command=named("sign-up")) == UNCHANGED
    assert story.send(creating()) == Refused("erased")


@pytest.mark.parametrize("actor", [STRANGER, SYSTEM, "public", f"company:{USER}"])
def test_nobody_signs_up_for_others(actor: str) -> None:
    assert Story().send(creating(), actor) == Refused("forbidden")
    assert isinstance(Story().send(creating(), ADMIN), Accepted)


def test_the_id_follows_from_the_user() -> None:
    assert Story().send(creating(contractor_id=OTHER_CONTRACTOR)) == Refused("id_mismatch")
    assert isinstance(Story().send(creating(OTHER), STRANGER), Accepted)


# --- corrections ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "changed"),
    [
        ({"country": "AE"}, (ContractorField.COUNTRY,)),
        ({"name": sealed("Amina"), "name_legal": sealed("Amina", "legal")}, (ContractorField.NAME,)),
        ({"name": NAME, "name_legal": sealed("Amina", "legal")}, (ContractorField.NAME,)),
        (
            {"name": sealed("Amina"), "name_legal": sealed("Amina", "legal"), "country": "AE"},
            (ContractorField.NAME, ContractorField.COUNTRY),
        ),
    ],
)
def test_what_is_not_mentioned_stays(fields: dict[str, Any], changed: tuple[ContractorField, ...]) -> None:
    story = Story().created()
    before = story.contractor
    story.send(updating(**fields))
    assert story.last == ContractorProfileUpdated(contractor_id=CONTRACTOR, user_id=USER, changed=changed)
    for name in ("name", "name_legal", "country"):
        assert getattr(story.contractor, name) == fields.get(name, getattr(before, name))
    assert story.send(updating(**fields)) == UNCHANGED


def test_both_seals_of_a_name_come_together() -> None:
    for fields in ({"name": NAME}, {"name_legal": NAME_LEGAL}):
        with pytest.raises(ValueError, match="two seals of one name"):
            updating(**fields)


@pytest.mark.parametrize("begin", [Story.waiting, Story.verified])
def test_what_is_checked_changes_by_an_admin_only(begin: Beginning) -> None:
    story = begin(Story())
    assert story.send(renaming("Amina")) == Refused("kyc_locked")
    assert isinstance(story.send(renaming("Amina"), ADMIN), Accepted)
    assert story.send(renaming("Amina")) == UNCHANGED


def test_who_was_rejected_may_correct() -> None:
    assert isinstance(Story().rejected().send(renaming("Amina")), Accepted)


def test_an_old_correction_published_again_undoes_no_newer() -> None:
    story = Story().created()
    story.send(updating(country="AE"), command=named("correction"))
    story.send(updating(country="DE"))
    assert story.send(updating(country="AE"), command=named("correction")) == UNCHANGED
    assert story.contractor.country == "DE"


def test_corrections_are_refused() -> None:
    assert Story().send(updating(country="AE")) == Refused("not_found")
    assert Story().gone().send(updating(country="AE")) == Refused("erased")
    for actor in (STRANGER, SYSTEM, "public", f"company:{USER}"):
        assert Story().created().send(updating(country="AE"), actor) == Refused("forbidden")
    assert isinstance(Story().created().send(updating(country="AE"), OWNER), Accepted)
