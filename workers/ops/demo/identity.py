"""Section 16, steps 7 to 9: an identity check, once more, and what its verdict brings."""

from contracts.contractor import ContractorKycRequested, ContractorKycStatusChanged
from contracts.kyc import KycProcessing, KycResubmissionRequested, KycSessionReady, KycSessionVerified
from contracts.payment.events import PayeeAccountCreated
from contracts.platform import TimerScheduled
from workers.ops.demo.providers import Identity
from workers.ops.demo.stage import Scene, Stage
from workers.ops.fakes.identity import Step

KYC_POLL = "kyc-poll"


async def asked(stage: Stage) -> None:
    await stage.log.until(KycSessionReady, await _session(stage))


async def checked(stage: Stage) -> None:
    session, veriff = await _session(stage), stage.identity
    await veriff.take(session, Step.START)
    await stage.log.until(KycProcessing, session)
    await _overtaken(veriff, session)
    await stage.log.until(KycResubmissionRequested, session)
    await veriff.take(session, Step.START)
    await stage.log.until(KycProcessing, session, count=2)
    await veriff.take(session, Step.SUBMIT)
    await stage.log.until(TimerScheduled, session, lambda event: event.timer == KYC_POLL)
    await veriff.take(session, Step.APPROVE)
    await stage.log.until(KycSessionVerified, session)


async def _overtaken(veriff: Identity, session: str) -> None:
    """That something was submitted arrives after what was decided on it, and twice."""
    await veriff.misbehave(duplicate=1.0, reorder=1.0)
    await veriff.take(session, Step.SUBMIT)
    await veriff.misbehave()
    await veriff.take(session, Step.RESUBMIT)


async def enrolled(stage: Stage) -> None:
    contractor = stage.cast.contractor_id
    await stage.log.until(ContractorKycStatusChanged, contractor)
    await stage.log.until(PayeeAccountCreated, contractor)


async def _session(stage: Stage) -> str:
    return (await stage.log.until(ContractorKycRequested, stage.cast.contractor_id)).kyc_session_id


SCENES = (
    Scene("A session is made at Veriff", asked),
    Scene("Started, submitted, asked for once more, approved; webhooks come doubled and out of order", checked),
    Scene("The verified contractor gets an account at the payment provider", enrolled),
)
