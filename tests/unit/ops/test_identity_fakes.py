"""The fakes of Veriff and Onfido held against the facts and the payload files, and spoken to by the adapters and the ingress."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from contracts.clear import Clear
from contracts.kyc import ProviderOutcome, RecordKycDecision, RecordKycProgress, RefreshKycDecision
from contracts.types import ContractorId, KycSessionId
from tests.support.waiting import eventually
from tests.unit.ingress.doubles import ONFIDO_SECRETS, USER, VERIFF_KEY, VERIFF_SECRETS, Ingress
from workers.adapters.onfido import Onfido
from workers.adapters.veriff import Veriff
from workers.ops.fakes.courier import Courier
from workers.ops.fakes.identity import IdentityFake, Step
from workers.ops.fakes.identity_faults import Fault
from workers.ops.fakes.stripe.policy import DeliveryFaults
from workers.ops.fakes.veriff import API_KEY, CODES, NotPossible
from workers.services.kyc.ports import CreatedSession, Lost, ProviderDecision, Refusal, SessionRequest, Unavailable, Undecided

ROOT = Path(__file__).parents[3]
PAYLOADS = ROOT / "tests" / "payloads"
SESSION = KycSessionId("33333333-3333-4333-8333-333333333333")
CONTRACTOR = ContractorId("22222222-2222-4222-8222-222222222222")
SARAH = SessionRequest(SESSION, CONTRACTOR, Clear("Sarah Morgan"), "GB", "test")
CALLBACK = "https://app.example.com/kyc/return"
NOT_TOLD = {"baseUrl"}
"""Shown by the sample alone, beside what the reference lists."""


def payload(provider: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((PAYLOADS / provider / f"{name}.json").read_text(encoding="utf-8"))
    return found


class World:
    """The fakes before an ingress in memory, and the adapters that call them."""

    def __init__(self, patience: float = 30.0) -> None:
        self.ingress = Ingress()
        # Webhooks come as if the fake had an address.
        self.fake = IdentityFake(Courier(transport=httpx.ASGITransport(self.ingress.app, raise_app_exceptions=False)))
        self.fake.veriff.api_key = VERIFF_KEY
        self.fake.veriff.now = self.fake.onfido.now = self.now
        self.fake.listen("http://ingress", VERIFF_SECRETS, ONFIDO_SECRETS)
        self.veriff = Veriff(VERIFF_KEY, VERIFF_SECRETS[0], CALLBACK, timeout=patience, transport=httpx.ASGITransport(self.fake.veriff))
        token, workflow = self.fake.onfido.token, self.fake.onfido.workflow
        self.onfido = Onfido(token, workflow, CALLBACK, timeout=patience, transport=httpx.ASGITransport(self.fake.onfido))

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.ingress.clock.at / 1000, UTC)

    async def created(self, provider: str) -> str:
        """A session at the provider, and kyc's row of it."""
        answer = await (self.veriff if provider == "veriff" else self.onfido).create_session(SARAH)
        assert isinstance(answer, CreatedSession)
        self.ingress.put("kyc-sessions", SESSION, {"id": SESSION, "userId": USER, "veriffSessionId": answer.reference})
        return answer.reference

    @property
    def statuses(self) -> list[int | None]:
        return [attempt.status for attempt in self.fake.courier.attempts]

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(attempt.body) for attempt in self.fake.courier.attempts]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with opened(World()) as made:
        yield made


@asynccontextmanager
async def opened(made: World) -> AsyncIterator[World]:
    async with made.ingress.http, made.veriff, made.onfido:
        yield made
    made.fake.veriff.faults.clear()


def shape(sample: Any, given: Any, where: str = "") -> list[str]:
    """What of ``sample`` the fake does not have, or has with another type. Null may stand for anything."""
    if isinstance(sample, Mapping) and isinstance(given, Mapping):
        missing = [f"{where}.{name}" for name in sample if name not in given and name not in NOT_TOLD]
        return missing + [found for name in sample if name in given for found in shape(sample[name], given[name], f"{where}.{name}")]
    if sample is None or given is None or type(sample) is type(given):
        return []
    return [f"{where}: {type(sample).__name__} and not {type(given).__name__}"]


