"""What others' events, and its own verdicts, set in motion."""

import pytest

from contracts.contractor import ContractorErased, ContractorKycRequested
from contracts.kyc import KycSessionRejected, KycSessionVerified, RestrictKycSession
from contracts.message import EventData
from tests.support.reacting import sent_on
from tests.unit.services.kyc.story import (
    CONTRACTOR,
    DOCUMENT,
    NAME,
    OTHER_DOCUMENT,
    OTHER_SESSION,
    OWNER,
    PERSON,
    SESSION,
    USER,
    Story,
    deciding,
    registering,
    reviewing,
    starting,
)
from workers.engine.service import Send
from workers.services.kyc.document import DocumentStatus
from workers.services.kyc.service import SERVICE


def test_a_requested_check_starts_a_session() -> None:
    requested = ContractorKycRequested.model_validate(
        {**PERSON, "provider": "veriff", "country": "PL", "name": NAME, "ordinal": 1},
    )
    assert sent_on(SERVICE, requested) == [Send(starting())]


def test_the_sessions_of_an_erased_contractor_are_restricted() -> None:
    erased = ContractorErased(contractor_id=CONTRACTOR, user_id=USER, existed=True, kyc_session_ids=(SESSION, OTHER_SESSION))
    assert sent_on(SERVICE, erased) == [Send(RestrictKycSession(kyc_session_id=session)) for session in (SESSION, OTHER_SESSION)]
    assert sent_on(SERVICE, ContractorErased(contractor_id=CONTRACTOR, user_id=USER, existed=False)) == []


@pytest.mark.parametrize(
    ("outcome", "kind", "status"), [("approved", KycSessionVerified, "verified"), ("declined", KycSessionRejected, "rejected")]
)
def test_a_verdict_reviews_each_document(outcome: str, kind: type[EventData], status: str) -> None:
    story = Story().with_document()
    story.send(registering(OTHER_DOCUMENT), OWNER)
    story.having(deciding(outcome))
    (verdict,) = story.oracle.emitted(kind)
    sent = sent_on(SERVICE, verdict)
    assert sent == [Send(reviewing(status, document), target=document) for document in (DOCUMENT, OTHER_DOCUMENT)]
    story.having(*(send.command for send in sent))
    assert [story.document(document).status for document in (DOCUMENT, OTHER_DOCUMENT)] == [DocumentStatus(status)] * 2
