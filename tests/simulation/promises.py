"""Design section 9, promise by promise. Each looks at the evidence of one run and names what was broken."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from contracts.catalogue import model_of
from contracts.envelope import Envelope, text_headers
from contracts.ids import effect_id, effect_result_id, reaction_command_id
from contracts.message import EventData
from contracts.topics import commands_topic
from contracts.types import CommandId, EffectId, EventId
from tests.simulation.judge import Evidence, Judged, Message, Publication, failure_id
from tests.simulation.promises_effects import called_in_order
from tests.simulation.promises_fuse import fuse_honest
from tests.simulation.promises_replay import all_sent, marked, must_call, to_its_group, withheld
from tests.simulation.promises_timers import timers_kept
from workers.engine.decision import ItemRef
from workers.engine.ledger import EFFECTS, LedgerRow
from workers.engine.quarantine import FAILURES
from workers.engine.receipts import RECEIPTS
from workers.engine.root import exists, plain
from workers.engine.runtime import RoleName
from workers.engine.service import Event, Send, Service
from workers.ops.books import is_escrow
from workers.services.payment.audit import all_faults
from workers.services.payment.escrow import ESCROWS, TRANSACTIONS, Escrow
from workers.services.payment.ledger import Transaction

METRICS = "website-metrics"
REPLAY = ("ce_replay", "ce_replayeffects", "ce_replayof")


def applied_once(evidence: Evidence) -> Iterator[str]:
    """The tables are those of a run without faults, byte for byte, but for names that begin with an underscore."""
    wanted = evidence.judge.items
    tables = {handler.aggregate.table for handler in evidence.service.handlers}
    found = {
        ref: plain(item)
        for ref, item in evidence.simulation.store.items.items()
        if (ref.table in tables or ref.table.startswith(f"{evidence.service.name}-")) and exists(item)
    }
    for ref in sorted({*wanted, *found}, key=str):
        if (there := found.get(ref)) != (right := wanted.get(ref)):
            yield f"{ref.table} {ref.key}: {_difference(there, right)}"


def _difference(there: Any, right: Any) -> str:
    if there is None or right is None:
        return f"there is {there}, right is {right}"
    names = [name for name in sorted({*there, *right}) if there.get(name) != right.get(name)]
    return "; ".join(f"{name} is {there.get(name)!r}, right is {right.get(name)!r}" for name in names)


def said_right(evidence: Evidence) -> Iterator[str]:
    """Every event at least once, nothing else, and never with other content."""
    expected = evidence.judge.expected
    for event, messages in expected.items():
        if event not in evidence.published:
            yield f"never published: {messages[0].kind} of {messages[0].cause} at {messages[0].position}"
    for event, publications in evidence.published.items():
        first = publications[0]
        if event not in expected:
            yield f"published, but nobody said it: {first.envelope.kind} of {first.envelope.causation_id}"
            continue
        for each in publications:
            if not any(_says(each, message) for message in _alternatives(evidence, each, expected[event])):
                yield f"other content: {each.envelope} {each.record.value!r}, right is {expected[event]}"
            elif _content(each) != _content(first) and len(expected[event]) == 1:
                yield f"two contents under one id: {_content(first)} and {_content(each)}"


def _alternatives(evidence: Evidence, publication: Publication, messages: Sequence[Message]) -> Sequence[Message]:
    """A command refused by an absent root, which keeps no trace, is judged again at its other offsets; with poison about, one owner may
    have books where another had none."""
    if not evidence.simulation.poison or not publication.envelope.kind.endswith(".CommandRefused.v1"):
        return messages
    origin = evidence.simulation.log.origin
    cause, key = messages[0].cause, messages[0].key
    same = [each.record for each in evidence.all_judged() if (each.envelope.id, each.envelope.subject) == (cause, key)]
    own = {f"{origin(record.partition)}/{record.offset}" for record in same}
    position = str(publication.envelope.position)
    return [replace(messages[0], position=position, time=publication.envelope.time), *messages] if position in own else messages


def _says(publication: Publication, message: Any) -> bool:
    envelope = publication.envelope
    return (
        (envelope.kind, publication.record.value, envelope.subject) == (message.kind, message.value, message.key)
        and (envelope.time, envelope.causation_id, envelope.actor) == (message.time, message.cause, message.actor)
        and (envelope.correlation_id, str(envelope.position)) == (message.correlation, message.position)
    )


def _content(publication: Publication) -> object:
    """A refusal of an absent root is stored nowhere, so two owners of different mind about a poisoned command may publish it both as
    late and as not, and a copy of the command may be refused again."""
    refusal = publication.envelope.kind.endswith(".CommandRefused.v1")
    aside = {"ce_settled", "traceparent"} | ({"ce_late", "ce_position", "ce_time", *REPLAY} if refusal else set())
    headers = [each for each in publication.record.headers if each[0] not in aside]
    return headers, publication.record.key, publication.record.value


def in_order(evidence: Evidence) -> Iterator[str]:
    """First publications of a key in the order of its verdicts, in the partition of its commands, under rising sequences."""
    by_key: dict[str, list[Publication]] = defaultdict(list)
    for publications in sorted(evidence.published.values(), key=lambda each: each[0].place):
        by_key[publications[0].envelope.subject].append(publications[0])
    for key, found in by_key.items():
        wanted = [event for event in dict.fromkeys(evidence.judge.order[key]) if event in evidence.published]
        if [each.name for each in found] != wanted:
            yield f"{key}: published in the order {[each.envelope.id[:8] for each in found]}, right is {[event[:8] for event in wanted]}"
        sequences = [each.envelope.sequence for each in found if each.envelope.sequence]
        if sequences != sorted(set(sequences)):
            yield f"{key}: sequences {sequences}"
        home = evidence.simulation.log.partition_of(commands_topic(evidence.service.name), key.encode())
        if any(each.record.partition.number != home.number for each in found):
            yield f"{key}: published to another partition than that of its commands"


def settled_honestly(evidence: Evidence) -> Iterator[str]:
    """No offset is committed before all below it is applied and its events are acknowledged; no event claims more than is committed."""
    group = f"{evidence.service.name}-commands"
    needed: dict[Any, list[int]] = {}
    for partition, records in evidence.commands.items():
        latest = -1
        needed[partition] = [latest := max(latest, _settleable(evidence, judged)) for judged in records]
    for place, name, partition, offset in evidence.commits:
        if name == group and offset and place < needed[partition][offset - 1]:
            yield f"{partition.topic}/{partition.number}: committed {offset} before all below it was settled"
    yield from _watermarks(evidence, group)


def _settleable(evidence: Evidence, judged: Judged | None) -> int:
    """The moment from which a record may count as settled."""
    if judged is None:
        return -1
    published = [evidence.published[event][0].place for event in judged.said if event in evidence.published]
    applied = max([judged.applied, *published])
    if evidence.simulation.poison and judged.verdict in ("refused", "recognised"):
        # Refused on an absent root by one owner while a stale one parked it: published is all there is to it.
        applied = max(published, default=-1)
    parked = evidence.parked_at(judged)
    return applied if parked is None else min(applied, parked)


def _watermarks(evidence: Evidence, group: str) -> Iterator[str]:
    commits = [(place, partition.number, offset) for place, name, partition, offset in evidence.commits if name == group]
    events = [each for publications in evidence.published.values() for each in publications]
    highest: dict[int, int] = defaultdict(int)
    reached = 0
    for each in sorted(events, key=lambda each: each.place):
        while reached < len(commits) and commits[reached][0] < each.place:
            _, number, offset = commits[reached]
            highest[number] = max(highest[number], offset)
            reached += 1
        if (each.envelope.settled or 0) > highest[each.record.partition.number]:
            yield f"{each.envelope.kind} says {each.envelope.settled} is settled, {highest[each.record.partition.number]} was committed"


def put_aside(evidence: Evidence) -> Iterator[str]:
    """What cannot be decoded is kept."""
    role = f"{evidence.service.name}-commands"
    for record, invalid in evidence.invalid:
        ref = ItemRef(FAILURES, failure_id(role, evidence.simulation.log.origin(record.partition), record.offset))
        if ref not in evidence.simulation.store.items:
            yield f"{record.partition} {record.offset} ({invalid.code}) is in no quarantine"


def receipts_right(evidence: Evidence) -> Iterator[str]:
    if RoleName.PROJECTIONS not in evidence.roles:
        return
    items = evidence.simulation.store.items
    judgements = [each for each in evidence.all_judged() if each.envelope.receipt and each.verdict != "recognised"]
    times = Counter(each.envelope.id for each in judgements)
    seen = set(times)
    for judged in judgements:
        if times[judged.envelope.id] > 1:
            # Refused by an absent root, which keeps no trace, and judged again when it came a second time.
            continue
        receipt = items.get(ItemRef(RECEIPTS, judged.envelope.id))
        events = [said.split()[0] for said in judged.said]
        wanted = {"state": judged.verdict, "reason": judged.reason or None, "eventIds": events, "kind": judged.data.kind()}
        if receipt is None:
            yield f"no receipt for {judged.envelope.id} ({judged.verdict})"
        elif {name: receipt.get(name) for name in wanted} != wanted:
            yield f"receipt of {judged.envelope.id}: {_difference({name: receipt.get(name) for name in wanted}, wanted)}"
    extra = [ref.key for ref in items if ref.table == RECEIPTS and ref.key not in seen]
    yield from (f"receipt of {key}, which nobody asked for" for key in extra)


def counted_right(evidence: Evidence) -> Iterator[str]:
    """Every distinct event counts once."""
    wanted: dict[str, int] = {}
    counting = [service for service, _ in evidence.profile.others if service.name == "analytics"]
    for service in counting:
        for publications in evidence.published.values():
            event, shard = _event(publications[0]), _shard(publications[0])
            for projection in service.projections:
                if isinstance(event.data, projection.event):
                    for change in projection.project(event):
                        row = change.fold(None, shard)
                        wanted[row["id"]] = wanted.get(row["id"], 0) + row["value"]
    found = {ref.key: item["value"] for ref, item in evidence.simulation.store.items.items() if ref.table == METRICS}
    if found != wanted:
        yield f"counted {sorted(found.items())}, right is {sorted(wanted.items())}"


def _shard(publication: Publication) -> str:
    return f"{publication.record.partition.topic}/{publication.record.partition.number}"


def _event(publication: Publication) -> Event[EventData]:
    envelope = publication.envelope
    data = model_of(envelope.kind).model_validate_json(publication.record.value or b"")
    assert isinstance(data, EventData)
    return Event(EventId(envelope.id), envelope.kind.split(".")[1], envelope.subject, envelope.time, envelope.actor, data)


def reacted(evidence: Evidence) -> Iterator[str]:
    """Every event's reactions reach their topics. Those that ask an index may see less than there is."""
    for service in _reacting(evidence):
        sent = _commands(evidence, service)
        for publications in evidence.published.values():
            for command, send in _sends(service, _event(publications[0])):
                if (command, send.command.key) not in sent:
                    yield f"{publications[0].envelope.kind}: no {type(send.command).__name__} was sent"