# --- against the facts and the payloads ----------------------------------------------------------------------------


async def test_a_created_session_looks_like_the_sample() -> None:
    async with opened(World()) as world, httpx.AsyncClient(transport=httpx.ASGITransport(world.fake.veriff), base_url="http://v") as http:
        request = payload("veriff", "create_session_request")
        answer = await http.post("/v1/sessions", json=request, headers={"X-AUTH-CLIENT": VERIFF_KEY})
        assert answer.status_code == 201
        assert shape(payload("veriff", "veriff-create-session-success"), answer.json()) == []
        facts = {"id", "url", "vendorData", "host", "status", "sessionToken"}
        assert answer.json()["verification"].keys() == facts
        assert (answer.json()["verification"]["status"], answer.json()["verification"]["vendorData"]) == ("created", SESSION)
        least = await http.post("/v1/sessions", json={"verification": {}}, headers={"X-AUTH-CLIENT": VERIFF_KEY})
        assert least.status_code == 201
        plain = {"verification": {"callback": "http://app.example.com"}}
        assert (await http.post("/v1/sessions", json=plain, headers={"X-AUTH-CLIENT": VERIFF_KEY})).status_code == 400
        assert (await http.post("/v1/sessions", json=request, headers={"X-AUTH-CLIENT": "other"})).status_code == 401


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("decision_9001_approved", Step.APPROVE),
        ("decision_9102_declined", Step.DECLINE),
        ("decision_9103_resubmission", Step.RESUBMIT),
        ("decision_9104_expired", Step.EXPIRE),
        ("decision_9104_abandoned", Step.ABANDON),
        ("decision_9121_review", Step.REVIEW),
        ("decision-incomplete", Step.APPROVE),
    ],
)
async def test_a_decision_looks_like_the_sample(world: World, name: str, step: Step) -> None:
    await world.created("veriff")
    world.fake.take(SESSION, step)
    await world.fake.courier.flush()
    sample, given = payload("veriff", name), world.bodies[-1]
    sample["verification"]["person"].pop("addresses", None)
    sample["verification"]["document"] = dict.fromkeys(("type", "number", "country", "validFrom", "validUntil"))
    assert shape(sample, given) == []
    assert [given["verification"][part] for part in ("code", "status", "vendorData")] == [
        sample["verification"]["code"],
        sample["verification"]["status"],
        SESSION,
    ]


async def test_events_look_like_the_samples_and_creation_is_never_told(world: World) -> None:
    await world.created("veriff")
    await world.fake.courier.flush()
    assert world.bodies == []
    world.fake.take(SESSION, Step.START)
    world.fake.take(SESSION, Step.SUBMIT)
    await world.fake.courier.flush()
    started, submitted = world.bodies
    assert started.keys() == payload("veriff", "event_7001_started").keys()
    assert shape(payload("veriff", "event-attempt"), submitted) == []
    assert [(body["code"], body["action"]) for body in world.bodies] == [(7001, "started"), (7002, "submitted")]


async def test_onfidos_deliveries_look_like_the_samples(world: World) -> None:
    await world.created("onfido")
    world.fake.take(SESSION, Step.APPROVE)
    check = world.fake.onfido.complete_check("clear", [f"kycSessionId:{SESSION}"])
    await world.fake.courier.flush()
    by_action = {body["payload"]["action"]: body for body in world.bodies}
    assert shape(payload("onfido", "workflow_run.completed"), by_action["workflow_run.completed"]) == []
    assert shape(payload("onfido", "check.completed"), by_action["check.completed"]) == []
    assert shape(payload("onfido", "check_resource_clear"), check) == []
    task = payload("onfido", "workflow_task.completed.list_output")["payload"]["object"]
    assert shape(task, by_action["workflow_task.completed"]["payload"]["object"]) == []
    assert "result" not in by_action["check.completed"]["payload"]["object"]


