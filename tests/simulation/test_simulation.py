"""A short run of the simulator, and a quick part of its own exam; ``make simulate`` does more of both."""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from contracts.envelope import Envelope, text_headers
from tests.simulation.exam import PLANTED, examined
from tests.simulation.faults import Fault
from tests.simulation.shrink import shrunk
from tests.simulation.simulation import Plan, Simulation, many_runs, run
from workers.engine.parking import PARKED
from workers.ops.replay.plan import Mode

SEEDS = 300
QUICK = [
    "append_given_up",
    "commit_before_publish",
    "copy_judged_again",
    "copy_judged_later",
    "copy_notes_itself",
    "copy_passes_hold",
    "drain_returns_early",
    "effect_without_ledger",
    "effects_not_withheld",
    "event_id_by_chance",
    "fired_id_by_chance",
    "firing_ends_what_was_moved",
    "fuse_parks_first",
    "fuse_settles_in_its_window",
    "garbage_is_dropped",
    "head_not_kept",
    "hold_before_rows",
    "id_stands_for_the_message",
    "late_not_marked",
    "later_event_passes",
    "mark_ends",
    "mark_not_stored",
    "no_ring",
    "no_version_check",
    "outcomes_not_kept",
    "park_without_write",
    "passed_without_note",
    "poison_is_skipped",
    "publish_only_own",
    "refusal_not_written",
    "retry_reorders",
    "rows_before_head",
    "settled_ahead",
    "skipped_not_kept",
    "sms_is_sent_again",
    "timer_fires_early",
    "timer_row_behind_cursor",
    "unknown_is_repeated",
    "unknown_is_written",
    "watermark_not_contiguous",
]
"""Found within a few seeds; the others take ``make simulate EXAM=1``."""
DIGESTS = "from tests.simulation.simulation import Plan, run; print(*(run(Plan(seed))[0].digest() for seed in range(6)))"


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with many_runs():
        yield


def test_no_seed_breaks_a_promise() -> None:
    broken = {seed: found for seed in range(SEEDS) if (found := run(Plan(seed))[1])}

    assert not broken, "\n".join(f"make simulate SEEDS=1 FIRST={seed}: {found[0]}" for seed, found in broken.items())


def test_bad_deploys_trip_the_fuse_and_timers_fire() -> None:
    """The promises of both are about nothing otherwise."""
    deploys = [run(Plan(seed, "registry+deploy"))[0] for seed in range(20)]
    diaries = [run(Plan(seed, "diary+timers"))[0] for seed in range(20)]

    tripped = [each for each in deploys if any(entry.what == "fuse" and entry.details[-1] for entry in each.journal)]
    fired = [each for each in diaries if any(item.get("state") == "fired" for item in each.store.items.values())]
    assert len(tripped) >= 10
    assert {each.deploy.fresh for each in tripped} == {True, False}
    assert len(fired) >= 15


def test_services_follow_one_another_and_race_for_addresses() -> None:
    """What is promised about reactions across services and about lost claims is about nothing otherwise."""
    people = [run(Plan(seed, "people"))[0] for seed in range(20)]
    accounts = [run(Plan(seed, "auth+effects"))[0] for seed in range(20)]

    sent = {(each.kind.split(".")[2], each.actor) for each in _all(people, "commands")}
    assert sent >= {("ApplyKycOutcome", "system:contractor"), ("StartKycSession", "system:kyc"), ("ReviewKycDocument", "system:kyc")}
    assert {"UserErased", "CommandRefused"} <= {each.kind.split(".")[2] for each in _all(accounts, "events")}


