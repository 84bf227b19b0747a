"""``mindlinks failures`` over a quarantine in memory, filled as roles and the ingress fill it."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import pytest

from contracts.timestamps import from_milliseconds
from tests.support.command_context import CommandContext, invoked
from tests.support.failed_records import KIND, RAISED, SECRET, START, UNREADABLE, FailedRecords
from tests.support.keys import key_ring
from workers.adapters.raw_sealing import OperationsSealer
from workers.adapters.sealing import Sealer
from workers.engine.memory import MemoryStore
from workers.engine.quarantine import FAILURES
from workers.ingress.dependencies import QuarantinedDelivery
from workers.ingress.quarantine import DeliveryQuarantine
from workers.ops import failures, quarantined
from workers.ops.terminal import console

BAD, WELL = str(uuid4()), str(uuid4())
DELIVERY = "evt_1"


@pytest.fixture(scope="module")
def context() -> CommandContext:
    store = MemoryStore()
    ring = key_ring(store)
    sealer = OperationsSealer(Sealer(ring))

    async def fill() -> None:
        made = FailedRecords(store, sealer)
        await made.unreadable(BAD)
        await made.unreadable(WELL)
        await made.unreadable(BAD)
        await made.raised(BAD, since=START - 60_000)
        body = b'{"email": "somebody@example.org"}'
        delivery = QuarantinedDelivery(str(uuid4()), "stripe", DELIVERY, "payout.failed", "unknown_key", "no such account", body, at())
        await DeliveryQuarantine(store, sealer).put(delivery)

    asyncio.run(fill())
    return CommandContext(store, keys=ring)


@pytest.fixture(scope="module")
def sorted_out() -> CommandContext:
    """Of four failures the oldest is open."""
    store = MemoryStore()
    ring = key_ring(store)

    async def fill() -> None:
        made = FailedRecords(store, OperationsSealer(Sealer(ring)))
        for key in (BAD, WELL, WELL):
            await made.unreadable(key)
        await made.raised(WELL)
        newest = sorted((item["lastAt"], ref) for ref, item in store.items.items() if ref.table == FAILURES)
        for state, (_, ref) in zip(("discarded", "skipped", "retried"), newest[1:], strict=True):
            store.items[ref] = {**store.items[ref], "state": state}

    asyncio.run(fill())
    return CommandContext(store, keys=ring)


def at() -> Any:
    return from_milliseconds(START)


def run(context: CommandContext, *arguments: str) -> Any:
    return invoked(failures.add, context, "failures", *arguments)


def answered(context: CommandContext, *arguments: str) -> Any:
    answer = run(context, *arguments, "--json")
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


def test_without_a_filter_fingerprints_are_counted_the_newest_first(context: CommandContext) -> None:
    found = answered(context, "list")
    assert [(each["fingerprint"], each["count"], each["keys"], each["roles"]) for each in found] == [
        (RAISED, 1, 1, ["notification-commands"]),
        (UNREADABLE, 3, 2, ["notification-commands"]),
        ("ingress-stripe/unknown_key", 1, 1, ["ingress-stripe"]),
    ]
    assert (found[0]["first_at"], found[0]["last_at"]) == (from_milliseconds(START - 60_000), from_milliseconds(START + 4))
    assert (found[1]["first_at"], found[1]["last_at"]) == (from_milliseconds(START + 1), from_milliseconds(START + 3))


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (["--fingerprint", UNREADABLE], [BAD, WELL, BAD]),
        (["--service", "notification"], [BAD, BAD, WELL, BAD]),
        (["--service", "notification", "--limit", "2"], [BAD, BAD]),
        (["--service", "ingress"], [DELIVERY]),
        (["--key", WELL], [WELL]),
        (["--key", "nobody"], []),
    ],
)
def test_a_filter_lists_its_failures_newest_first(context: CommandContext, filters: list[str], expected: list[str]) -> None:
    found = answered(context, "list", *filters)
    assert [each["key"] for each in found] == expected
    assert [each["last_at"] for each in found] == sorted((each["last_at"] for each in found), reverse=True)


def test_what_was_decided_is_listed_apart(sorted_out: CommandContext) -> None:
    counts = {decided: answered(sorted_out, "list", *decided) for decided in ((), ("--decided",))}
    assert [(each["fingerprint"], each["count"], each["keys"], each["states"]) for each in counts[()]] == [(UNREADABLE, 1, 1, {"open": 1})]
    assert [(each["fingerprint"], each["count"], each["states"]) for each in counts["--decided",]] == [
        (RAISED, 1, {"retried": 1}),
        (UNREADABLE, 2, {"discarded": 1, "skipped": 1}),
    ]
    for filters in (["--service", "notification"], ["--fingerprint", UNREADABLE], ["--key", BAD]):
        assert [each["state"] for each in answered(sorted_out, "list", *filters)] == ["open"]
    lines = answered(sorted_out, "list", "--service", "notification", "--decided")
    assert [each["state"] for each in lines] == ["retried", "skipped", "discarded"]
    assert answered(sorted_out, "list", "--service", "notification", "--decided", "--limit", "1") == lines[:1]


def test_an_open_failure_is_found_below_many_decided_ones(sorted_out: CommandContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest are decided; a page holds less than they are, and the limit is reached by open ones alone."""
    monkeypatch.setattr(quarantined, "ROWS_A_PAGE", 2)
    (found,) = answered(sorted_out, "list", "--service", "notification", "--limit", "1")
    assert found["state"] == "open"