def reacted_in_order(evidence: Evidence) -> Iterator[str]:
    """What the events of one key make a service send to one partition arrives in the events' order, first times counted."""
    reacting = _reacting(evidence)
    arrived: dict[str, tuple[int, Any]] = {}
    for place, entry in enumerate(evidence.simulation.journal if reacting else ()):
        if entry.what == "append":
            record = entry.details[0]
            arrived.setdefault(Envelope.from_headers(text_headers(record.headers)).id, (place, record.partition))
    latest: dict[Any, int] = {}
    for publications in sorted(evidence.published.values(), key=lambda each: each[0].place):
        event = _event(publications[0])
        for service in reacting:
            for command, send in _sends(service, event):
                if command in arrived:
                    place, partition = arrived[command]
                    before = latest.get((event.key, service.name, partition), -1)
                    if place < before:
                        yield f"{event.key}: {type(send.command).__name__} of {event.id} came behind those of later events"
                    latest[event.key, service.name, partition] = max(place, before)


def _reacting(evidence: Evidence) -> Sequence[Service]:
    return [service for service, role in evidence.profile.all_roles if role is RoleName.REACTIONS]


def _sends(service: Service, event: Event[EventData]) -> Iterator[tuple[CommandId, Send]]:
    for reaction in service.reactions:
        if isinstance(event.data, reaction.event) and reaction.query is None:
            for send in reaction.react(event, ()):
                yield reaction_command_id(event.id, type(send.command).__name__, send.target or send.command.key), send


