"""An identity check's way, command by command, as the tests of its parts need it."""

from typing import Any

from contracts.file import File
from contracts.ids import derived
from contracts.kyc import (
    DecideKycManually,
    DestroyKycRecords,
    DocumentId,
    DocumentType,
    ExpireKycSession,
    KycProvider,
    KycVerdict,
    ManualDecision,
    ProviderOutcome,
    RecordKycDecision,
    RecordKycProgress,
    RecordKycRecordsDestroyed,
    RecordKycSessionCreated,
    RecordKycSessionFailed,
    RefreshKycDecision,
    RegisterKycDocument,
    RestrictKycSession,
    ReviewKycDocument,
    StartKycSession,
    document_prefix,
    raw_body_key,
)
from contracts.types import ContractorId, DecisionTime, KycSessionId, UserId
from tests.support.service_story import ServiceStory, after, digest
from workers.services.kyc.case import CASES, document_ref
from workers.services.kyc.document import Document
from workers.services.kyc.service import SERVICE
from workers.services.kyc.session import Session

USER = UserId("22222222-2222-4222-8222-222222222222")
CONTRACTOR = ContractorId(derived(f"contractor:{USER}"))
SESSION = KycSessionId("55555555-5555-4555-8555-555555555555")
OTHER_SESSION = KycSessionId("56565656-5656-4656-8656-565656565656")
DOCUMENT = DocumentId("66666666-6666-4666-8666-666666666666")
OTHER_DOCUMENT = DocumentId("67676767-6767-4767-8767-676767676767")

OWNER = f"contractor:{USER}"
STRANGER = "contractor:33333333-3333-4333-8333-333333333333"
SYSTEM, VERIFF, TIMERS = "system:kyc", "system:veriff", "system:timers"

REFERENCE, ORPHAN = "f04bdb47-d3be-4b28-b028-a652feb060b5", "0f0f0f0f-d3be-4b28-b028-a652feb060b5"
NAME = f"s1.subject.{USER}.1.{b'Lukasz Nowak'.hex()}"
LINK = "s1.reader.api.1.aHR0cHM6Ly92ZXJpZmYubWU"

PERSON = {"kyc_session_id": SESSION, "contractor_id": CONTRACTOR, "user_id": USER}


def decided_at(seconds: int, microseconds: int = 0) -> DecisionTime:
    return DecisionTime(f"{after(seconds=seconds)[:19]}.{microseconds:06d}Z")


def raw_key(text: str) -> str:
    return raw_body_key(SESSION, digest(text))


def starting(session: KycSessionId = SESSION, **other: Any) -> StartKycSession:
    values = PERSON | {"kyc_session_id": session, "provider": KycProvider.VERIFF, "country": "PL", "name": NAME}
    return StartKycSession.model_validate(values | other)


def progressing(code: str = "7001", attempt: str | None = "a1", reference: str = REFERENCE) -> RecordKycProgress:
    return RecordKycProgress(kyc_session_id=SESSION, veriff_session_id=reference, attempt_id=attempt, code=code)


def deciding(outcome: str, seconds: int = 60, **other: Any) -> RecordKycDecision:
    """Each decision has a body of its own."""
    time = other.get("decision_time", decided_at(seconds))
    values: dict[str, Any] = {
        "kyc_session_id": SESSION,
        "provider": KycProvider.VERIFF,
        "veriff_session_id": REFERENCE,
        "attempt_id": "a1",
        "outcome": ProviderOutcome(outcome),
        "code": "9000",
        "reason": f"{outcome} at {time}",
        "decision_time": time,
        "raw_key": raw_key(f"{outcome} {time} {other.get('attempt_id')}"),
    }
    return RecordKycDecision.model_validate(values | other)


def manually(outcome: str, reason: str | None = "Seen on a video call") -> DecideKycManually:
    return DecideKycManually(kyc_session_id=SESSION, outcome=ManualDecision(outcome), reason=reason)


def registering(document: DocumentId = DOCUMENT, session: KycSessionId = SESSION, **file: Any) -> RegisterKycDocument:
    values = {"key": document_prefix(session) + document, "sha256": digest(document), "size": 1000, "mime": "image/jpeg"} | file
    return RegisterKycDocument(
        kyc_session_id=session, document_id=document, document_type=DocumentType.PASSPORT, file=File.model_validate(values)
    )


def reviewing(status: str, document: DocumentId = DOCUMENT) -> ReviewKycDocument:
    return ReviewKycDocument(kyc_session_id=SESSION, document_id=document, status=KycVerdict(status))


def destroyed(*keys: str) -> RecordKycRecordsDestroyed:
    return RecordKycRecordsDestroyed(kyc_session_id=SESSION, keys=keys)


CREATED = RecordKycSessionCreated(kyc_session_id=SESSION, veriff_session_id=REFERENCE, session_url=LINK)
FAILED = RecordKycSessionFailed(kyc_session_id=SESSION, code="1102")
REFRESHING = RefreshKycDecision(kyc_session_id=SESSION)
EXPIRING = ExpireKycSession(kyc_session_id=SESSION)
RESTRICTING = RestrictKycSession(kyc_session_id=SESSION)
DESTROYING = DestroyKycRecords(kyc_session_id=SESSION)


class Story(ServiceStory):
    """Brings a session to where a test begins."""

    service, actor = SERVICE, SYSTEM

    @property
    def session(self) -> Session:
        return Session.from_item(self.oracle.items[CASES.root(SESSION)])

    def document(self, document: DocumentId = DOCUMENT) -> Document:
        return Document.from_item(self.oracle.items[document_ref(document)])

    def having(self, *commands: Any) -> "Story":
        for command in commands:
            self.send(command)
        return self

    def started(self, **other: Any) -> "Story":
        return self.having(starting(**other))

    def ready(self) -> "Story":
        return self.started().having(CREATED)

    def with_document(self) -> "Story":
        self.ready().send(registering(), OWNER)
        return self

    def verified(self) -> "Story":
        return self.with_document().having(deciding("approved"))

    def rejected(self) -> "Story":
        return self.with_document().having(deciding("declined"))
