"""What people decide about a failure: try it again, ask for it otherwise, pass it over, drop it.

Each decision is audited first, done, and only then written on the failure's row: whoever dies in between decides again, under the same
ids, and nothing happens twice. A skip or discard stands in the service's commands topic, so that whoever reads the log again knows of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Any

import orjson
from pydantic import ValidationError

from contracts.catalogue import InvalidRecord, decode, model_of
from contracts.clear import Redacted
from contracts.envelope import Envelope, text_headers
from contracts.ids import derived
from contracts.message import CommandData
from contracts.platform import DiscardRecord, SkipRecord
from contracts.position import Position
from contracts.replay import ALL, Replay
from contracts.timestamps import from_milliseconds, to_milliseconds
from contracts.topics import commands_topic
from contracts.types import Timestamp
from contracts.validation import first_fault
from workers.engine.decision import ItemRef
from workers.engine.parking import ParkedRow, ParkingLot
from workers.engine.ports import AttributeIs, Clock, Fate, Log, Store, Write
from workers.engine.quarantine import FAILURES, OPEN, RETRIED, unpack
from workers.engine.record import Outgoing
from workers.ops.audit import Audit
from workers.ops.quarantined import Failure, Failures

SOURCE = "/mindlinks/ops/failures"
ACTOR = "system:ops"
COMMANDS = "-commands"


class NotDecided(Exception):
    """The failure is as it was."""


class State(StrEnum):
    """Of a failure's row, once decided. ``retried``: its own record is tried again where it waits; should it fail again, the failure is
    open again. ``resent``: it stood in nobody's way, so it was appended once more. ``edited``: replaced by another command."""

    RETRIED = RETRIED
    RESENT = "resent"
    EDITED = "edited"
    SKIPPED = "skipped"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class Decided:
    """``command``: the id of what was appended; empty when nothing was."""

    failure: str
    state: State
    command: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """Who decides, and why, for the audit trail."""

    who: str
    why: str


class FailureDecisions:
    """Works beside running workers. Raises NotDecided, FailureNotFound, KeysUnavailable, StoreUnavailable, LogUnavailable, NotAudited."""

    def __init__(self, failures: Failures, store: Store, log: Log, clock: Clock, random: Random) -> None:
        self._failures, self._store, self._log, self._clock, self._random = failures, store, log, clock, random
        self._audit = Audit(store, clock)

    async def retry(self, failure: str, person: Person) -> Decided:
        """Where it waits, with all its attempts; or appended once more, if it stood in nobody's way."""
        found = await self._open(failure)
        await self._note("retry", found, person)
        if rows := await self._parked(found):
            await self._keep(found, rows, skip=False)
            return await self._decided(found, State.RETRIED, person)
        again = _again(found)
        await self._log.append_keyed(found.item["topic"], [again])
        return await self._decided(found, State.RESENT, person, _id_of(again))

    async def skip(self, failure: str, person: Person) -> Decided:
        return await self._pass_over(failure, person, SkipRecord, State.SKIPPED)

    async def discard(self, failure: str, person: Person) -> Decided:
        return await self._pass_over(failure, person, DiscardRecord, State.DISCARDED)

    async def message(self, failure: str) -> tuple[type[CommandData], Mapping[str, Any]]:
        """What an editor starts from: the command's model, and its data as JSON; personal values are sealed texts."""
        return _command_of(await self._open(failure))

    async def edit(self, failure: str, data: CommandData, person: Person) -> Decided:
        """Sends ``data`` as a command of its own, caused by the failed one and in its sender's name, and passes the failed one over: what
        waits behind it is applied first. The same data again is the same command."""
        found = await self._open(failure)
        _command_of(found)
        await self._note("edit", found, person)
        old, value = _envelope(found), data.to_json()
        command = derived(f"edit:{failure}:{value.decode()}")
        now = from_milliseconds(self._clock.now())
        envelope = Envelope(command, data.kind(), SOURCE, data.key, now, old.correlation_id, old.id, old.actor)
        await self._log.append_keyed(commands_topic(data.service), [Outgoing(data.key.encode(), value, envelope.headers())])
        if rows := await self._parked(found):
            await self._say(found, SkipRecord, Person(person.who, f"edited as {command}: {person.why}"))
            await self._keep(found, rows, skip=True)
        return await self._decided(found, State.EDITED, person, command)

    async def _pass_over(self, failure: str, person: Person, word: type[SkipRecord | DiscardRecord], state: State) -> Decided:
        found = await self._open(failure)
        await self._note(state, found, person)
        if not _is_record(found):
            return await self._decided(found, state, person)
        said = await self._say(found, word, person)
        if rows := await self._parked(found):
            await self._keep(found, rows, skip=True)
        return await self._decided(found, state, person, said)

    async def _say(self, found: Failure, word: type[SkipRecord | DiscardRecord], person: Person) -> str:
        item = found.item
        subject = _key(found) or item["id"]
        data = word(subject=subject, position=item["position"], role=item["role"], reason=person.why, who=person.who)
        said, service = derived(f"{word.__name__}:{item['id']}"), item["service"]
        now = from_milliseconds(self._clock.now())
        envelope = Envelope(said, word.kind(service), SOURCE, subject, now, said, said, ACTOR)
        await self._log.append_keyed(commands_topic(service), [Outgoing(subject.encode(), data.to_json(), envelope.headers())])
        return said

    # --- rows --------------------------------------------------------------------------------------------------------

    async def _open(self, failure: str) -> Failure:
        found = await self._failures.one(failure)
        item = found.item
        if item["state"] != OPEN:
            raise NotDecided(f"{failure} was {item['state']} by {item.get('decidedBy', '-')} at {item.get('decidedAt', '-')}")
        if isinstance(found.raw, Redacted):
            raise NotDecided(f"{failure}: the key that sealed its record was destroyed; nobody can read it again")
        return found

    async def _parked(self, found: Failure) -> Sequence[ParkedRow]:
        """The rows of the record in its role's waiting line; none where it was never parked, or was passed."""
        if not _is_record(found):
            return ()
        position = Position.parse(found.item["position"])
        return [row for row in await self._lot(found).line(_key(found)) if row.position == position]

    async def _keep(self, found: Failure, rows: Sequence[ParkedRow], *, skip: bool) -> None:
        lot = self._lot(found)
        for row in rows:
            await lot.keep(row, lot.passed_over(row) if skip else lot.released(row))
        left = [row for row in await self._parked(found) if row.quarantined and not row.skipped]
        if left:
            raise NotDecided(f"{found.item['id']}: its worker wrote the waiting line at the same moment; say it again")

    def _lot(self, found: Failure) -> ParkingLot:
        return ParkingLot(found.item["role"], self._store, self._clock, self._random)

    async def _note(self, what: str, found: Failure, person: Person) -> None:
        item = found.item
        about: dict[str, str | int] = {"failure": item["id"], "position": item.get("position", "-"), "fingerprint": item["fingerprint"]}
        await self._audit.note(f"failures {what}", person.who, person.why, about)

    async def _decided(self, found: Failure, state: State, person: Person, command: str = "") -> Decided:
        at = from_milliseconds(self._clock.now())
        told = {"state": state, "decidedBy": person.who, "decidedWhy": person.why, "decidedAt": at}
        after = {**found.item, **told, **({"decidedAs": command} if command else {})}
        write = Write(ItemRef(FAILURES, found.item["id"]), found.item, after, AttributeIs("state", OPEN))
        (written,) = await self._store.write([write])
        if written.fate is not Fate.WRITTEN:
            raise NotDecided(f"{found.item['id']}: done, but its row was changed by somebody else meanwhile ({written.fate}); look at it")
        return Decided(found.item["id"], state, command)


