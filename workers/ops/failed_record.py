"""A record in quarantine: what can be read of it, and what is sent for it when people decide. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import orjson
from pydantic import ValidationError

from contracts.catalogue import InvalidRecord, decode, model_of
from contracts.envelope import Envelope, Header, text_headers
from contracts.ids import derived
from contracts.message import CommandData
from contracts.platform import DiscardRecord, SkipRecord
from contracts.position import Position
from contracts.replay import ALL, NONE, Replay
from contracts.timestamps import to_milliseconds
from contracts.types import Timestamp
from contracts.validation import first_fault
from workers.engine.decision import Item
from workers.engine.parking import ATTEMPTS
from workers.engine.quarantine import unpack
from workers.engine.record import Outgoing, Partition, Record
from workers.ops.quarantined import Failure

SOURCE = "/mindlinks/ops/failures"
ACTOR = "system:ops"
COMMANDS = "-commands"


class NotDecided(Exception):
    """The failure is as it was."""


@dataclass(frozen=True, slots=True)
class FailedRecord:
    """``item``: its failure's row."""

    item: Item
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]

    @classmethod
    def of(cls, found: Failure) -> Self:
        """Raises NotDecided for a delivery, which stands in no topic."""
        if not found.is_record:
            name = found.item["id"]
            raise NotDecided(f"{name} is a delivery of a provider: have it delivered again there, or read it by mindlinks stripe-events")
        assert isinstance(found.raw, bytes)
        return cls(found.item, *unpack(found.raw))

    @property
    def subject(self) -> str:
        return (self.key or b"").decode(errors="replace")

    @property
    def is_command(self) -> bool:
        role: str = self.item["role"]
        return role.endswith(COMMANDS)

    @property
    def was_parked(self) -> bool:
        """It was given up in its key's line, not while it was read."""
        return bool(self.item["attempts"] >= ATTEMPTS)

    @property
    def position(self) -> Position:
        return Position.parse(self.item["position"])

    @property
    def replay(self) -> Replay | None:
        """None as well where it does not say readably."""
        try:
            return Replay.from_headers(text_headers(self.headers))
        except ValueError:
            return None

    @property
    def is_copy(self) -> bool:
        return self.replay is not None and self.replay.is_copy

    @property
    def place(self) -> Position:
        """Where it counts as standing: of a copy its original's."""
        replay = self.replay
        return replay.of if replay and replay.is_copy and replay.of else self.position

    @property
    def record(self) -> Record:
        position = self.position
        partition = Partition(self.item["topic"], int(position.origin.rpartition("/")[2]))
        return Record(partition, position.offset, self.key, self.value, self.headers, to_milliseconds(Timestamp(self.item["appendedAt"])))

    @property
    def envelope(self) -> Envelope:
        """Of a record that decodes; else of what can be read of it."""
        try:
            record = self.record
            return decode(record.key, record.value, record.headers, record.timestamp).envelope
        except InvalidRecord:
            texts = _readable(self.headers)
            told = {name: text for name, text in texts.items() if name in ("ce_id", "ce_correlationid", "ce_actor")}
            return Envelope.from_headers({"ce_id": self.item["id"], "ce_type": "-", "ce_subject": self.subject, **told})

    @property
    def command(self) -> tuple[type[CommandData], Mapping[str, Any]]:
        """Its model, and its data as JSON. Raises NotDecided."""
        kind = next((text for name, text in self.headers if name == "ce_type" and text), b"").decode(errors="replace")
        try:
            model = model_of(kind)
        except InvalidRecord as invalid:
            raise NotDecided(f"{invalid.detail}; there is nothing to edit it as. Discard it, or have its sender send it again") from None
        if not issubclass(model, CommandData):
            raise NotDecided(f"{kind} is an event: it says what happened and is never edited. Retry it, or skip it for this role")
        try:
            data: Mapping[str, Any] = orjson.loads(self.value or b"{}")
        except orjson.JSONDecodeError:
            data = {}
        return model, data


def again(failed: FailedRecord) -> Outgoing:
    """The record once more, where nothing of it waits. An event goes to the one role that failed. A command whose kind let others pass it
    counts as seen, so it is another command caused by it; any other was never known."""
    if not failed.is_command:
        headers = _to_its_role(failed)
    elif failed.was_parked:
        headers = _another(failed).headers()
    else:
        headers = [(name, text or b"") for name, text in failed.headers]
    return Outgoing(failed.key or b"", failed.value or b"", headers)


def instead(failed: FailedRecord, data: CommandData, now: Timestamp) -> Outgoing:
    """``data`` as a command of its own, in the failed one's name. The same data again has the same id."""
    old, value = failed.envelope, data.to_json()
    command = derived(f"edit:{failed.item['id']}:{value.decode()}")
    envelope = Envelope(command, data.kind(), SOURCE, data.key, now, old.correlation_id, old.id, old.actor)
    return Outgoing(data.key.encode(), value, envelope.headers())


def word_about(failed: FailedRecord, word: type[SkipRecord | DiscardRecord], who: str, why: str, now: Timestamp) -> Outgoing:
    """Tells whoever reads the log again. Its id follows from the failure."""
    item, subject = failed.item, failed.subject or failed.item["id"]
    data = word(subject=subject, position=str(failed.place), role=item["role"], reason=why, who=who)
    said = word_id(failed, word)
    envelope = Envelope(said, word.kind(item["service"]), SOURCE, subject, now, said, said, ACTOR)
    return Outgoing(subject.encode(), data.to_json(), envelope.headers())


def word_id(failed: FailedRecord, word: type[SkipRecord | DiscardRecord]) -> str:
    return derived(f"{word.__name__}:{failed.item['id']}")


def id_of(record: Outgoing | Record) -> str:
    """Empty where it has none that can be read."""
    return next((text.decode(errors="replace") for name, text in record.headers if name == "ce_id" and text), "")


def edited(model: type[CommandData], data: Mapping[str, Any]) -> CommandData:
    """Read as a worker will. Raises NotDecided naming the field, never its value."""
    try:
        return model.model_validate_json(orjson.dumps(data))
    except ValidationError as error:
        fault = first_fault(error, model)
        raise NotDecided(f"{fault.where or 'data'}: {fault.what}") from None


def _to_its_role(failed: FailedRecord) -> list[Header]:
    """A copy stays where its original stands. Any other is marked late, for later events may have passed it: in the place of its original
    a row that counts by the highest place would take it for seen; late ones are counted by their ids. Whom it may call stays as it was."""
    unread = any(name.startswith("ce_replay") for name, _ in failed.headers)
    mark = (failed.replay or Replay(failed.item["id"], NONE if unread else ALL))._replace(to=failed.item["role"])
    late: list[Header] = [] if mark.is_copy else [("ce_late", b"1")]
    gone = ("ce_replay", *(name for name, _ in late))
    kept: list[Header] = [(name, text or b"") for name, text in failed.headers if not name.startswith(gone)]
    return [*kept, *late, *((name, text.encode()) for name, text in mark.pairs() if text is not None)]


def _another(failed: FailedRecord) -> Envelope:
    """A copy is judged where its original stands, which counts as seen: what is sent for one is no copy."""
    old = failed.envelope
    replay = old.replay.onward if old.replay and old.replay.is_copy else old.replay
    return old._replace(id=derived(f"retry:{failed.item['id']}"), causation_id=old.id, source=SOURCE, replay=replay)


def _readable(headers: Sequence[tuple[str, bytes | None]]) -> Mapping[str, str]:
    try:
        return text_headers(headers)
    except ValueError:
        return {}