def _commands(evidence: Evidence, service: Service) -> set[tuple[str, str]]:
    """Ids and keys. An effect's results of one name have one id, whatever their keys."""
    topic = commands_topic(service.name)
    records = [record for partition, each in evidence.simulation.log.records.items() if partition.topic == topic for record in each]
    envelopes = [Envelope.from_headers(text_headers(record.headers)) for record in records]
    return {(envelope.id, envelope.subject) for envelope in envelopes}


def called_once(evidence: Evidence) -> Iterator[str]:
    """The outside did nothing twice; every event's effect is in the ledger, and what it came to was sent."""
    for (kind, what), times in sorted(evidence.simulation.outside.done.items()):
        if times > 1:
            yield f"{times} times {kind} for {what}"
    yield from evidence.simulation.outside.unforeseen
    if RoleName.EFFECTS not in evidence.roles:
        return
    sent = _commands(evidence, evidence.service)
    for publications in evidence.published.values():
        event = _event(publications[0])
        for effect in evidence.service.effects:
            if isinstance(event.data, effect.event) and effect.when(event):
                name = effect_id(event.id, effect.name)
                yield from withheld(evidence, effect, publications, name)
                item = evidence.simulation.store.items.get(ItemRef(EFFECTS, name))
                if item is not None:
                    yield from _results(item, name, effect.attempt(event), sent)
                elif must_call(evidence, publications, effect.provider):
                    yield f"{effect.name} of {event.id} is not in the ledger"