def test_codes_are_those_of_the_facts() -> None:
    files = [payload("veriff", path.stem)["verification"] for path in (PAYLOADS / "veriff").glob("decision_*.json")]
    assert {decision["status"]: decision["code"] for decision in files} == CODES


async def test_a_resubmission_leaves_the_session_open_and_the_next_attempt_is_another(world: World) -> None:
    reference = await world.created("veriff")
    assert world.fake.take(SESSION, Step.RESUBMIT) == reference
    assert world.fake.take(reference, Step.APPROVE) == reference
    session = world.fake.veriff.sessions[reference]
    assert len(set(session.attempts)) == 2
    with pytest.raises(NotPossible, match="it is approved"):
        world.fake.take(SESSION, Step.DECLINE)
    first = session.decision
    assert first is not None
    second = world.fake.veriff.decide(session, "declined", override=True)
    assert second["decisionTime"] > first["decisionTime"]


# --- with the adapters ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", ["veriff", "onfido"])
async def test_created_polled_and_decided(world: World, provider: str) -> None:
    adapter = world.veriff if provider == "veriff" else world.onfido
    reference = await world.created(provider)
    assert await adapter.fetch_decision(reference) == Undecided()
    world.fake.take(SESSION, Step.APPROVE)
    answer = await adapter.fetch_decision(reference)
    assert isinstance(answer, ProviderDecision)
    assert answer.outcome is ProviderOutcome.APPROVED
    missing = await adapter.fetch_decision("nobody")
    assert isinstance(missing, Refusal)
    assert missing.status == 404


async def test_a_check_is_fetched_by_its_id(world: World) -> None:
    check = world.fake.onfido.complete_check("consider")
    answer = await world.onfido.fetch_decision(check["id"])
    assert isinstance(answer, ProviderDecision)
    assert answer.outcome is ProviderOutcome.REVIEW


@pytest.mark.parametrize("provider", ["veriff", "onfido"])
@pytest.mark.parametrize(
    ("fault", "kind", "made"),
    [
        (Fault.RATE_LIMITED, Unavailable, 0),
        (Fault.SERVER_ERROR, Lost, 0),
        (Fault.SERVER_ERROR_AFTER, Lost, 1),
        (Fault.WEB_PAGE, Lost, 1),
        (Fault.BROKEN, Lost, 1),
    ],
)
async def test_faults_and_what_they_leave_behind(world: World, provider: str, fault: Fault, kind: type[object], made: int) -> None:
    fake, adapter = (world.fake.veriff, world.veriff) if provider == "veriff" else (world.fake.onfido, world.onfido)
    fake.faults.plan(fault)
    assert isinstance(await adapter.create_session(SARAH), kind)
    kept = world.fake.veriff.sessions if provider == "veriff" else world.fake.onfido.applicants
    assert len(kept) == made
    assert isinstance(await adapter.create_session(SARAH), CreatedSession)
    assert len(kept) == made + 1


@pytest.mark.parametrize(("fault", "made"), [(Fault.SLOW, 0), (Fault.TIMEOUT_AFTER, 1)])
async def test_a_call_that_gets_no_answer_in_time(fault: Fault, made: int) -> None:
    async with opened(World(patience=0.05)) as world:
        world.fake.veriff.faults.plan(fault)
        assert isinstance(await world.veriff.create_session(SARAH), Lost)
        assert len(world.fake.veriff.sessions) == made


# --- with the ingress ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", ["veriff", "onfido"])
async def test_its_webhooks_are_taken(world: World, provider: str) -> None:
    await world.created(provider)
    world.fake.take(SESSION, Step.APPROVE)
    await world.fake.courier.flush()
    assert set(world.statuses) == {200}
    kinds = [type(command.data) for command in world.ingress.commands]
    assert kinds == [RecordKycProgress, RecordKycProgress, RecordKycDecision]


