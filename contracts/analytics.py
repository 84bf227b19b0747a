"""Kinds of analytics. ``CountMetric`` and ``MergeUniques`` are projections, not commands; visits and tracking follow with their issue."""

from enum import StrEnum
from typing import Annotated, ClassVar, NewType

from pydantic import Field

from contracts.message import CommandData, EventData
from contracts.types import Id, UserId

VisitId = NewType("VisitId", Id)
"""The ``sessionId`` of a visit; no sign-in session."""
Count = Annotated[int, Field(strict=True, ge=0, le=10**9)]


class MetricName(StrEnum):
    """What is counted per UTC day (domain.md 14). The names are a storage format."""

    USERS_REGISTERED = "users_registered"
    SIGN_INS = "sign_ins"
    COMPANIES_VERIFIED = "companies_verified"
    INVITATIONS_SENT = "invitations_sent"
    INVITATIONS_ACCEPTED = "invitations_accepted"
    CONTRACTORS_REGISTERED = "contractors_registered"
    KYC_VERIFIED = "kyc_verified"
    KYC_REJECTED = "kyc_rejected"
    CONTRACTS_SENT = "contracts_sent"
    CONTRACTS_SIGNED = "contracts_signed"
    CONTRACTS_COMPLETED = "contracts_completed"
    CONTRACTS_CANCELLED = "contracts_cancelled"
    DEPOSITS_RECEIVED = "deposits_received"
    DEPOSITS_VOLUME = "deposits_volume"
    PAYMENTS_COMPLETED = "payments_completed"
    PAYMENTS_VOLUME = "payments_volume"
    REFUNDS = "refunds"
    REFUNDS_VOLUME = "refunds_volume"
    DISPUTES_OPENED = "disputes_opened"
    PAYOUTS_FAILED = "payouts_failed"
    NOTIFICATIONS_SENT = "notifications_sent"
    NOTIFICATIONS_BOUNCED = "notifications_bounced"
    LEADS = "leads"
    LEADS_CONVERTED = "leads_converted"
    CONVERSIONS = "conversions"
    POSTS_PUBLISHED = "posts_published"
    VISITS = "visits"
    UNIQUE_VISITORS = "unique_visitors"
    PAGEVIEWS = "pageviews"
    CLICKS = "clicks"
    FORM_SUBMITS = "form_submits"


# --- erasure -------------------------------------------------------------------------------------------------------


class _VisitorCommand(CommandData):
    key_field: ClassVar[str] = "user_id"
    user_id: UserId


class EraseVisitor(_VisitorCommand):
    pass


class RecordVisitorErased(_VisitorCommand):
    """What one pass found: ``visits`` that are emptied by commands of their own, in the log before this one, and ``events`` it deleted."""

    visits: Count
    events: Count


class EraseVisit(CommandData):
    key_field: ClassVar[str] = "session_id"
    session_id: VisitId


class VisitorErasureRequested(EventData):
    user_id: UserId


class VisitorErased(EventData):
    """``visits``, ``events``: how many of the person's were deleted."""

    user_id: UserId
    visits: Count
    events: Count
