"""Deliveries of one session in any order, again and again, through the real router onto the log, judged by kyc's real decisions."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.kyc import KycProvider, RecordKycSessionCreated, StartKycSession
from contracts.message import CommandData
from contracts.types import CommandId, ContractorId, UserId
from tests.support.oracle import START, Oracle
from tests.unit.ingress.doubles import CONTRACTOR, USER, Ingress
from tests.unit.ingress.kyc_deliveries import RUN, SESSION, VERIFF_ID, known, onfido_payload, veriff_payload
from workers.services.kyc.case import CASES
from workers.services.kyc.service import SERVICE

NAME, LINK = f"s1.subject.{USER}.1.QUJD", "s1.reader.api.1.QUJD"
ATTEMPTS = st.sampled_from(["attempt-1", "attempt-2", "attempt-3"])
STATUSES = st.sampled_from(["9001_approved", "9102_declined", "9103_resubmission", "9104_expired", "9104_abandoned", "9121_review"])
SECONDS = st.integers(0, 9)

Told = tuple[str, bytes]


def decided(status: str, attempt: str, second: int) -> Told:
    return "veriff", veriff_payload(f"decision_{status}", attemptId=attempt, decisionTime=f"2026-11-20T10:00:0{second}.000001Z")


def happened(code: int, attempt: str) -> Told:
    return "veriff", veriff_payload("event_7001_started", code=code, attemptId=attempt)


def run(status: str, second: int) -> Told:
    time = f"2026-11-20T10:15:0{second}Z"
    return "onfido", onfido_payload("workflow_run.completed", status=status, completed_at_iso8601=time)


def task(action: str, second: int) -> Told:
    name, changes = (
        "workflow_task.completed.object_output",
        {"workflow_run_id": RUN, "completed_at_iso8601": f"2026-11-20T10:14:0{second}Z"},
    )
    return "onfido", onfido_payload(name, action=action, resource={"workflow_run_id": RUN}, **changes)


VERIFF = st.one_of(
    st.builds(decided, STATUSES, ATTEMPTS, SECONDS), st.builds(happened, st.sampled_from([7001, 7002, 7003, 7005]), ATTEMPTS)
)
ONFIDO = st.one_of(
    st.builds(run, st.sampled_from(["approved", "declined", "review", "abandoned", "error", "processing"]), SECONDS),
    st.builds(task, st.sampled_from(["workflow_task.started", "workflow_task.completed", "report.completed"]), SECONDS),
)


def begun(provider: KycProvider) -> Oracle:
    oracle = Oracle(SERVICE)
    start = StartKycSession(
        kyc_session_id=SESSION,
        contractor_id=ContractorId(CONTRACTOR),
        user_id=UserId(USER),
        provider=provider,
        country="GB",
        name=NAME,
    )
    reference = VERIFF_ID if provider is KycProvider.VERIFF else RUN
    for command in (start, RecordKycSessionCreated(kyc_session_id=SESSION, veriff_session_id=reference, session_url=LINK)):
        oracle.send(command, actor="system:kyc")
    return oracle


def ended(provider: KycProvider, told: Sequence[Told]) -> tuple[dict[str, Any], set[str]]:
    """The session's row once all of it was delivered and judged, and the keys of the bodies kept."""
    ingress = known(Ingress(), VERIFF_ID if provider is KycProvider.VERIFF else RUN)

    async def deliver() -> None:
        async with ingress.http:
            for who, body in told:
                answer = await (ingress.veriff(body) if who == "veriff" else ingress.onfido(body))
                assert answer.status_code == 200, answer.text

    asyncio.run(deliver())
    oracle = begun(provider)
    seen: set[str] = set()
    for command in ingress.commands:
        assert isinstance(command.data, CommandData)
        if command.envelope.id in seen:
            continue  # the engine knows it by its id, so an id that two facts share would lose one of them
        seen.add(command.envelope.id)
        oracle.send(command.data, actor=command.envelope.actor, at=START, id=CommandId(command.envelope.id))
    return _settled(oracle.items[CASES.root(SESSION)]), set(ingress.bodies.kept)