async def test_a_check_makes_us_ask(world: World) -> None:
    check = world.fake.onfido.complete_check("clear")
    world.ingress.put("kyc-sessions", SESSION, {"id": SESSION, "userId": USER, "veriffSessionId": check["id"]})
    await world.fake.courier.flush()
    assert [command.data for command in world.ingress.commands] == [RefreshKycDecision(kyc_session_id=SESSION)]


async def test_webhooks_doubled_reordered_late_and_lost_all_arrive_and_are_known_by_their_ids(world: World) -> None:
    world.fake.courier.faults = DeliveryFaults(duplicate=1.0, reorder=0.5, delay=0.5, lose=0.5)
    await world.created("veriff")
    world.fake.take(SESSION, Step.RESUBMIT)
    world.fake.take(SESSION, Step.APPROVE)
    await world.fake.courier.flush()
    assert world.fake.courier.owed == []
    assert None in world.statuses
    ids = [command.envelope.id for command in world.ingress.commands]
    assert (len(ids), len(set(ids))) == (12, 6)


async def test_what_is_refused_is_owed_until_it_is_taken(world: World) -> None:
    reference = await world.created("veriff")
    world.fake.veriff.secrets = ("another secret",)
    world.fake.take(reference, Step.START)
    await world.fake.courier.deliver_all()
    assert (world.statuses, len(world.fake.courier.owed)) == ([400], 1)
    world.fake.veriff.secrets = VERIFF_SECRETS
    await world.fake.courier.deliver_all()
    assert (world.statuses, world.fake.courier.owed) == ([400, 200], [])


async def test_they_leave_by_themselves(world: World) -> None:
    await world.created("veriff")
    async with world.fake.delivering():
        world.fake.take(SESSION, Step.START)
        await eventually(lambda: world.statuses == [200], what=lambda: world.statuses)


# --- its controls --------------------------------------------------------------------------------------------------


async def test_the_controls_over_http(world: World) -> None:
    reference = await world.created("veriff")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(world.fake), base_url="http://fake") as http:
        approved = await http.post(f"/_fake/sessions/{SESSION}/approve")
        assert (approved.status_code, approved.json()) == (200, {"id": reference})
        assert (await http.post(f"/_fake/sessions/{SESSION}/decline")).status_code == 409
        assert (await http.post("/_fake/sessions/nobody/approve")).status_code == 409
        assert (await http.post(f"/_fake/sessions/{SESSION}/explode")).status_code == 400
        assert (await http.post("/_fake/deliveries/faults", json={"duplicate": 2})).status_code == 400
        assert (await http.post("/_fake/faults", json={"provider": "veriff", "fault": "server_error"})).status_code == 200
        assert (await http.post("/_fake/faults", json={"provider": "other", "fault": "slow"})).status_code == 409
        assert (await http.request("DELETE", "/_fake/faults")).status_code == 200
        assert (await http.post("/_fake/webhooks", json={})).status_code == 409
        listening = {"ingress": "http://ingress", "veriff_secrets": VERIFF_SECRETS, "onfido_secrets": ONFIDO_SECRETS}
        assert (await http.post("/_fake/webhooks", json=listening)).status_code == 200
        assert (await http.post("/_fake/deliveries/flush")).json() == {"attempts": 3, "owed": 0}
        state = (await http.get("/_fake/state")).json()
        assert state["veriff"] == {"sessions": 1, "calls": {"POST /v1/sessions": 1}}
        made = await http.post("/veriff/v1/sessions", json={"verification": {}}, headers={"X-AUTH-CLIENT": VERIFF_KEY})
        assert made.status_code == 201


async def test_as_a_process_it_says_where_it_answers_and_ends_when_told() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "workers.ops.fakes.identity", "--port", "0", cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            told = json.loads(await process.stdout.readline())
            async with httpx.AsyncClient(trust_env=False) as http:
                created = await http.post(f"{told['veriff']}/v1/sessions", json={"verification": {}}, headers={"X-AUTH-CLIENT": API_KEY})
                assert created.status_code == 201
                assert (await http.get(f"{told['onfido']}/v3.6/checks/1")).status_code == 401
            process.terminate()
            assert await process.wait() in (0, -signal.SIGTERM)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
