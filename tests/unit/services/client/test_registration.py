"""A company registers once, and may correct what it said."""

from typing import Any

import pytest
from pydantic import ValidationError

from contracts.client import (
    CompanyDetailsUpdated,
    CompanyField,
    CompanyRegistered,
    CompanyReviewNeeded,
    CompanyVerificationRequested,
)
from contracts.ids import derived, within
from contracts.types import CommandId
from tests.support.oracle import START
from tests.support.service_story import ADMIN, USER, sealed
from tests.unit.services.client.story import (
    COMPANY,
    INVITED,
    NAME,
    NAME_LEGAL,
    OTHER,
    OWNER,
    STRANGER,
    SYSTEM,
    TAX_ID,
    Story,
    registering,
    updating,
)
from workers.engine.decision import UNCHANGED, Accepted, Refused
from workers.services.client.company import ReviewState, VerificationStatus
from workers.services.client.state import CLIENTS

FIRST = CommandId(within(USER, "first"))
RENAMING: dict[str, Any] = {"legal_name": sealed("Delta LLC"), "name_legal": sealed("Delta LLC", "legal")}


def test_a_company_with_a_number_is_looked_up() -> None:
    story = Story().registered()
    assert story.oracle.events == [
        CompanyRegistered(company_id=COMPANY, user_id=USER, country="EG"),
        CompanyVerificationRequested(company_id=COMPANY, attempt=1, jurisdiction="eg", company_number="204518", legal_name=NAME),
    ]
    row = story.oracle.items[CLIENTS.root(COMPANY)]
    assert {name: value for name, value in row.items() if name not in ("createdBy", "createdAt", "updatedAt")} == {
        "id": COMPANY,
        "userId": USER,
        "legalName": NAME,
        "nameLegal": NAME_LEGAL,
        "country": "EG",
        "taxId": TAX_ID,
        "businessRegistryData": {"companyNumber": "204518", "jurisdiction": "eg"},
        "verificationStatus": "pending",
        "verificationAttempt": 1,
    }


@pytest.mark.parametrize("missing", [{"jurisdiction": None}, {"company_number": None}, {"jurisdiction": None, "company_number": None}])
def test_a_company_without_a_number_is_for_people(missing: dict[str, None]) -> None:
    story = Story().registered(**missing)
    assert story.last == CompanyReviewNeeded(company_id=COMPANY, user_id=USER, reason="registry_number_missing")
    assert (story.company.review_state, story.company.verification_attempt) == (ReviewState.MANUAL, 0)


def test_a_company_is_created_once() -> None:
    story = Story()
    story.send(registering(), command=FIRST)
    assert story.send(registering(), command=FIRST) == UNCHANGED
    assert story.send(registering()) == Refused("id_conflict")


@pytest.mark.parametrize(
    ("story", "actor", "changes", "reason"),
    [
        (Story(), STRANGER, {}, "forbidden"),
        (Story(), INVITED, {}, "forbidden"),
        (Story(), ADMIN, {"user_id": OTHER}, "id_mismatch"),
        (Story(), STRANGER, {"company_id": derived(f"company:{OTHER}")}, "id_mismatch"),
        (Story().gone(), OWNER, {}, "erased"),
    ],
)
def test_a_registration_is_refused(story: Story, actor: str, changes: dict[str, Any], reason: str) -> None:
    assert story.send(registering(**changes), actor) == Refused(reason)


# --- corrections ---------------------------------------------------------------------------------------------------


def test_another_name_is_verified_anew() -> None:
    story = Story().verified()
    story.send(updating(**RENAMING))
    assert story.oracle.events[-2:] == [
        CompanyDetailsUpdated(company_id=COMPANY, user_id=USER, changed=(CompanyField.LEGAL_NAME,)),
        CompanyVerificationRequested(
            company_id=COMPANY, attempt=2, jurisdiction="eg", company_number="204518", legal_name=RENAMING["legal_name"]
        ),
    ]
    company = story.company
    assert (company.name_legal, company.verification_status) == (RENAMING["name_legal"], VerificationStatus.PENDING)
    assert company.business_registry_data.to_item() == {"companyNumber": "204518", "jurisdiction": "eg"}


@pytest.mark.parametrize(
    ("fields", "changed"),
    [
        ({"country": "AE"}, CompanyField.COUNTRY),
        ({"jurisdiction": "ae_du"}, CompanyField.JURISDICTION),
        ({"company_number": "7"}, CompanyField.COMPANY_NUMBER),
    ],
)
def test_every_field_that_is_vouched_for_is_verified_anew(fields: dict[str, Any], changed: CompanyField) -> None:
    story = Story().verified()
    story.send(updating(**fields))
    assert story.oracle.events[-2] == CompanyDetailsUpdated(company_id=COMPANY, user_id=USER, changed=(changed,))
    assert (story.company.verification_status, story.company.verification_attempt) == (VerificationStatus.PENDING, 2)


def test_another_tax_number_changes_no_verdict() -> None:
    story = Story().verified()
    story.send(updating(tax_id=sealed("999")))
    assert story.last == CompanyDetailsUpdated(company_id=COMPANY, user_id=USER, changed=(CompanyField.TAX_ID,))
    assert (story.company.is_verified, story.company.tax_id) == (True, sealed("999"))


def test_without_a_number_a_correction_is_for_people_too() -> None:
    story = Story().registered(company_number=None)
    story.send(updating(country="AE"))
    assert story.last == CompanyReviewNeeded(company_id=COMPANY, user_id=USER, reason="registry_number_missing")
    story.send(updating(company_number="7"))
    assert story.last == CompanyVerificationRequested(company_id=COMPANY, attempt=1, jurisdiction="eg", company_number="7", legal_name=NAME)
    assert story.company.review_state is None


def test_the_same_again_is_nothing() -> None:
    story = Story().verified()
    assert story.send(updating(legal_name=NAME, name_legal=NAME_LEGAL, country="EG", jurisdiction="eg")) == UNCHANGED
    assert story.send(updating()) == UNCHANGED


def test_an_old_correction_published_again_undoes_nothing() -> None:
    story = Story().registered()
    story.send(updating(country="AE"), command=FIRST)
    story.send(updating(country="SA"))
    assert story.send(updating(country="AE"), command=FIRST) == UNCHANGED
    assert story.company.country == "SA"


@pytest.mark.parametrize(
    ("story", "actor", "reason"),
    [
        (Story(), OWNER, "not_found"),
        (Story().verified(), STRANGER, "forbidden"),
        (Story().verified(), SYSTEM, "forbidden"),
        (Story().gone(), OWNER, "erased"),
    ],
)
def test_a_correction_is_refused(story: Story, actor: str, reason: str) -> None:
    assert story.send(updating(country="AE"), actor) == Refused(reason)


def test_an_admin_corrects_too() -> None:
    assert isinstance(Story().verified().send(updating(country="AE"), ADMIN, START), Accepted)


def test_both_seals_of_a_name_come_together() -> None:
    with pytest.raises(ValidationError, match="two seals of one name"):
        updating(legal_name=NAME)