def _settled(row: Mapping[str, Any]) -> dict[str, Any]:
    """The end that people see. How many attempts a closed session saw depends on what came before its end."""
    result = row.get("verificationResult") or {}
    closed = row["status"] in ("verified", "rejected", "expired")
    # Of two expiries the first one told stands; they differ in their words alone.
    expired = row["status"] == "expired"
    return {
        "status": row["status"],
        "reviewState": row.get("reviewState", "none"),
        "decisionTime": None if expired else row.get("decisionTime"),
        "result": None if expired else result.get("status"),
        "attempt": None if closed else row.get("attempt"),
        "rawKeys": sorted(row.get("rawKeys", ())),
    }


def same_end(provider: KycProvider, told: list[Told], data: st.DataObject) -> None:
    again = data.draw(st.lists(st.sampled_from(told), max_size=4))
    expected, kept = ended(provider, told)
    found, found_kept = ended(provider, data.draw(st.permutations([*told, *again])))
    assert (found, found_kept) == (expected, kept)
    # Whatever lies in S3 is known to the session, so it is destroyed with it.
    assert set(expected["rawKeys"]) == kept


@settings(max_examples=60, deadline=None)
@given(st.lists(VERIFF, min_size=1, max_size=6, unique_by=lambda told: said(told)), st.data())
def test_veriffs_deliveries_end_the_same_in_any_order_and_number(told: list[Told], data: st.DataObject) -> None:
    same_end(KycProvider.VERIFF, told, data)


@settings(max_examples=60, deadline=None)
@given(st.lists(ONFIDO, min_size=1, max_size=6, unique_by=lambda told: said(told)), st.data())
def test_onfidos_deliveries_end_the_same_in_any_order_and_number(told: list[Told], data: st.DataObject) -> None:
    same_end(KycProvider.ONFIDO, told, data)


def said(told: Told) -> str:
    """A provider says one thing of one moment: what bears the same delivery id is the same."""
    provider, body = told
    content = json.loads(body)
    if provider == "onfido":
        payload = content["payload"]
        return f"{payload['action']} {payload['object']['id']} {payload['object']['completed_at_iso8601']}"
    part = content.get("verification", content)
    return f"{part['attemptId']} {part['code']} {part.get('decisionTime')}"


def test_a_resubmitted_then_approved_session_is_verified_even_backwards() -> None:
    story = [
        happened(7001, "attempt-1"),
        happened(7002, "attempt-1"),
        decided("9103_resubmission", "attempt-1", 1),
        happened(7001, "attempt-2"),
        happened(7002, "attempt-2"),
        decided("9001_approved", "attempt-2", 2),
    ]
    for order in (story, story[::-1], story * 2):
        row, kept = ended(KycProvider.VERIFF, order)
        assert (row["status"], row["reviewState"], len(kept)) == ("verified", "none", 2)


def test_the_same_verdict_of_two_moments_is_two_deliveries() -> None:
    """Approved, rejected, approved again: the last one counts, and an id without the time would take it for the first."""
    story = [decided("9001_approved", "attempt-1", 1), decided("9102_declined", "attempt-1", 2), decided("9001_approved", "attempt-1", 3)]
    for order in (story, story[::-1], story * 2):
        row, kept = ended(KycProvider.VERIFF, order)
        assert (row["status"], row["decisionTime"], len(kept)) == ("verified", "2026-11-20T10:00:03.000001Z", 3)


def test_an_override_by_support_counts_and_a_replay_of_the_former_does_not() -> None:
    approved, declined = decided("9001_approved", "attempt-1", 1), decided("9102_declined", "attempt-1", 2)
    for order in ([approved, declined], [declined, approved], [approved, declined, approved]):
        row, _ = ended(KycProvider.VERIFF, order)
        assert (row["status"], row["decisionTime"]) == ("rejected", "2026-11-20T10:00:02.000001Z")
