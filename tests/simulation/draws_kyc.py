"""Commands of kyc: sessions, what their providers say in any order, what admins decide, documents, retention."""

from collections.abc import Callable, Sequence
from random import Random

from contracts import kyc
from contracts.file import File
from contracts.ids import derived
from contracts.message import CommandData
from contracts.types import KycSessionId
from tests.simulation.draws import ADMIN, HASHES, SYSTEM
from tests.simulation.draws_auth import sealed
from tests.simulation.draws_client import INVITED
from tests.simulation.draws_contractor import CHECK, CONTRACTORS, decided_at

SESSIONS = [CHECK, KycSessionId(derived("sim:kyc-1"))]
"""The first one is a contractor's, who asked for it before the run."""
REFERENCES = ("ref_0", "ref_0", "ref_1")
OWN = f"contractor:{INVITED[0]}"
ENDING = tuple(outcome for outcome in kyc.ProviderOutcome if outcome is not kyc.ProviderOutcome.REVIEW)


def draw_kyc(random: Random) -> tuple[CommandData, str]:
    return _drawn(random, tuple(kyc.ProviderOutcome))


def draw_kyc_ending(random: Random) -> tuple[CommandData, str]:
    """Without reviews, which are waited for as long as they take: a run whose timers fire would not end."""
    if random.random() < 0.3:
        return starting(CHECK, kyc.KycProvider.VERIFF), SYSTEM
    return _drawn(random, ENDING)


def draw_checks(random: Random) -> tuple[CommandData, str]:
    """What the outside does not say by itself; providers answer the rest."""
    while isinstance((drawn := _drawn(random, tuple(kyc.ProviderOutcome)))[0], kyc.RecordKycSessionCreated):
        continue
    return drawn


def _drawn(random: Random, outcomes: Sequence[kyc.ProviderOutcome]) -> tuple[CommandData, str]:
    session = random.choice((*SESSIONS, CHECK, CHECK))
    match random.choice("sssccfppppddddddddddxmmrrrggggvvtyw"):
        case "s":
            return starting(session, random.choice(list(kyc.KycProvider))), SYSTEM
        case "c":
            return _created(session, random.choice(REFERENCES)), SYSTEM
        case "f":
            return kyc.RecordKycSessionFailed(kyc_session_id=session, code="refused"), SYSTEM
        case "p":
            return _progressed(session, random), SYSTEM
        case "d":
            return _decided(session, random, outcomes), SYSTEM
        case "m":
            outcome = random.choice(list(kyc.ManualDecision))
            return kyc.DecideKycManually(kyc_session_id=session, outcome=outcome, reason=random.choice(("seen", None))), ADMIN
        case "g" | "v" as letter:
            return _document(session, letter, random)
        case letter:
            return PLAIN[letter](kyc_session_id=session), SYSTEM


PLAIN: dict[str, Callable[..., CommandData]] = {
    "x": kyc.ExpireKycSession,
    "r": kyc.RefreshKycDecision,
    "t": kyc.RestrictKycSession,
    "y": kyc.DestroyKycRecords,
    "w": lambda kyc_session_id: kyc.RecordKycRecordsDestroyed(kyc_session_id=kyc_session_id, keys=(_raw(kyc_session_id, 0),)),
}


def starting(session: KycSessionId, provider: kyc.KycProvider) -> kyc.StartKycSession:
    return kyc.StartKycSession(
        kyc_session_id=session,
        contractor_id=CONTRACTORS[0],
        user_id=INVITED[0],
        provider=provider,
        country="EG",
        name=sealed(INVITED[0], "Omar"),
    )


def _created(session: KycSessionId, reference: str) -> CommandData:
    return kyc.RecordKycSessionCreated(kyc_session_id=session, veriff_session_id=reference, session_url=sealed("api", reference, "reader"))


def _progressed(session: KycSessionId, random: Random) -> CommandData:
    attempt = random.choice((None, "attempt_0", "attempt_1"))
    code = random.choice(("7001", "7002", "7005"))
    return kyc.RecordKycProgress(kyc_session_id=session, veriff_session_id=random.choice(REFERENCES), attempt_id=attempt, code=code)


def _decided(session: KycSessionId, random: Random, outcomes: Sequence[kyc.ProviderOutcome]) -> CommandData:
    return kyc.RecordKycDecision(
        kyc_session_id=session,
        provider=kyc.KycProvider.VERIFF,
        veriff_session_id=random.choice(REFERENCES),
        attempt_id=random.choice((None, "attempt_0", "attempt_1")),
        outcome=random.choice((*outcomes, kyc.ProviderOutcome.APPROVED, kyc.ProviderOutcome.DECLINED)),
        decision_time=decided_at(random),
        raw_key=_raw(session, random.randrange(3)),
    )


def _raw(session: KycSessionId, number: int) -> str:
    return kyc.raw_body_key(session, HASHES[number])


def _document(session: KycSessionId, letter: str, random: Random) -> tuple[CommandData, str]:
    number = random.randrange(3)
    # Each session names its own: two keys that race for one id may be refused for different reasons, and both would be right.
    document = kyc.DocumentId(derived(f"sim:document-{session}-{number}"))
    if letter == "v":
        status = random.choice(list(kyc.KycVerdict))
        return kyc.ReviewKycDocument(kyc_session_id=session, document_id=document, status=status), ADMIN
    uploaded = File(key=f"{kyc.document_prefix(session)}{number}", sha256=HASHES[number], size=10, mime="image/png")
    registered = kyc.RegisterKycDocument(
        kyc_session_id=session, document_id=document, document_type=kyc.DocumentType.PASSPORT, file=uploaded
    )
    return registered, OWN


def before_kyc() -> Sequence[CommandData]:
    """One session is there, at its provider."""
    return [starting(CHECK, kyc.KycProvider.VERIFF), _created(CHECK, "ref_0")]


def before_checks() -> Sequence[CommandData]:
    """One session is there and waits for its provider."""
    return [starting(CHECK, kyc.KycProvider.ONFIDO)]
