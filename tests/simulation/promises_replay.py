"""What is promised about replays: whatever one causes says so, at any distance, and calls only whom it names."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from contracts.envelope import Envelope, text_headers
from contracts.replay import Replay
from tests.simulation.judge import Evidence, Publication
from workers.engine.decision import ItemRef
from workers.engine.ledger import EFFECTS
from workers.engine.runtime import RoleName
from workers.engine.service import Effect
from workers.ops.replay.plan import Mode


def must_call(evidence: Evidence, publications: Sequence[Publication], provider: str) -> bool:
    """Whether an event has to have its effect in the ledger: unless a replay withheld it, and none let it happen since."""
    event, role = publications[0].envelope, f"{evidence.service.name}-{RoleName.EFFECTS}"
    copies = [copy for copy in evidence.copies.get(event.id, ()) if copy.is_for(role)]
    return event.replay is None or any(replay.allows(provider) for replay in [event.replay, *copies])


def withheld(evidence: Evidence, effect: Effect[Any], publications: Sequence[Publication], name: str) -> Iterator[str]:
    """An event of which nobody ever said that the provider may be called is in no ledger."""
    if ItemRef(EFFECTS, name) not in evidence.simulation.store.items:
        return
    said = [each.envelope.replay for each in publications] + list(evidence.copies.get(publications[0].envelope.id, ()))
    if all(replay and not replay.allows(effect.provider) for replay in said):
        yield f"{effect.name} of {publications[0].envelope.id} was not withheld"


def marked(evidence: Evidence) -> Iterator[str]:
    """A message bears the mark of a replay if all that may have caused it do, and then one of theirs; and none if none of them does."""
    if not evidence.simulation.replaying.plans:
        return
    envelopes = _envelopes(evidence)
    marks: dict[str, list[Replay | None]] = defaultdict(list)
    for envelope in envelopes:
        marks[envelope.id].append(envelope.replay)
    for envelope in envelopes:
        replay, causes = envelope.replay, marks.get(envelope.causation_id, [])
        repeats = replay is not None and (replay.is_copy or (replay.of is not None and envelope.position is None))
        if repeats or not causes or envelope.causation_id == envelope.id:
            continue
        known = {(each.id, each.effects) for each in causes if each}
        if replay is None and None not in causes:
            yield f"{envelope.kind} {envelope.id} does not say that a replay caused it"
        if replay is not None and (replay.id, replay.effects) not in known:
            yield f"{envelope.kind} {envelope.id} says it was caused by {replay}, which did not"


def _envelopes(evidence: Evidence) -> Sequence[Envelope]:
    """Of all topics, as the log has them; a record that is no command has headers all the same."""
    records = evidence.simulation.log.records.values()
    return [Envelope.from_headers(text_headers(record.headers)) for each in records for record in each]


def to_its_group(evidence: Evidence) -> Iterator[str]:
    """What follows at once from copies for one group is that group's doing."""
    plans = {name: plan for name, plan in evidence.simulation.replaying.plans.items() if plan.to and plan.mode is Mode.ENSURE}
    if not plans:
        return
    envelopes = _envelopes(evidence)
    own = {(each.id, each.replay.id) for each in envelopes if each.replay and not each.replay.is_copy}
    for envelope in envelopes:
        replay = envelope.replay
        if replay and replay.of is None and replay.id in plans and (envelope.causation_id, replay.id) not in own:
            _, _, service, role = envelope.source.split("/")
            if f"{service}-{role}" != (to := plans[replay.id].to):
                yield f"{envelope.kind} {envelope.id} follows from a copy for {to}, and came from {envelope.source}"


def all_sent(evidence: Evidence) -> Iterator[str]:
    """Every record that a replay selected stands in the log once more; a new command once, however often it was resumed."""
    said: Mapping[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    if not evidence.simulation.replaying.selected:
        return
    for envelope in _envelopes(evidence):
        replay = envelope.replay
        if replay and replay.of and (replay.is_copy or envelope.position is None):
            said[replay.id][str(replay.of)].add(envelope.id)
    for name, wanted in evidence.simulation.replaying.selected.items():
        there = said.get(name, {})
        yield from (f"replay {name} did not send {place} once more" for place in sorted(wanted - there.keys()))
        yield from (f"replay {name} sent {place}, which was not selected" for place in sorted(there.keys() - wanted))
        yield from (f"replay {name} sent {place} under {len(ids)} ids" for place, ids in there.items() if len(ids) > 1)
