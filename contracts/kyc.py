"""Events of kyc: the verdicts that others act on. Key ``kycSessionId``."""

from enum import StrEnum

from contracts.message import EventData
from contracts.types import ContractorId, DecisionTime, Id, KycSessionId, UserId


class KycProvider(StrEnum):
    VERIFF = "veriff"
    ONFIDO = "onfido"


class DecidedBy(StrEnum):
    PROVIDER = "provider"
    ADMIN = "admin"


class KycSessionVerified(EventData):
    """``overturned``: an earlier final verdict said otherwise."""

    kyc_session_id: KycSessionId
    contractor_id: ContractorId
    user_id: UserId
    provider: KycProvider
    decision_time: DecisionTime
    overturned: bool
    by: DecidedBy
    document_ids: tuple[Id, ...]