def test_leads_become_accounts_and_people_are_erased_to_the_end() -> None:
    leads = [run(Plan(seed, "leads"))[0] for seed in range(20)]
    erasures = [run(Plan(seed, "erasure"))[0] for seed in range(8)]

    said = {each.kind.split(".")[2] for each in _all(leads, "events")}
    assert said >= {"ContactConverted", "DemoReminderDue", "NewsletterConfirmed", "NewsletterRequestLapsed", "NewsletterUnsubscribed"}
    answered = {each.kind.split(".")[2] for each in _all(erasures, "events")}
    assert answered >= {"LeadErased", "RecipientErased", "VisitorErased", "UserErased", "CompanyErasureDeferred"}


def test_sms_go_out_and_the_fate_of_some_is_unknown() -> None:
    """That none of them is sent again is about nothing otherwise."""
    runs = [run(Plan(seed, "notification+sms"))[0] for seed in range(40)]

    assert sum(kind == "sms" for each in runs for kind, _ in each.outside.done) >= 20
    ended = {each.kind.split(".")[2] for each in _all(runs, "events")}
    assert ended >= {"NotificationUnknown", "NotificationDelivered", "NotificationFailed", "NotificationSuppressed"}


def test_records_are_handed_over_once_more() -> None:
    """The promises about replays are about nothing otherwise."""
    often = frozenset({Fault.REPLAYED})
    commands = [run(Plan(seed, "registry", often=often | {Fault.POISON}))[0] for seed in range(20)]
    events = [run(Plan(seed, "registry+effects", often=often))[0] for seed in range(20)]

    modes = {plan.mode for simulation in commands for plan in simulation.replaying.plans.values()}
    copies = [each.replay for each in _all(commands, "commands") if each.replay and each.replay.is_copy]
    told = [each.replay for each in _all(commands, "events") if each.replay]
    assert modes == {Mode.ENSURE, Mode.REDO}
    assert len(copies) > len({each.of for each in copies}), "some were copied twice"
    assert any(each.of for each in told), "what people had skipped was applied from its copy"
    assert any(_parked_copies(simulation) for simulation in commands)
    assert any(each.replay and each.replay.is_copy and each.replay.to for each in _all(events, "events"))


def _parked_copies(simulation: Simulation) -> int:
    rows = [entry.details[1] for entry in simulation.journal if entry.what == "row" and entry.details[0].table == PARKED]
    return sum({"name": "ce_replayat"}.items() <= header.items() for row in rows if row for header in row.get("headers", ()))


def _all(simulations: Iterable[Simulation], topics: str) -> Iterator[Envelope]:
    return (envelope for simulation in simulations for envelope in _envelopes(simulation, topics))


def _envelopes(simulation: Simulation, topics: str) -> Iterator[Envelope]:
    for partition, records in simulation.log.records.items():
        if partition.topic.endswith(topics):
            yield from (Envelope.from_headers(text_headers(record.headers)) for record in records)


@pytest.mark.parametrize("name", QUICK)
def test_a_planted_bug_is_found(name: str) -> None:
    assert examined(PLANTED[name]).took is not None, f"{PLANTED[name].says}: not found in {PLANTED[name].within} seeds"


def test_the_same_seed_is_the_same_run_whatever_the_hash_seed() -> None:
    root = Path(__file__).parents[2]
    answers = set()
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(root), "PYTHONWARNINGS": "ignore"}
        ran = subprocess.run([sys.executable, "-c", DIGESTS], cwd=root, env=environment, capture_output=True, text=True, check=True)
        answers.add(ran.stdout)

    assert len(answers) == 1
    assert len(set(answers.pop().split())) == 6


def test_another_seed_is_another_run() -> None:
    assert run(Plan(1))[0].digest() == run(Plan(1))[0].digest() != run(Plan(2))[0].digest()


def test_a_failing_run_is_made_smaller_and_still_fails() -> None:
    with PLANTED["outcomes_not_kept"].in_place():
        seed = next(seed for seed in range(50) if run(Plan(seed))[1])
        whole = run(Plan(seed))[0]
        small, broken = shrunk(Plan(seed))
        left = run(small)

    assert broken
    assert left[1]
    assert len(left[0].sent) < len(whole.sent)