def _again(found: Failure) -> Outgoing:
    """The record once more. An event goes to the one role that failed, which judges it in its own place; a command whose kind let others
    pass it counts as seen, so it is another command caused by it; any other was never known."""
    item, (key, value, headers) = found.item, _parts(found)
    if not _is_record(found):
        raise NotDecided(f"{item['id']} is a delivery of a provider: have it delivered again there, or read it by mindlinks stripe-events")
    texts = [(name, text or b"") for name, text in headers]
    if not item["role"].endswith(COMMANDS):
        copy = Replay(item["id"], ALL, Position.parse(item["position"]), Timestamp(item["appendedAt"]), item["role"])
        texts += [(name, text.encode()) for name, text in copy.pairs() if text is not None]
    elif item["trace"]:
        old = _envelope(found)
        envelope = old._replace(id=derived(f"retry:{item['id']}"), causation_id=old.id, source=SOURCE)
        texts = list(envelope.headers())
    return Outgoing(key or b"", value or b"", texts)


def _command_of(found: Failure) -> tuple[type[CommandData], Mapping[str, Any]]:
    kind = next((text for name, text in _parts(found)[2] if name == "ce_type" and text), b"").decode(errors="replace")
    try:
        model = model_of(kind)
    except InvalidRecord as invalid:
        raise NotDecided(f"{invalid.detail}; there is nothing to edit it as. Discard it, or have its sender send it again") from None
    if not issubclass(model, CommandData):
        raise NotDecided(f"{kind} is an event: it says what happened and is never edited. Retry it, or skip it for this role")
    try:
        data: Mapping[str, Any] = orjson.loads(_parts(found)[1] or b"{}")
    except orjson.JSONDecodeError:
        data = {}
    return model, data


def edited(model: type[CommandData], data: Mapping[str, Any]) -> CommandData:
    """Read as a worker will. Raises NotDecided naming the field, never its value."""
    try:
        return model.model_validate_json(orjson.dumps(data))
    except ValidationError as error:
        fault = first_fault(error, model)
        raise NotDecided(f"{fault.where or 'data'}: {fault.what}") from None


def _envelope(found: Failure) -> Envelope:
    """Of a record that decodes; else of what can be read of it."""
    key, value, headers = _parts(found)
    try:
        return decode(key, value, headers, to_milliseconds(Timestamp(found.item["appendedAt"]))).envelope
    except InvalidRecord:
        texts = text_headers(headers)
        told = {name: text for name, text in texts.items() if name in ("ce_id", "ce_correlationid", "ce_actor")}
        return Envelope.from_headers({"ce_id": found.item["id"], "ce_type": "-", "ce_subject": _key(found), **told})


def _parts(found: Failure) -> tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]]]:
    assert isinstance(found.raw, bytes)
    return unpack(found.raw)


def _key(found: Failure) -> str:
    return (_parts(found)[0] or b"").decode(errors="replace")


def _is_record(found: Failure) -> bool:
    """Of a topic, not a delivery that never got into one."""
    return "appendedAt" in found.item


def _id_of(record: Outgoing) -> str:
    return next((text.decode(errors="replace") for name, text in record.headers if name == "ce_id"), "")
