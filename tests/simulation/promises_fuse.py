"""What design section 3.3 promises about a bad deploy: the fuse trips when it should, its role stops, nothing of its window settles,
nothing is quarantined."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from contracts.position import Origin
from contracts.topics import commands_topic
from tests.simulation.judge import Evidence, failure_id
from workers.engine.parking import PARKED
from workers.engine.quarantine import FAILURES


@dataclass(frozen=True, slots=True)
class Told:
    """One failure as a fuse was told of it. ``place`` in the journal; ``now`` and ``opened``, its window's beginning, by its
    worker's clock, which may have jumped since."""

    place: int
    fingerprint: str
    key: str
    now: int
    opened: int
    judged: int
    tripped: bool


@dataclass(slots=True)
class Window:
    opened: int
    began: int
    """Its first place in the journal."""
    failed: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))


def fuse_honest(evidence: Evidence) -> Iterator[str]:
    if not evidence.profile.deploys:
        return
    yield from evidence.simulation.deploy.standing
    for (process, _), told in _fuses(evidence).items():
        yield from _one_fuse(evidence, process, told)
    yield from _not_quarantined(evidence)


def _fuses(evidence: Evidence) -> Mapping[tuple[str, int], Sequence[Told]]:
    found: dict[tuple[str, int], list[Told]] = defaultdict(list)
    for place, entry in enumerate(evidence.simulation.journal):
        if entry.what == "fuse":
            number, *rest = entry.details
            found[entry.by, number].append(Told(place, *rest))
    return found


def _one_fuse(evidence: Evidence, process: str, told: Sequence[Told]) -> Iterator[str]:
    limits = evidence.profile.fuse
    window: Window | None = None
    for index, each in enumerate(told):
        if window is None or each.opened != window.opened:
            window = Window(each.opened, each.place)
        if each.now - window.opened >= limits.window:
            yield f"{process}: failures of {window.opened} still counted at {each.now}"
        failed = window.failed[each.fingerprint]
        failed.add(each.key)
        enough = len(failed) >= limits.keys and len(failed) >= limits.ratio * (len(failed) + each.judged)
        if enough != each.tripped:
            yield f"{process}: the fuse {'tripped' if each.tripped else 'held'} at {len(failed)} keys beside {each.judged} verdicts"
        if each.tripped:
            if any(not later.tripped for later in told[index:]):
                yield f"{process}: parking went on after the fuse had tripped"
            yield from _nothing_settled(evidence, process, window, each)
            return


def _nothing_settled(evidence: Evidence, process: str, window: Window, trip: Told) -> Iterator[str]:
    """Between the window's beginning and the mending, by the process whose fuse it was."""
    rows, end, done = _parked(evidence, process), _mended(evidence), _done(evidence)
    before = {key for failed in window.failed.values() for key in failed if key != trip.key}
    of_window = {spot: place for spot, (place, _) in rows.items() if window.began < place < end}
    for spot, (place, key) in rows.items():
        if window.began < place < end and key == trip.key and key not in before and not _told_before(evidence, process, trip):
            yield f"{process}: {spot} was parked although its failure tripped the fuse"
    for place, name, partition, offset in evidence.commits:
        entry = evidence.simulation.journal[place]
        if name != f"{evidence.service.name}-commands" or entry.by != process or not window.began < place < end:
            continue
        origin = evidence.simulation.log.origin(partition)
        covered = [(each, at) for (each, at), put in of_window.items() if each == origin and at < offset and put < place]
        if any(done[spot] >= place for spot in covered):
            yield f"{process}: committed {offset} of {partition.number} over what its tripped fuse's window had parked"


def _done(evidence: Evidence) -> Mapping[tuple[Origin, int], int]:
    """When each record was applied and its events were published: a try that had put a row may have ended, and the next one gone well."""
    end = len(evidence.simulation.journal)
    return {
        (evidence.simulation.log.origin(each.record.partition), each.record.offset): max(
            [each.applied, *(evidence.published[event][0].place if event in evidence.published else end for event in each.said)]
        )
        for each in evidence.all_judged()
    }


def _told_before(evidence: Evidence, process: str, trip: Told) -> bool:
    """The key was parked, and told of, in an earlier window."""
    entries = evidence.simulation.journal[: trip.place]
    return any(entry.what == "fuse" and entry.by == process and entry.details[2] == trip.key for entry in entries)


def _parked(evidence: Evidence, process: str) -> Mapping[tuple[Origin, int], tuple[int, str]]:
    """Rows that ``process`` was the first to put: where in the log -> (place in the journal, key)."""
    found: dict[tuple[Origin, int], tuple[int, str, str]] = {}
    for place, entry in enumerate(evidence.simulation.journal):
        if entry.what == "row":
            ref, item = entry.details
            if ref.table == PARKED and item and "offset" in item:
                found.setdefault((item["origin"], item["offset"]), (place, item["key"], entry.by))
    return {spot: (place, key) for spot, (place, key, by) in found.items() if by == process}


def _mended(evidence: Evidence) -> int:
    return next(place for place, entry in enumerate(evidence.simulation.journal) if entry.what == "mended")


def _not_quarantined(evidence: Evidence) -> Iterator[str]:
    """Nothing but what can't be decoded."""
    role, origin = f"{evidence.service.name}-commands", evidence.simulation.log.origin
    known = {failure_id(role, origin(record.partition), record.offset) for record, _ in evidence.invalid}
    for ref, item in evidence.simulation.store.items.items():
        if ref.table == FAILURES and item["topic"] == commands_topic(evidence.service.name) and ref.key not in known:
            yield f"quarantined by a bad deploy: {item['position']}"
