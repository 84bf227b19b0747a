"""What people decide about a failure: try it again, ask for it otherwise, pass it over, drop it.

Each decision is audited first, then begun on the failure's row, then done, then written there as decided. Whoever dies in between, or
meets somebody who did, says the same again: it goes on from there, and nothing happens twice. A skip or discard stands in the service's
commands topic, and so does that something else was sent for a command: whoever reads the log again must not take its first place for it.
"""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from contracts.catalogue import InvalidRecord
from contracts.message import CommandData
from contracts.platform import DiscardRecord, SkipRecord
from contracts.timestamps import from_milliseconds
from contracts.topics import commands_topic
from contracts.types import Timestamp
from workers.engine.intake import waiting_of
from workers.engine.parking import ParkedRow, ParkingLot
from workers.engine.ports import Clock, Log, Store
from workers.engine.reading import LogReader
from workers.engine.root import Root
from workers.engine.service import Service
from workers.ops.audit import Audit
from workers.ops.decision_rows import Decided, DecisionRows, Person, State
from workers.ops.failed_record import FailedRecord, NotDecided, again, id_of, instead, word_about, word_id
from workers.ops.quarantined import BEGUN, Failure, Failures
from workers.ops.sending_once import SendingOnce

Word = type[SkipRecord | DiscardRecord]
LOOKS = 3
"""How often a waiting row is written again that its worker wrote at the same moment."""


