"""The outside of people and companies: identity checks, a business registry, keys, pictures. Everything of it may be asked again."""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

from contracts.analytics import VisitId
from contracts.clear import Clear, Redacted
from contracts.client import CompanyNumber, Jurisdiction
from contracts.file import ObjectKey
from contracts.ids import derived, webhook_command_id
from contracts.kyc import KycProvider, ProviderOutcome, RecordKycDecision, RecordKycProgress, raw_body_key
from contracts.sealed import KeysUnavailable
from contracts.timestamps import decision_time, from_milliseconds
from contracts.types import DecisionTime, Hash, KycSessionId, Purpose, UserId
from tests.simulation.draws_auth import sealed
from tests.simulation.draws_client import NAME
from tests.simulation.providers import Outside, Webhook
from workers.services.analytics import ports as visitors
from workers.services.client import ports as registry
from workers.services.kyc import ports as kyc
from workers.services.user.ports import AvatarStoreUnavailableError

R = TypeVar("R")
VISITS, EVENTS = 3, 7
"""Of each person."""
OUTCOMES = (ProviderOutcome.APPROVED, ProviderOutcome.APPROVED, *ProviderOutcome)


class SimulatedChecks:
    """One provider, with its seals and records. A creation has no key: asked again it makes one more session, and its person may be sent
    to any of them. What it decides it says by webhook, and again when asked."""

    def __init__(self, outside: Outside, provider: KycProvider, say: Webhook) -> None:
        self._outside, self._provider, self._say = outside, provider, say
        self._decided: dict[str, kyc.ProviderDecision] = {}
        self._deliveries = self._made = 0
        self.checks = self.seals = self
        self.records = SimulatedRecords(outside)

    async def create_session(self, request: kyc.SessionRequest) -> kyc.CreatedSession | kyc.Problem:
        def make() -> kyc.CreatedSession:
            self._made += 1
            reference = f"{self._provider}_{self._made}"
            self._outside.network.late(1.0, lambda: self._person(request.kyc_session_id, reference))
            return kyc.CreatedSession(reference, Clear(f"https://check.example/{reference}"))

        if self._outside.network.spread(1.0) < 0.05:
            return kyc.Refusal(400, "http_400")
        return _answer(await self._outside.call(make))

    async def fetch_decision(self, reference: str) -> kyc.ProviderDecision | kyc.Undecided | kyc.Problem:
        return _answer(await self._outside.call(lambda: self._decided.get(reference, kyc.Undecided())))

    def _person(self, session: KycSessionId, reference: str) -> None:
        """Starts, submits, and is judged, mostly; the provider may think otherwise later."""
        for code in ("7001", "7002"):
            self._deliver(RecordKycProgress(kyc_session_id=session, veriff_session_id=reference, attempt_id="attempt_0", code=code))
        for at in range(1 + int(self._outside.network.spread(3.0))):
            outcome = OUTCOMES[int(self._outside.network.spread(len(OUTCOMES)))]
            self._decide(session, reference, outcome, decision_time(from_milliseconds(1_767_225_600_000 + at)))

    def _decide(self, session: KycSessionId, reference: str, outcome: ProviderOutcome, at: DecisionTime) -> None:
        body = f"{reference} {outcome} {at}".encode()
        self._decided[reference] = kyc.ProviderDecision(outcome, at, body, attempt_id="attempt_0")
        self._deliver(
            RecordKycDecision(
                kyc_session_id=session,
                provider=self._provider,
                veriff_session_id=reference,
                attempt_id="attempt_0",
                outcome=outcome,
                decision_time=at,
                raw_key=raw_body_key(session, hashlib.sha256(body).hexdigest()),
            )
        )

    def _deliver(self, command: RecordKycDecision | RecordKycProgress) -> None:
        self._deliveries += 1
        self._say(webhook_command_id(self._provider, f"{self._deliveries}", type(command).__name__), command)

    async def open_name(self, sealed: str) -> Clear | Redacted:
        return Clear("Omar")

    async def seal_link(self, url: Clear) -> str:
        return sealed("api", url.reveal(), "reader")


def _answer(answered: tuple[R | None, str]) -> R | kyc.Problem:
    answer, problem = answered
    if answer is None:
        return kyc.Unavailable(problem) if problem == "away" else kyc.Lost(problem)
    return answer


class SimulatedRecords:
    """Bodies and documents: the same again is the same."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    async def keep_body(self, session: KycSessionId, subject: UserId, body: bytes) -> ObjectKey:
        answer, problem = await self._outside.call(lambda: raw_body_key(session, hashlib.sha256(body).hexdigest()))
        if answer is None:
            raise kyc.RecordsUnavailableError(problem)
        return answer

    async def delete(self, keys: Sequence[ObjectKey]) -> None:
        if (await self._outside.call(lambda: True))[0] is None:
            raise kyc.RecordsUnavailableError("simulated")

    async def delete_all(self, session: KycSessionId) -> None:
        await self.delete(())


class SimulatedRegistry:
    """Knows every company under one name, and of some that they are gone."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    async def find(self, jurisdiction: Jurisdiction, number: CompanyNumber) -> registry.RegistryAnswer:
        inactive = (False, False, True, None)[int(self._outside.network.spread(4.0))]
        answer, problem = await self._outside.call(lambda: registry.RegisteredCompany(NAME, jurisdiction, number, inactive))
        return answer or registry.NoAnswer("away", problem)

    async def open(self, sealed: str) -> Clear | Redacted:
        return Clear(NAME)


class SimulatedKeys:
    """A key destroyed twice is destroyed."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    async def destroy(self, subject: str, purpose: Purpose) -> Sequence[int]:
        answer, _ = await self._outside.call(lambda: (1,))
        if answer is None:
            raise KeysUnavailable
        return answer


class SimulatedLeadKeys:
    """A key destroyed twice is destroyed, unless somebody wrote from its address in between: that sealed a generation more."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._gone: dict[Hash, int] = {}

    async def destroy(self, email_hash: Hash) -> int:
        def do() -> int:
            sealed_since = email_hash not in self._gone or self._outside.network.spread(1.0) < 0.3
            self._gone[email_hash] = self._gone.get(email_hash, 0) + sealed_since
            return self._gone[email_hash]

        answer, _ = await self._outside.call(do)
        if answer is None:
            raise KeysUnavailable
        return answer


class SimulatedVisits:
    """Visits of a person and their events. One that was found may be emptied by the next look, or not yet."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._visits: dict[UserId, list[VisitId]] = {}

    async def purge(self, user: UserId) -> visitors.Purged:
        def do() -> visitors.Purged:
            events = 0 if user in self._visits else EVENTS
            left = self._visits.setdefault(user, [VisitId(derived(f"visit:{user}:{n}")) for n in range(VISITS)])
            found = left[: visitors.MOST_VISITS]
            self._visits[user] = [visit for visit in left if visit not in found or self._outside.network.spread(1.0) < 0.3]
            return visitors.Purged(found, events)

        answer, problem = await self._outside.call(do)
        if answer is None:
            raise visitors.VisitRecordsUnavailableError(problem)
        return answer


class SimulatedAvatars:
    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    async def delete(self, key: ObjectKey) -> None:
        if (await self._outside.call(lambda: True))[0] is None:
            raise AvatarStoreUnavailableError

    async def delete_all(self, user: str) -> None:
        if (await self._outside.call(lambda: True))[0] is None:
            raise AvatarStoreUnavailableError
