"""Whether the story was played as section 16 has it: every command, event and timer of each step, nothing beyond, and in its order."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from contracts.message import CommandData
from contracts.payment.commands import RecordPayout
from contracts.payment.events import PayoutFailed
from contracts.platform import CommandRefused, CommandSettled, TimerCancelled, TimerScheduled
from workers.ops.demo import steps
from workers.ops.demo.evidence import Check, Evidence
from workers.ops.demo.observer import Observer, Seen
from workers.ops.dev.seeding import SOURCE as SEEDED

PLATFORM = (CommandSettled, CommandRefused, TimerScheduled, TimerCancelled)
BESIDE = frozenset({"notification", "analytics"})
"""Services whose events are counted by messages and metrics."""


def played(evidence: Evidence) -> Iterator[Check]:
    log = evidence.log
    yield from _said(log)
    wanted, found = _wanted_events(), _events(log)
    yield Check("events of the story that are missing", [], sorted((wanted - found).elements()))
    yield Check("events beyond the story, or twice", [], sorted((found - wanted).elements()))
    timers = {timer for step in steps.STEPS for line in step for timer in line.timers}
    yield Check("timers of the story that are missing", [], sorted(timers - _timers(log)))
    yield Check("steps in their order", True, _ordered(log))
    yield from _payouts(log)


def _said(log: Observer) -> Iterator[Check]:
    """One check a step, so that the step is named."""
    found = {(f"{seen.service}.{seen.name}", origin(seen)) for seen in log.commands.values()}
    for number, step in enumerate(steps.STEPS, 1):
        missing = [f"{line.command} by {by}" for line in step for by in line.by if (line.command, by) not in found]
        yield Check(f"commands of step {number} that nobody said", [], missing)


def origin(command: Seen) -> str:
    source = command.envelope.source
    if source.startswith("/mindlinks/ingress/api"):
        return steps.UP
    if source.startswith("/mindlinks/ingress/"):
        return f"webhook of {source.rpartition('/')[2]}"
    return steps.FX if source.endswith("/effects") else steps.RE


def _wanted_events() -> Counter[str]:
    return Counter(event for step in steps.STEPS for line in step for event in line.events)


def _events(log: Observer) -> Counter[str]:
    return Counter(seen.name for seen in log.events.values() if _is_of_story(log, seen))


def _is_of_story(log: Observer, seen: Seen) -> bool:
    command = log.commands.get(seen.envelope.causation_id)
    beside = isinstance(seen.data, PLATFORM) or seen.service in BESIDE or seen.name in steps.ANY_NUMBER
    return not beside and (command is None or command.envelope.source != SEEDED)


def _timers(log: Observer) -> set[str]:
    return {f"+{each.timer}" for each in log.all(TimerScheduled)} | {f"-{each.timer}" for each in log.all(TimerCancelled)}


def _ordered(log: Observer) -> bool:
    """By the first command of each step as the log stamped it. A command of several steps stands for the step that comes to it first:
    steps that begin alike (1 and 5) tell nothing of each other."""
    began: dict[str, int] = {}
    for seen in log.commands.values():
        if isinstance(seen.data, CommandData):
            name = f"{seen.service}.{seen.name}"
            began[name] = min(began.get(name, seen.at), seen.at)
    firsts = list(dict.fromkeys(step[0].command for step in steps.STEPS))
    times = [began[name] for name in firsts if name in began]
    return len(times) == len(firsts) and all(before <= after for before, after in pairwise(times))


def _payouts(log: Observer) -> Iterator[Check]:
    """The one that comes back: all that Stripe says of it, and that it had been paid."""
    failed = log.all(PayoutFailed)
    yield Check("payouts that came back after they were paid", [True], [each.was_paid for each in failed])
    back = {each.payout_id for each in failed}
    said = {seen.data.status for seen in log.commands.values() if isinstance(seen.data, RecordPayout) and seen.data.payout_id in back}
    yield Check("what Stripe said of it", sorted(steps.PAYOUTS), sorted(said))