class FailureDecisions:
    """Works beside running workers. ``services``: by name, as deployed. Raises NotDecided, FailureNotFound, KeysUnavailable,
    StoreUnavailable, LogUnavailable, NotAudited."""

    def __init__(
        self, failures: Failures, store: Store, log: Log, reader: LogReader, clock: Clock, random: Random, services: Mapping[str, Service]
    ) -> None:
        self._store, self._log, self._clock, self._random, self._services = store, log, clock, random, services
        self._rows, self._sending, self._audit = DecisionRows(failures, store, clock), SendingOnce(log, reader), Audit(store, clock)

    async def retry(self, failure: str, person: Person) -> Decided:
        """Where it waits, with all its attempts; or appended once more, if it stood in nobody's way."""
        found = await self._rows.undecided(failure, State.RETRIED, State.RESENT)
        failed = FailedRecord.of(found)
        state, note = await self._way(found, failed)
        await self._note("retry", found, person)
        if state is State.RESENT:
            return await self._resend(found, failed, person)
        found = await self._rows.begin(found, state, person)
        await self._release(failed)
        return await self._rows.finish(found, note)

    async def skip(self, failure: str, person: Person) -> Decided:
        return await self._pass_over(failure, person, SkipRecord, State.SKIPPED)

    async def discard(self, failure: str, person: Person) -> Decided:
        return await self._pass_over(failure, person, DiscardRecord, State.DISCARDED)

    async def message(self, failure: str) -> tuple[type[CommandData], Mapping[str, Any]]:
        """What an editor starts from: the command's model, and its data as JSON; personal values are sealed texts."""
        return FailedRecord.of(await self._rows.undecided(failure, State.EDITED)).command

    async def edit(self, failure: str, data: CommandData, person: Person) -> Decided:
        """Sends ``data`` as a command of its own, caused by the failed one and in its sender's name, and passes the failed one over: what
        waits behind it is applied first. The same data again is the same command."""
        found = await self._rows.undecided(failure, State.EDITED)
        failed = FailedRecord.of(found)
        _ = failed.command
        command, topic = instead(failed, data, self._now()), commands_topic(data.service)
        sent = id_of(command)
        if found.item.get("decidedAs", sent) != sent:
            raise NotDecided(_another_edit(found))
        await self._may_pass(found, failed)
        await self._note("edit", found, person)
        end = await self._sending.end(topic, command)
        passed = word_id(failed, SkipRecord)
        found = await self._rows.begin(found, State.EDITED, person, decidedAs=sent, sendsBehind=end, passedOver=passed)
        await self._sending.once(topic, command, found.item["sendsBehind"])
        await self._say(failed, SkipRecord, Person(person.who, f"edited as {sent}: {person.why}"))
        await self._pass_rows(failed)
        return await self._rows.finish(found)

    async def _pass_over(self, failure: str, person: Person, word: Word, state: State) -> Decided:
        # Of an edit nobody can say again, for its values are lost, this is the way out.
        found = await self._rows.undecided(failure, state, State.EDITED)
        if not found.is_record:
            await self._note(state, found, person)
            return await self._rows.finish(await self._rows.begin(found, state, person))
        failed = FailedRecord.of(found)
        await self._may_pass(found, failed)
        await self._note(state, found, person)
        said, note = word_id(failed, word), _edit_begun(found)
        found = await self._rows.begin(found, state, person, decidedAs=said, passedOver=said)
        await self._say(failed, word, person)
        await self._pass_rows(failed)
        return await self._rows.finish(found, note)

    # --- the ways ----------------------------------------------------------------------------------------------------

    async def _way(self, found: Failure, failed: FailedRecord) -> tuple[State, str]:
        """As it was begun; else by what waits of it. A record that was given up in its line and waits no longer was done since."""
        item = found.item
        if item["state"] == BEGUN:
            return State(item["decision"]), ""
        if item.get("passedOver"):
            raise NotDecided(f"{item['id']} was passed over before, which stands in the log. Skip it again, or ask for it by an edit")
        if rows := await self._parked(failed):
            if all(row.skipped for row in rows):
                raise NotDecided(f"{item['id']}: its line passes it over; there is nothing to try again")
            if not failed.was_parked and not any(row.quarantined for row in rows):
                # Its worker could not read it there, and takes it out of the line.
                raise NotDecided(_line_busy(failed))
            return State.RETRIED, ""
        if not failed.was_parked or not self._is_ordered(failed):
            return State.RESENT, ""
        await self._seen(failed)
        return State.RETRIED, f"it no longer waits: it was taken up meanwhile. What became of it: {_story(failed)}"

    async def _seen(self, failed: FailedRecord) -> None:
        """Raises NotDecided for a command that neither waits nor was judged: its line was lost with a table."""
        service = self._services.get(failed.item["service"])
        if service is None or not failed.is_command:
            return
        try:
            ref, waiting = waiting_of(service, failed.position.origin, failed.record)
        except InvalidRecord:
            return
        root = Root.of((await self._store.get([ref])).get(ref, {}))
        if not root.has_seen(waiting.place.origin, waiting.place.offset):
            raise NotDecided(
                f"{failed.item['id']} no longer waits, and nothing was done for it: its line is gone ({_story(failed)}). "
                f"mindlinks replay run --service {service.name} --fingerprint '{failed.item['fingerprint']}' hands it over once more"
            )

    async def _may_pass(self, found: Failure, failed: FailedRecord) -> None:
        """A word about a command that was applied would make a rebuild take it back."""
        known = found.item["state"] == BEGUN or found.item.get("passedOver")
        if known or not failed.was_parked or not self._is_ordered(failed) or await self._parked(failed):
            return
        raise NotDecided(
            f"{failed.item['id']} no longer waits: it was taken up meanwhile, and nothing is passed over. What became of it: "
            f"{_story(failed)}; mindlinks failures retry {failed.item['id']} closes the failure"
        )

    def _is_ordered(self, failed: FailedRecord) -> bool:
        """Whether its key's line waits for it once it was given up."""
        service = self._services.get(failed.item["service"])
        handler = service.handler_of.get(failed.item["kind"]) if service and failed.is_command else None
        return handler is None or handler.ordered

    # --- what is sent --------------------------------------------------------------------------------------------------

    async def _resend(self, found: Failure, failed: FailedRecord, person: Person) -> Decided:
        topic, record = found.item["topic"], again(failed)
        # A copy counts as standing where its original does, and so does what is sent for it as it was: no word about that place.
        says = failed.is_command and (failed.was_parked or not failed.is_copy)
        passed = {"passedOver": word_id(failed, SkipRecord)} if says else {}
        end = await self._sending.end(topic, record)
        found = await self._rows.begin(found, State.RESENT, person, decidedAs=id_of(record), sendsBehind=end, **passed)
        if says:
            await self._say(failed, SkipRecord, Person(person.who, f"resent as {id_of(record)}: {person.why}"))
        await self._sending.once(topic, record, found.item["sendsBehind"])
        return await self._rows.finish(found)

    async def _say(self, failed: FailedRecord, word: Word, person: Person) -> None:
        said = word_about(failed, word, person.who, person.why, self._now())
        await self._log.append_keyed(commands_topic(failed.item["service"]), [said])

    # --- rows that wait ------------------------------------------------------------------------------------------------

    async def _parked(self, failed: FailedRecord) -> Sequence[ParkedRow]:
        """The rows of the record in its role's waiting line; none where it was never parked, or was passed."""
        return [row for row in await self._lot(failed).line(failed.subject) if row.position == failed.position]

    async def _release(self, failed: FailedRecord) -> None:
        lot = self._lot(failed)
        for _ in range(LOOKS):
            rows = [row for row in await self._parked(failed) if row.quarantined and not row.skipped]
            for row in rows:
                await lot.keep(row, lot.released(row))
            if not rows:
                return
        raise NotDecided(_line_busy(failed))

    async def _pass_rows(self, failed: FailedRecord) -> None:
        lot = self._lot(failed)
        for _ in range(LOOKS):
            rows = [row for row in await self._parked(failed) if not row.skipped]
            for row in rows:
                await lot.keep(row, lot.passed_over(row))
            if not rows:
                return
        raise NotDecided(_line_busy(failed))

    def _lot(self, failed: FailedRecord) -> ParkingLot:
        return ParkingLot(failed.item["role"], self._store, self._clock, self._random)

    async def _note(self, what: str, found: Failure, person: Person) -> None:
        item = found.item
        about: dict[str, str | int] = {"failure": item["id"], "position": item.get("position", "-"), "fingerprint": item["fingerprint"]}
        await self._audit.note(f"failures {what}", person.who, person.why, about)

    def _now(self) -> Timestamp:
        return from_milliseconds(self._clock.now())


def _story(failed: FailedRecord) -> str:
    return f"mindlinks story {failed.envelope.correlation_id}"


def _another_edit(found: Failure) -> str:
    item = found.item
    return (
        f"{item['id']}: {item['decidedBy']} began to edit it as {item['decidedAs']} at {item['decidedAt']} and did not come to the end; "
        f"mindlinks story {item['decidedAs']} shows whether that was sent. Say that edit again, with the same values, or skip {item['id']}"
    )


def _edit_begun(found: Failure) -> str:
    item = found.item
    if item["state"] != BEGUN or item["decision"] != State.EDITED:
        return ""
    sent = item["decidedAs"]
    return f"{item['decidedBy']} had begun to edit it as {sent}; mindlinks story {sent} shows whether that was sent"


def _line_busy(failed: FailedRecord) -> str:
    return f"{failed.item['id']}: its worker is writing the waiting line at this moment; say it again"