def _results(item: Any, effect: EffectId, attempt: int, sent: set[tuple[str, str]]) -> Iterator[str]:
    row = LedgerRow.of(item)
    for result in row.results:
        if (effect_result_id(effect, result.name, attempt), result.key) not in sent:
            yield f"{row.name} came to {result.name}, which was not sent"


def books_balance(evidence: Evidence) -> Iterator[str]:
    """What ``mindlinks doctor books`` would say."""
    items = evidence.simulation.store.items.items() if evidence.service.name == "payment" else ()
    there = [(ref.table, plain(item)) for ref, item in items if exists(item)]
    rows = [Transaction.from_item(item) for table, item in there if table == TRANSACTIONS]
    escrows = [Escrow.from_item(item) for table, item in there if table == ESCROWS and is_escrow(item)]
    for fault in all_faults(escrows, rows):
        yield f"{fault.book} of {fault.contract_id}, {fault.transaction_id}: {fault.stored}, by the rows {fault.reckoned}"


ALL: tuple[Callable[[Evidence], Iterator[str]], ...] = (
    applied_once,
    said_right,
    in_order,
    settled_honestly,
    put_aside,
    receipts_right,
    counted_right,
    reacted,
    reacted_in_order,
    called_once,
    called_in_order,
    books_balance,
    timers_kept,
    fuse_honest,
    marked,
    to_its_group,
    all_sent,
)
