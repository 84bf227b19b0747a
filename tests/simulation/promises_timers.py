"""What design section 3.6 promises about timers: never early, never lost, moved, called off, fired twice without harm."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from contracts.envelope import Envelope, text_headers
from contracts.ids import fired_command_id
from contracts.platform import TimerCancelled, TimerScheduled
from contracts.timestamps import to_milliseconds
from contracts.topics import commands_topic
from contracts.types import Timestamp
from tests.simulation.judge import Evidence, Publication
from tests.simulation.log import EPOCH
from workers.engine.decision import ItemRef
from workers.engine.record import Record
from workers.engine.runtime import RoleName
from workers.engine.timer_rows import ACTOR, DUE_FIELD, TIMERS


@dataclass(frozen=True, slots=True)
class Said:
    """One word about a timer, as first published."""

    data: TimerScheduled | TimerCancelled
    sequence: str
    publication: Publication

    @property
    def due(self) -> Timestamp | None:
        return self.data.due_at if isinstance(self.data, TimerScheduled) else None


@dataclass(frozen=True, slots=True)
class Firing:
    record: Record
    envelope: Envelope
    value: Mapping[str, Any]


def timers_kept(evidence: Evidence) -> Iterator[str]:
    if RoleName.TIMERS not in evidence.roles:
        return
    words, firings = _words(evidence), _firings(evidence)
    yield from _as_scheduled(words, firings)
    yield from _never_early(firings)
    yield from _never_lost(evidence, words, {each.envelope.id for each in firings})
    yield from _not_once_superseded(evidence, words, {each.envelope.id for each in firings})
    yield from _never_backwards(evidence)
    yield from _none_behind_the_cursor(evidence, words)
    yield from _harmless_twice(evidence, {each.envelope.id for each in firings})


def _words(evidence: Evidence) -> Mapping[str, Sequence[Said]]:
    """Of each timer, in the order in which its decisions said them."""
    found: dict[str, list[Said]] = defaultdict(list)
    for publications in evidence.published.values():
        # A command that comes again beyond what its root remembers says its words again, under the same ids and later sequences.
        for first in {each.envelope.sequence: each for each in reversed(publications)}.values():
            for model in (TimerScheduled, TimerCancelled):
                if first.envelope.kind == model.kind(evidence.service.name):
                    data = model.model_validate_json(first.record.value or b"")
                    found[data.timer_id].append(Said(data, first.envelope.sequence or "", first))
    return {timer: sorted(words, key=lambda word: word.sequence) for timer, words in found.items()}


def _firings(evidence: Evidence) -> Sequence[Firing]:
    """As the timers role sent them: what a replay repeats is none of its doing."""
    found = []
    for partition, records in evidence.simulation.log.records.items():
        for record in records if partition.topic == commands_topic(evidence.service.name) else ():
            envelope = Envelope.from_headers(text_headers(record.headers))
            repeated = envelope.replay is not None and envelope.replay.of is not None
            if envelope.actor == ACTOR and (record.value or b"") != b"{" and not repeated:
                found.append(Firing(record, envelope, orjson.loads(record.value or b"")))
    return found


def _as_scheduled(words: Mapping[str, Sequence[Said]], firings: Sequence[Firing]) -> Iterator[str]:
    """Under the id that follows from timer and due time, with what was scheduled for then, and nothing else."""
    scheduled: dict[str, list[Said]] = defaultdict(list)
    for each in (word for timer in words.values() for word in timer):
        if each.due:
            scheduled[fired_command_id(each.data.timer_id, each.due)].append(each)
    for firing in firings:
        if not any(_sent(firing, word) for word in scheduled.get(firing.envelope.id, ())):
            yield f"fired, but nobody scheduled it so: {firing.envelope} {firing.value}"


def _sent(firing: Firing, word: Said) -> bool:
    data, envelope = word.data, firing.envelope
    assert isinstance(data, TimerScheduled)
    cause = (envelope.causation_id, envelope.correlation_id) == (word.publication.envelope.id, word.publication.envelope.correlation_id)
    sent = (envelope.kind, envelope.subject, envelope.time) == (data.command_type, data.key, data.due_at)
    return cause and sent and firing.value == {**data.data, DUE_FIELD: data.due_at}


def _never_early(firings: Sequence[Firing]) -> Iterator[str]:
    """By the broker's clock, which decisions judge by."""
    for each in firings:
        early = to_milliseconds(each.envelope.time) - each.record.timestamp
        if early > 0:
            yield f"fired {early} ms early: {each.envelope.subject} at {each.record.timestamp}, due {each.envelope.time}"


