"""What a contractor's affairs mean for identity checks, and a verdict for the documents of its session."""

from collections.abc import Sequence
from typing import TypeAlias

from contracts.contractor import ContractorErased, ContractorKycRequested
from contracts.kyc import (
    DocumentId,
    KycSessionRejected,
    KycSessionVerified,
    KycVerdict,
    RestrictKycSession,
    ReviewKycDocument,
    StartKycSession,
)
from workers.engine.decision import Item
from workers.engine.service import Event, Send

Verdict: TypeAlias = KycSessionVerified | KycSessionRejected


def kyc_requested(event: Event[ContractorKycRequested], _rows: Sequence[Item]) -> Sequence[Send]:
    return (Send(StartKycSession.model_validate(event.data.model_dump(exclude={"ordinal"}))),)


def contractor_erased(event: Event[ContractorErased], _rows: Sequence[Item]) -> Sequence[Send]:
    return tuple(Send(RestrictKycSession(kyc_session_id=session)) for session in event.data.kyc_session_ids)


def verdict_reached(event: Event[Verdict], _rows: Sequence[Item]) -> Sequence[Send]:
    data = event.data
    status = KycVerdict.VERIFIED if isinstance(data, KycSessionVerified) else KycVerdict.REJECTED
    return tuple(
        Send(ReviewKycDocument(kyc_session_id=data.kyc_session_id, document_id=DocumentId(document), status=status), target=document)
        for document in data.document_ids
    )
