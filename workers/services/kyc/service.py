"""kyc: which function judges which command, and what its events set in motion."""

from contracts.contractor import ContractorErased, ContractorKycRequested
from contracts.kyc import (
    DecideKycManually,
    DestroyKycRecords,
    ExpireKycSession,
    KycDecisionFetchRequested,
    KycDestructionRequested,
    KycProvider,
    KycSessionRejected,
    KycSessionStarted,
    KycSessionVerified,
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
)
from contracts.sealed import Reader, audience
from contracts.types import Purpose
from workers.engine.aggregate import Handler
from workers.engine.service import Effect, Event, Reaction, Service
from workers.services.kyc import decisions, documents, effects, progress, reactions, retention, starting
from workers.services.kyc.case import CASES, all_documents, named_document


def _creating(provider: KycProvider) -> Effect[KycSessionStarted]:
    def is_its(event: Event[KycSessionStarted]) -> bool:
        return event.data.provider is provider

    return Effect(
        "kyc.create-session",
        KycSessionStarted,
        provider,
        effects.create_session,
        when=is_its,
        opens=frozenset({Purpose.SUBJECT}),
        seals=frozenset({audience(Purpose.READER, Reader.API)}),
    )


def _fetching(provider: KycProvider) -> Effect[KycDecisionFetchRequested]:
    def is_its(event: Event[KycDecisionFetchRequested]) -> bool:
        return event.data.provider is provider

    return Effect(
        "kyc.fetch-decision",
        KycDecisionFetchRequested,
        provider,
        effects.fetch_decision,
        effects.session_of,
        when=is_its,
        attempt=lambda event: event.data.n,
        seals=frozenset({Purpose.LEGAL}),
    )


SERVICE = Service(
    name="kyc",
    handlers=(
        Handler(StartKycSession, CASES, starting.start_kyc_session, idempotency="createdBy"),
        Handler(RecordKycSessionCreated, CASES, starting.record_kyc_session_created),
        Handler(RecordKycSessionFailed, CASES, starting.record_kyc_session_failed),
        Handler(RecordKycProgress, CASES, progress.record_kyc_progress),
        Handler(RecordKycDecision, CASES, decisions.record_kyc_decision, idempotency="state: decisions are ordered by their own time"),
        Handler(
            RefreshKycDecision,
            CASES,
            progress.refresh_kyc_decision,
            idempotency="one more question to the provider, and the next daily one comes a day after it",
        ),
        Handler(ExpireKycSession, CASES, progress.expire_kyc_session),
        Handler(
            DecideKycManually,
            CASES,
            decisions.decide_kyc_manually,
            idempotency="state; the session remembers the last decisions of admins",
        ),
        Handler(RegisterKycDocument, CASES, documents.register_kyc_document, named_document, idempotency="createdBy"),
        Handler(
            ReviewKycDocument,
            CASES,
            documents.review_kyc_document,
            named_document,
            idempotency="state; the document remembers the last reviews",
        ),
        Handler(RestrictKycSession, CASES, retention.restrict_kyc_session),
        Handler(DestroyKycRecords, CASES, retention.destroy_kyc_records, all_documents),
        Handler(RecordKycRecordsDestroyed, CASES, retention.record_kyc_records_destroyed, all_documents),
    ),
    reactions=(
        Reaction(ContractorKycRequested, reactions.kyc_requested),
        Reaction(ContractorErased, reactions.contractor_erased),
        Reaction(KycSessionVerified, reactions.verdict_reached),
        Reaction(KycSessionRejected, reactions.verdict_reached),
    ),
    effects=(
        *(_creating(provider) for provider in KycProvider),
        *(_fetching(provider) for provider in KycProvider),
        Effect("kyc.destroy-records", KycDestructionRequested, "kyc-records", effects.destroy_records),
    ),
)
