"""Documents: registered by the contractor, judged with the session or one by one."""

from typing import Any

import pytest

from contracts.kyc import MOST_DOCUMENTS, DocumentId, KycDocumentRegistered, KycDocumentReviewed
from contracts.types import CommandId
from tests.support.service_story import ADMIN, after, digest
from tests.unit.services.kyc.story import (
    CONTRACTOR,
    DESTROYING,
    DOCUMENT,
    OTHER_DOCUMENT,
    OTHER_SESSION,
    OWNER,
    RESTRICTING,
    SESSION,
    STRANGER,
    SYSTEM,
    Story,
    deciding,
    destroyed,
    registering,
    reviewing,
)
from workers.engine.decision import UNCHANGED, Accepted, Refused
from workers.services.kyc.document import DocumentStatus

FIRST, SECOND = (CommandId(f"9999999{n}-9999-4999-8999-999999999999") for n in (1, 2))
FIFTEEN = 15 * 1024 * 1024


def test_a_document_is_registered_with_its_session() -> None:
    story = Story().ready()
    story.send(registering(), OWNER, at=after(hours=1))
    assert story.last == KycDocumentRegistered(kyc_session_id=SESSION, document_id=DOCUMENT, document_type="passport")
    assert story.session.documents == (DOCUMENT,)
    document = story.document()
    assert (document.contractor_id, document.s3_key, document.uploaded_at) == (CONTRACTOR, f"kyc/{SESSION}/{DOCUMENT}", after(hours=1))
    assert (document.sha256, document.size, document.mime_type) == (digest(DOCUMENT), 1000, "image/jpeg")
    assert document.status is DocumentStatus.UPLOADED


@pytest.mark.parametrize("file", [{"mime": "image/png"}, {"mime": "application/pdf"}, {"size": FIFTEEN}])
def test_pictures_and_pdfs_of_fifteen_mebibytes_are_taken(file: dict[str, Any]) -> None:
    assert isinstance(Story().ready().send(registering(**file), OWNER), Accepted)


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ({"mime": "image/gif"}, "file_type_not_allowed"),
        ({"size": FIFTEEN + 1}, "file_too_large"),
        ({"key": f"kyc/{OTHER_SESSION}/{DOCUMENT}"}, "id_mismatch"),
        ({"key": f"kyc-raw/{SESSION}/{digest('body')}"}, "id_mismatch"),
    ],
)
def test_a_file_that_does_not_do_is_refused(file: dict[str, Any], reason: str) -> None:
    assert Story().ready().send(registering(**file), OWNER) == Refused(reason)


def test_the_same_command_registers_once_and_another_is_in_conflict() -> None:
    story = Story().ready()
    story.send(registering(), OWNER, command=FIRST)
    assert story.send(registering(), OWNER, command=FIRST) == UNCHANGED
    assert story.send(registering(), OWNER) == Refused("id_conflict")
    story.having(deciding("approved"))
    assert story.send(registering(), OWNER, command=FIRST) == UNCHANGED


def test_a_document_of_another_session_is_not_taken_over() -> None:
    story = Story().with_document().started(session=OTHER_SESSION)
    assert story.send(registering(session=OTHER_SESSION), OWNER) == Refused("id_conflict")
    assert story.send(reviewing("verified").model_copy(update={"kyc_session_id": OTHER_SESSION}), ADMIN) == Refused("not_found")
    assert story.document().kyc_session_id == SESSION


def test_twenty_documents_are_enough() -> None:
    story = Story().ready()
    for number in range(MOST_DOCUMENTS):
        assert isinstance(story.send(registering(DocumentId(f"00000000-0000-4000-8000-0000000000{number:02d}")), OWNER), Accepted)
    assert story.send(registering(), OWNER) == Refused("too_many_documents")


@pytest.mark.parametrize("outcome", ["approved", "declined", "expired"])
def test_a_session_that_ended_takes_none(outcome: str) -> None:
    assert Story().ready().having(deciding(outcome)).send(registering(), OWNER) == Refused("invalid_state")


def test_only_the_contractor_and_admins_register() -> None:
    assert Story().send(registering(), OWNER) == Refused("not_found")
    for actor in (STRANGER, SYSTEM, "public", f"company:{OWNER.partition(':')[2]}"):
        assert Story().ready().send(registering(), actor) == Refused("forbidden")
    assert isinstance(Story().ready().send(registering(), ADMIN), Accepted)


def test_an_erased_person_has_no_documents_to_add_or_to_review() -> None:
    story = Story().with_document().having(RESTRICTING)
    assert story.send(registering(OTHER_DOCUMENT), OWNER) == Refused("erased")
    assert story.send(reviewing("verified"), ADMIN) == Refused("erased")
    assert isinstance(story.send(reviewing("verified"), SYSTEM), Accepted)


# --- review --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("actor", [ADMIN, SYSTEM])
@pytest.mark.parametrize("status", ["verified", "rejected"])
def test_a_document_is_reviewed(actor: str, status: str) -> None:
    story = Story().with_document()
    story.send(reviewing(status), actor)
    assert story.last == KycDocumentReviewed(kyc_session_id=SESSION, document_id=DOCUMENT, status=status)
    assert story.document().status == status
    assert story.send(reviewing(status), actor) == UNCHANGED


def test_the_sessions_verdict_covers_only_what_nobody_looked_at() -> None:
    story = Story().with_document()
    story.send(reviewing("rejected"), ADMIN)
    assert story.send(reviewing("verified"), SYSTEM) == UNCHANGED
    assert isinstance(story.send(reviewing("verified"), ADMIN), Accepted)


def test_an_old_review_undoes_no_newer_one() -> None:
    story = Story().with_document()
    story.send(reviewing("verified"), ADMIN, command=FIRST)
    story.send(reviewing("rejected"), ADMIN, command=SECOND)
    assert story.send(reviewing("verified"), ADMIN, command=FIRST) == UNCHANGED


def test_reviews_need_a_session_a_document_and_an_admin() -> None:
    assert Story().send(reviewing("verified"), ADMIN) == Refused("not_found")
    assert Story().ready().send(reviewing("verified"), ADMIN) == Refused("not_found")
    assert Story().with_document().send(reviewing("verified"), OWNER) == Refused("forbidden")


def test_a_destroyed_document_is_not_reviewed() -> None:
    story = Story().rejected()
    story.send(DESTROYING, at=after(days=366))
    story.having(destroyed(*story.last.keys))
    assert story.send(reviewing("verified"), ADMIN) == Refused("invalid_state")
    assert story.send(reviewing("verified"), SYSTEM) == UNCHANGED