def test_a_person_sees_states_and_where_the_others_are(sorted_out: CommandContext, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(console, "print", lambda *what, **_: shown.extend(what))
    for arguments in (["--decided"], ["--service", "notification", "--decided"], ["--key", "nobody"]):
        assert run(sorted_out, "list", *arguments).exit_code == 0
    groups, lines, nothing = shown
    assert list(groups.columns[1].cells) == ["retried", "1 skipped, 1 discarded"]
    assert list(lines.columns[1].cells) == ["retried", "skipped", "discarded"]
    assert "--decided" in nothing


def test_two_filters_are_wrong_use(context: CommandContext) -> None:
    assert run(context, "list", "--key", BAD, "--service", "payment").exit_code == 2


def listed(context: CommandContext, fingerprint: str) -> str:
    found: str = answered(context, "list", "--fingerprint", fingerprint)[0]["id"]
    return found


def test_a_readable_failure_shows_its_message_its_error_and_its_times(context: CommandContext) -> None:
    told = answered(context, "show", listed(context, RAISED))
    assert (told["kind"], told["fingerprint"], told["reason"], told["attempts"]) == (KIND, RAISED, "ValueError", 12)
    assert (told["detail"], told["trace"], told["position"]) == ("ValueError: the toy's bug", "a trace", "t/0/4")
    assert (told["firstAt"], told["lastAt"]) == (from_milliseconds(START - 60_000), from_milliseconds(START + 4))
    assert told["message"]["recipientId"] == BAD
    assert told["headers"]["ce_subject"] == BAD
    assert "record" not in told
    assert told["story"] == f"mindlinks story {told['headers']['ce_correlationid']}"
    assert told["line"] == [{"position": "t/0/4", "state": "quarantined", "attempts": 12, "next_attempt_at": from_milliseconds(START)}]


@pytest.mark.parametrize("fingerprint", [UNREADABLE, "ingress-stripe/unknown_key"])
def test_bytes_nobody_could_read_are_withheld_unless_asked_for(context: CommandContext, fingerprint: str) -> None:
    failure = listed(context, fingerprint)
    plain, raw = run(context, "show", failure, "--json").stdout, run(context, "show", failure, "--json", "--raw").stdout
    assert "withheld" in plain
    for clear in ("somebody", "base64", "ce_id"):
        assert clear not in plain
    if fingerprint == UNREADABLE:
        told = json.loads(raw)["raw"]
        assert (told["key"], dict(told["headers"])["ce_type"]) == (BAD, KIND)
        assert told["value"] == "base64:" + "/3NvbWVib2R5QGV4YW1wbGUub3Jn"
        assert SECRET.startswith(b"\xff")
    else:
        assert json.loads(raw)["raw"] == '{"email": "somebody@example.org"}'


def test_a_failure_that_is_not_there_is_a_fault_that_says_what_to_do(context: CommandContext, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[Any] = []
    monkeypatch.setattr(console, "print", lambda *what, **_: said.extend(what))
    assert run(context, "show", "nothing").exit_code == 1
    assert "mindlinks failures list" in said[0]


def test_a_person_sees_a_table(context: CommandContext, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(console, "print", lambda *what, **_: shown.extend(what))
    assert run(context, "list").exit_code == 0
    assert run(context, "list", "--key", BAD).exit_code == 0
    groups, lines = shown
    assert list(groups.columns[0].cells) == ["1", "3", "1"]
    assert list(groups.columns[1].cells) == ["open"] * 3
    assert list(groups.columns[6].cells)[:2] == [RAISED, UNREADABLE]
    assert list(lines.columns[4].cells) == [BAD] * 3
    assert run(context, "show", listed(context, RAISED)).exit_code == 0
    assert f"fingerprint: {RAISED}" in shown[2:]


def test_help_has_examples(context: CommandContext) -> None:
    for command in ("list", "show"):
        assert f"mindlinks failures {command}" in " ".join(run(context, command, "--help").stdout.split())


# --- decisions, said on the command line -------------------------------------------------------------------------------


def test_a_decision_needs_a_reason_and_one_failure(context: CommandContext) -> None:
    failure = answered(context, "list", "--key", WELL)[0]["id"]
    assert "--why" in run(context, "discard", failure).output
    assert "say one of" in run(context, "retry", failure, "--key", WELL, "--why", "mended").output
    assert "--set or --data" in run(context, "edit", failure, "--why", "typing error").output


def test_a_delivery_is_discarded_with_nothing_said_in_a_topic(context: CommandContext) -> None:
    failure = answered(context, "list", "--service", "ingress")[0]["id"]
    (decided,) = answered(context, "discard", failure, "--why", "an account of a test")
    assert decided == {"failure": failure, "state": "discarded", "command": "", "note": ""}
    again = run(context, "discard", failure, "--why", "an account of a test")
    assert again.exit_code == 1


def test_what_cannot_be_decided_does_not_stop_those_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStore()
    ring = key_ring(store)

    async def fill() -> None:
        made = FailedRecords(store, OperationsSealer(Sealer(ring)))
        for _ in range(4):
            await made.raised(WELL)

    asyncio.run(fill())
    context, refs = CommandContext(store, keys=ring), sorted((ref for ref in store.items if ref.table == FAILURES), key=str)
    begun = {"decidedBy": "omar", "decidedAt": at(), "decidedWhy": "typing error"}
    for ref, state in zip(refs, ({"state": "begun", "decision": "skipped"}, {"state": "begun", "decision": "retried"}), strict=False):
        store.items[ref] = {**store.items[ref], **state, **begun}
    store.items[refs[2]] = {**store.items[refs[2]], "state": "discarded"}
    assert answered(context, "list")[0]["states"] == {"begun": 2, "open": 1}
    shown: list[Any] = []
    monkeypatch.setattr(console, "print", lambda *what, **_: shown.extend(what))
    answer = run(context, "retry", "--fingerprint", RAISED, "--why", "mended", "--yes", "--json")
    assert answer.exit_code == 1
    assert {each["failure"] for each in json.loads(answer.stdout)} == {refs[1].key, refs[3].key}
    (refused,) = [line for line in shown if "not decided" in str(line)]
    assert f"Finish that first: mindlinks failures skip {refs[0].key}" in refused
    assert [store.items[ref]["state"] for ref in refs] == ["begun", "retried", "discarded", "retried"]


def test_exported_nothing_personal_is_readable(context: CommandContext) -> None:
    lines = run(context, "export", "--service", "notification").stdout.splitlines()
    assert len(lines) == 4
    assert all("somebody@example.org" not in line and json.loads(line)["service"] == "notification" for line in lines)
