"""Sessions made, decisions fetched, records destroyed, over ports that answer what they are told to."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from contracts.clear import Clear, Redacted
from contracts.file import ObjectKey
from contracts.ids import effect_id, event_id
from contracts.kyc import (
    KycDecisionFetchRequested,
    KycDestructionRequested,
    KycProvider,
    KycSessionStarted,
    ProviderOutcome,
    RecordKycDecision,
    RecordKycRecordsDestroyed,
    RecordKycSessionCreated,
    RecordKycSessionFailed,
    raw_body_key,
)
from contracts.message import EventData
from contracts.sealed import SubjectErased
from contracts.types import CommandId, KycSessionId, Purpose, UserId
from tests.support.oracle import START
from tests.support.service_story import after, digest
from tests.unit.services.kyc.story import (
    CONTRACTOR,
    DESTROYING,
    LINK,
    REFERENCE,
    REFRESHING,
    SESSION,
    USER,
    Story,
    decided_at,
)
from workers.engine.decision import Item, ItemRef
from workers.engine.service import Call, Done, Effect, Event, Failed, Result, Retryable, Unknown
from workers.services.kyc.ports import (
    CreatedSession,
    KycPort,
    Lost,
    Problem,
    ProviderDecision,
    RecordsRefusedError,
    RecordsUnavailableError,
    Refusal,
    SessionRequest,
    Unavailable,
    Undecided,
)
from workers.services.kyc.service import SERVICE

URL = "https://magic.veriff.me/v/token"
MADE = CreatedSession(REFERENCE, Clear(URL), "applicant")
DECIDED = ProviderDecision(
    outcome=ProviderOutcome.DECLINED,
    decision_time=decided_at(60, 123456),
    body=b'{"status":"success"}',
    code="9102",
    attempt_id="a1",
    reason="Document expired",
    reason_code="105",
    document_type="PASSPORT",
    document_country="GB",
    risk_labels=("document_quality",),
)


@dataclass
class Outside:
    """A provider, the keys and the store. Shows what was asked of it; fails as it is told."""

    creating: CreatedSession | Problem = MADE
    fetching: ProviderDecision | Undecided | Problem = DECIDED
    storing: Exception | None = None
    name: Clear | Redacted = field(default_factory=lambda: Clear("Lukasz Nowak"))
    requests: list[SessionRequest] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    bodies: list[tuple[UserId, bytes]] = field(default_factory=list)
    deleted: list[ObjectKey] = field(default_factory=list)
    swept: list[KycSessionId] = field(default_factory=list)

    async def create_session(self, request: SessionRequest) -> CreatedSession | Problem:
        self.requests.append(request)
        return self.creating

    async def fetch_decision(self, reference: str) -> ProviderDecision | Undecided | Problem:
        self.references.append(reference)
        return self.fetching

    async def open_name(self, sealed: str) -> Clear | Redacted:
        return self.name

    async def seal_link(self, url: Clear) -> str:
        assert url.reveal() == URL
        return LINK

    async def keep_body(self, session: KycSessionId, subject: UserId, body: bytes) -> ObjectKey:
        if self.storing:
            raise self.storing
        self.bodies.append((subject, body))
        return raw_body_key(session, digest(body.decode()))

    async def delete(self, keys: Sequence[ObjectKey]) -> None:
        if self.storing:
            raise self.storing
        self.deleted += keys

    async def delete_all(self, session: KycSessionId) -> None:
        self.swept.append(session)


async def carried_out(story: Story, outside: Outside) -> Result:
    """The effect of the last event, as the engine runs it: the one declared for its provider, rows first."""
    data: EventData = story.last
    event: Event[Any] = Event(event_id(CommandId(SESSION), type(data).__name__, 0), "kyc", SESSION, START, "system:test", data)
    (effect,) = chosen(event)
    rows: dict[ItemRef, Item] = {}
    while wanted := [ref for ref in effect.reads(event, rows) if ref not in rows]:
        rows |= {ref: story.oracle.items[ref] for ref in wanted}
    port: object = outside if effect.provider == "kyc-records" else KycPort(outside, outside, outside)
    return await effect.run(Call(effect_id(event.id, effect.name), event, "test"), rows, port)


def chosen(event: Event[Any]) -> list[Effect[Any]]:
    return [effect for effect in SERVICE.effects if isinstance(event.data, effect.event) and effect.when(event)]


# --- kyc.create-session --------------------------------------------------------------------------------------------


async def test_a_session_is_made_and_its_link_sealed() -> None:
    outside = Outside()
    recorded = RecordKycSessionCreated(kyc_session_id=SESSION, veriff_session_id=REFERENCE, session_url=LINK, applicant_id="applicant")
    assert await carried_out(Story().started(), outside) == Done((recorded,), REFERENCE)
    (request,) = outside.requests
    assert (request.kyc_session_id, request.contractor_id, request.country, request.environment) == (SESSION, CONTRACTOR, "PL", "test")
    assert request.name.reveal() == "Lukasz Nowak"
    assert "Nowak" not in repr(request)
    assert "veriff.me" not in repr(MADE)


@pytest.mark.parametrize("status", [400, 401, 403, 422])
async def test_what_the_provider_refuses_for_good_is_recorded(status: int) -> None:
    result = await carried_out(Story().started(), Outside(creating=Refusal(status, "1102")))
    assert result == Done((RecordKycSessionFailed(kyc_session_id=SESSION, code="1102"),))


async def test_an_erased_person_gets_no_session() -> None:
    outside = Outside(name=Redacted.ERASED)
    assert await carried_out(Story().started(), outside) == Done((RecordKycSessionFailed(kyc_session_id=SESSION, code="erased"),))
    assert outside.requests == []


PROBLEMS: list[tuple[Problem, Result]] = [
    (Unavailable("429", 3.0), Retryable("429", 3.0)),
    (Lost("timeout"), Unknown("timeout")),
    (Refusal(404, "not_found"), Failed("the provider refused with 404 not_found")),
]


@pytest.mark.parametrize(("problem", "result"), PROBLEMS)
async def test_other_problems_of_a_creation_are_the_engines(problem: Problem, result: Result) -> None:
    assert await carried_out(Story().started(), Outside(creating=problem)) == result


# --- kyc.fetch-decision --------------------------------------------------------------------------------------------


async def test_a_decision_is_fetched_and_its_body_kept() -> None:
    outside = Outside()
    key = raw_body_key(SESSION, digest(DECIDED.body.decode()))
    recorded = RecordKycDecision(
        kyc_session_id=SESSION,
        provider=KycProvider.VERIFF,
        veriff_session_id=REFERENCE,
        attempt_id="a1",
        outcome=ProviderOutcome.DECLINED,
        code="9102",
        reason="Document expired",
        reason_code="105",
        decision_time=decided_at(60, 123456),
        document_type="PASSPORT",
        document_country="GB",
        risk_labels=("document_quality",),
        raw_key=key,
    )
    assert await carried_out(Story().ready().having(REFRESHING), outside) == Done((recorded,), REFERENCE)
    assert (outside.references, outside.bodies) == ([REFERENCE], [(USER, DECIDED.body)])
    assert "success" not in repr(DECIDED)


async def test_no_decision_yet_is_no_news() -> None:
    outside = Outside(fetching=Undecided())
    assert await carried_out(Story().ready().having(REFRESHING), outside) == Done()
    assert outside.bodies == []


@pytest.mark.parametrize(("problem", "result"), PROBLEMS)
async def test_problems_of_a_question_are_the_engines(problem: Problem, result: Result) -> None:
    assert await carried_out(Story().ready().having(REFRESHING), Outside(fetching=problem)) == result


@pytest.mark.parametrize(
    ("failure", "verdict"),
    [
        (RecordsUnavailableError("SlowDown"), Retryable),
        (RecordsRefusedError("AccessDenied"), Failed),
        (SubjectErased(Purpose.LEGAL, USER), Failed),
    ],
)
async def test_a_body_that_cannot_be_kept_leaves_the_decision_unrecorded(failure: Exception, verdict: type[Result]) -> None:
    assert isinstance(await carried_out(Story().ready().having(REFRESHING), Outside(storing=failure)), verdict)


# --- kyc.destroy-records -------------------------------------------------------------------------------------------


def ended() -> Story:
    story = Story().verified()
    story.send(DESTROYING, at=after(days=1827))
    return story


async def test_documents_and_bodies_are_deleted() -> None:
    story, outside = ended(), Outside()
    keys = story.last.keys
    assert await carried_out(story, outside) == Done((RecordKycRecordsDestroyed(kyc_session_id=SESSION, keys=keys),))
    assert (outside.deleted, len(keys), outside.swept) == (list(keys), 2, [SESSION])


@pytest.mark.parametrize(("failure", "verdict"), [(RecordsUnavailableError("SlowDown"), Retryable), (RecordsRefusedError("403"), Failed)])
async def test_what_the_store_does_not_delete_is_not_recorded(failure: Exception, verdict: type[Result]) -> None:
    assert isinstance(await carried_out(ended(), Outside(storing=failure)), verdict)


# --- which provider ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", list(KycProvider))
async def test_each_provider_has_its_own_port(provider: KycProvider) -> None:
    story = Story().started(provider=provider)
    for data in (story.last, KycDecisionFetchRequested(kyc_session_id=SESSION, provider=provider, veriff_session_id=REFERENCE, n=2)):
        event: Event[Any] = Event(event_id(CommandId(SESSION), "Any", 0), "kyc", SESSION, START, "system:test", data)
        assert [effect.provider for effect in chosen(event)] == [provider]


def test_each_opens_and_seals_what_it_needs_and_may_be_repeated() -> None:
    declared = {(effect.event, effect.opens, effect.seals) for effect in SERVICE.effects}
    assert declared == {
        (KycSessionStarted, frozenset({"subject"}), frozenset({"reader:api"})),
        (KycDecisionFetchRequested, frozenset(), frozenset({"legal"})),
        (KycDestructionRequested, frozenset(), frozenset()),
    }
    assert all(effect.repeatable for effect in SERVICE.effects)
