"""What is promised about the order of calls: an effect is called once the earlier ones of its key have ended."""

from collections.abc import Iterator, Mapping

from contracts.catalogue import model_of
from contracts.ids import effect_id
from contracts.message import EventData
from contracts.types import EffectId, EventId
from tests.simulation.faults import Fault
from tests.simulation.judge import Evidence, Publication
from workers.engine.decision import ItemRef
from workers.engine.ledger import EFFECTS, EffectState
from workers.engine.runtime import RoleName
from workers.engine.service import Done, Event


def called_in_order(evidence: Evidence) -> Iterator[str]:
    """No call of a key begins before the calls that earlier events of the key came to have succeeded; what ended otherwise (failed,
    unknown) has no moment that the outside knows. An index that shows an old state may cost the order, and only the order."""
    if RoleName.EFFECTS not in evidence.roles or Fault.STALE_INDEX in evidence.simulation.faults.struck:
        return
    begun, succeeded = _moments(evidence)
    latest: dict[str, tuple[int, EffectId]] = {}
    for publications in sorted(evidence.published.values(), key=lambda each: each[0].place):
        if any(each.envelope.replay for each in publications):
            # A replay may withhold its calls; then they come with a later publication, or never.
            continue
        key = publications[0].envelope.subject
        effects = list(_effects(evidence, publications[0]))
        for effect in effects:
            place, earlier = latest.get(key, (-1, None))
            if effect in begun and begun[effect] < place:
                yield f"{key}: effect {effect} was called before {earlier} of an earlier event had succeeded"
        for effect in effects:
            item = evidence.simulation.store.items.get(ItemRef(EFFECTS, effect), {})
            if item.get("state") == EffectState.CONFIRMED and effect in succeeded:
                latest[key] = max(latest.get(key, (-1, effect)), (succeeded[effect], effect))


def _moments(evidence: Evidence) -> tuple[Mapping[EffectId, int], Mapping[EffectId, int]]:
    """When the first call of each effect began, and when one first succeeded."""
    begun: dict[EffectId, int] = {}
    succeeded: dict[EffectId, int] = {}
    for place, entry in enumerate(evidence.simulation.journal):
        if entry.what == "calling":
            begun.setdefault(entry.details[0], place)
        elif entry.what == "called" and entry.details[2] == Done.__name__:
            succeeded.setdefault(entry.details[0], place)
    return begun, succeeded


def _effects(evidence: Evidence, publication: Publication) -> Iterator[EffectId]:
    envelope = publication.envelope
    data = model_of(envelope.kind).model_validate_json(publication.record.value or b"")
    assert isinstance(data, EventData)
    event = Event(EventId(envelope.id), envelope.kind.split(".")[1], envelope.subject, envelope.time, envelope.actor, data)
    for effect in evidence.service.effects:
        if isinstance(data, effect.event) and effect.when(event):
            yield effect_id(event.id, effect.name)
