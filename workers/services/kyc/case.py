"""A session with the documents that a command names: what one decision sees."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from contracts.kyc import DocumentId, RegisterKycDocument, ReviewKycDocument
from contracts.message import CommandData
from contracts.types import ContractorId, KycSessionId
from workers.engine.aggregate import Aggregate, Items, Read
from workers.engine.decision import Command, ItemRef, Refused
from workers.services.kyc.document import Document
from workers.services.kyc.session import Session

TABLE = "kyc-sessions"
DOCUMENTS = "kyc-documents"

Right = Callable[[str, ContractorId], bool]


@dataclass(frozen=True, slots=True)
class Case:
    """Root: the session. A document may be another session's: its id comes from the command."""

    kyc_session_id: KycSessionId
    session: Session | None = None
    documents: Mapping[DocumentId, Document] = field(default_factory=dict)

    def become(self, session: Session, *documents: Document) -> Self:
        changed = {document.id: document for document in documents}
        return replace(self, session=session, documents={**self.documents, **changed})

    def document(self, document_id: DocumentId) -> Document | None:
        """None for a document of another session too."""
        document = self.documents.get(document_id)
        return document if document is not None and document.kyc_session_id == self.kyc_session_id else None

    @property
    def own_documents(self) -> tuple[Document, ...]:
        return tuple(document for document in self.documents.values() if document.kyc_session_id == self.kyc_session_id)


def found(state: Case, command: Command[CommandData], right: Right) -> Session | Refused:
    """The session, if there is one and the actor has the right to do this to it."""
    if state.session is None:
        return Refused("not_found")
    return state.session if right(command.actor, state.session.contractor_id) else Refused("forbidden")


def readable(state: Case, command: Command[CommandData], right: Right) -> Session | Refused:
    """As ``found``, and the person is not erased."""
    session = found(state, command, right)
    return Refused("erased") if isinstance(session, Session) and session.restricted else session


# --- state and items -----------------------------------------------------------------------------------------------


def document_ref(document_id: DocumentId) -> ItemRef:
    return ItemRef(DOCUMENTS, document_id)


def _load(key: str, items: Items) -> Case:
    root = items.get(CASES.root(key))
    rows = (Document.from_item(item) for ref, item in items.items() if ref.table == DOCUMENTS)
    return Case(KycSessionId(key), Session.from_item(root) if root else None, {row.id: row for row in rows})


def _save(state: Case) -> Items:
    own = {document_ref(row.id): row.to_item() for row in state.own_documents}
    return {CASES.root(state.session.id): state.session.to_item(), **own} if state.session else {}


CASES: Aggregate[Case] = Aggregate(TABLE, _load, _save)


def named_document(_state: Case, command: Command[RegisterKycDocument | ReviewKycDocument]) -> Iterable[Read]:
    """That of a new document too, so that a repeat is seen."""
    return (Read(document_ref(command.data.document_id)),)


def all_documents(state: Case, _command: Command[CommandData]) -> Iterable[Read]:
    return [Read(document_ref(document)) for document in state.session.documents] if state.session else ()