def _never_lost(evidence: Evidence, words: Mapping[str, Sequence[Said]], fired: set[str]) -> Iterator[str]:
    """What its last word scheduled has fired, at that time; and the row knows the last word."""
    for timer, said in words.items():
        row = evidence.simulation.store.items.get(ItemRef(TIMERS, timer))
        lasts = _lasts(said)
        last = next((each for each in lasts if row and each.sequence == row["sequence"]), lasts[0])
        if last.due and fired_command_id(last.data.timer_id, last.due) not in fired:
            yield f"never fired: {last.data.timer} {timer}, due {last.due}"
        wanted = "fired" if last.due else "cancelled"
        if row is None or (row["state"], row["sequence"]) != (wanted, last.sequence):
            yield f"{last.data.timer} {timer} rests as {row}, right is {wanted} by {last.sequence}"


def _lasts(said: Sequence[Said]) -> Sequence[Said]:
    """The words that may be the last one heard, the latest first: what is said again under its id is the same event to who knows it."""
    lasts = []
    for index, word in reversed(list(enumerate(said))):
        lasts.append(word)
        if not _said_before(said[:index], word):
            break
    return lasts


def _said_before(earlier: Sequence[Said], word: Said) -> bool:
    return any(each.publication.envelope.id == word.publication.envelope.id for each in earlier)


def _not_once_superseded(evidence: Evidence, words: Mapping[str, Sequence[Said]], fired: set[str]) -> Iterator[str]:
    """A word that was settled before a due time was reached took that due time away."""
    for timer, said in words.items():
        for index, word in enumerate(said):
            settled = None if _said_before(said[:index], word) else _settled_at(evidence, word)
            again = {each.due for each in said[index:]}
            for before in said[:index]:
                if before.due is None or before.due in again or settled is None or settled >= to_milliseconds(before.due):
                    continue
                if fired_command_id(before.data.timer_id, before.due) in fired:
                    yield f"{before.data.timer} {timer} fired for {before.due}, which was superseded before by {word.sequence}"


def _settled_at(evidence: Evidence, word: Said) -> int | None:
    """Milliseconds of true time at which its row was certainly written; the margin covers what clocks differ by."""
    record, group = word.publication.record, f"{evidence.service.name}-timers"
    for place, name, partition, offset in evidence.commits:
        if name == group and partition == record.partition and offset > record.offset:
            return EPOCH + int(evidence.simulation.journal[place].at * 1000) + 1
    return None


def _never_backwards(evidence: Evidence) -> Iterator[str]:
    """An older word changes nothing."""
    known: dict[str, str] = {}
    for entry in evidence.simulation.journal:
        if entry.what == "row" and entry.details[0].table == TIMERS and "sequence" in entry.details[1]:
            timer, sequence = entry.details[1]["timerId"], entry.details[1]["sequence"]
            if sequence < known.get(timer, ""):
                yield f"timer {timer} went back from word {known[timer]} to {sequence}"
                return
            known[timer] = sequence


def _none_behind_the_cursor(evidence: Evidence, words: Mapping[str, Sequence[Said]]) -> Iterator[str]:
    """Whenever a cursor has moved or words have settled, no settled word's row waits in an hour that nobody looks at any more."""
    spoken = {(timer, word.sequence): word.publication.record for timer, said in words.items() for word in said}
    group = f"{evidence.service.name}-timers"
    waiting: dict[int, dict[str, tuple[str, int]]] = defaultdict(dict)
    cursors: dict[int, str] = {}
    settled: dict[int, int] = {}
    for entry in evidence.simulation.journal:
        partition = -1
        if entry.what == "commit" and entry.details[0] == group:
            partition = entry.details[1].number
            settled[partition] = max(settled.get(partition, 0), entry.details[2].offset)
        elif entry.what == "row" and entry.details[0].table == TIMERS:
            item = entry.details[1]
            if "hour" in item:
                partition = item["partition"]
                cursors[partition] = item["hour"]
            elif "dueBucket" in item:
                said_at = spoken[item["timerId"], item["sequence"]].offset
                waiting[item["partition"]][item["timerId"]] = (item["dueBucket"].rpartition("#")[2], said_at)
            else:
                waiting[item["partition"]].pop(item["timerId"], None)
        for timer, (hour, said_at) in waiting[partition].items() if partition in cursors else ():
            if hour < cursors[partition] and said_at < settled.get(partition, 0):
                yield f"timer {timer} waits in {hour}, behind the cursor at {cursors[partition]}"
                return


def _harmless_twice(evidence: Evidence, fired: set[str]) -> Iterator[str]:
    applied = Counter(each.envelope.id for each in evidence.all_judged() if each.envelope.id in fired and each.verdict == "applied")
    yield from (f"{times} firings of {command} took effect" for command, times in applied.items() if times > 1)
