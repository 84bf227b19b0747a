"""What a failure's row says of people's decision about it: begun before anything is done, decided when all of it is."""

from dataclasses import dataclass
from enum import StrEnum

from contracts.clear import Redacted
from contracts.timestamps import from_milliseconds
from workers.engine.decision import Item, ItemRef
from workers.engine.ports import AttributeIs, Clock, Fate, Store, Write
from workers.engine.quarantine import FAILURES, OPEN, RETRIED
from workers.ops.failed_record import NotDecided
from workers.ops.quarantined import BEGUN, Failure, Failures


class State(StrEnum):
    """Of a failure's row, once decided. ``retried``: its own record is tried again where it waits; should it fail again, the failure is
    open again. ``resent``: it stood in nobody's way, so it was appended once more. ``edited``: replaced by another command."""

    RETRIED = RETRIED
    RESENT = "resent"
    EDITED = "edited"
    SKIPPED = "skipped"
    DISCARDED = "discarded"


VERBS = {State.RETRIED: "retry", State.RESENT: "retry", State.EDITED: "edit", State.SKIPPED: "skip", State.DISCARDED: "discard"}
FOR_NOW = ("decision", "sendsBehind")
"""Attributes of a row whose decision was begun: which one, and where the partition ended to which something is sent for it."""


@dataclass(frozen=True, slots=True)
class Decided:
    """``command``: the id of what was appended; empty when nothing was. ``note``: what else the person has to know."""

    failure: str
    state: State
    command: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """Who decides, and why, for the audit trail."""

    who: str
    why: str


class DecisionRows:
    """A decision that was begun is finished by whoever says the same again; until then it says so in every list of what is open. Raises
    NotDecided, FailureNotFound, KeysUnavailable, StoreUnavailable."""

    def __init__(self, failures: Failures, store: Store, clock: Clock) -> None:
        self._failures, self._store, self._clock = failures, store, clock

    async def undecided(self, failure: str, *finishes: State) -> Failure:
        """Open, or begun as one of ``finishes``."""
        found = await self._failures.one(failure)
        item = found.item
        if item["state"] == BEGUN and item["decision"] not in finishes:
            raise NotDecided(_begun_otherwise(item))
        if item["state"] not in (OPEN, BEGUN):
            raise NotDecided(_told(item))
        if isinstance(found.raw, Redacted):
            raise NotDecided(f"{failure}: the key that sealed its record was destroyed; nobody can read it again")
        return found

    async def begin(self, found: Failure, state: State, person: Person, **more: str | int) -> Failure:
        """The row as begun. What somebody else has begun the same way goes on as it was begun."""
        before = found.item
        if before["state"] == BEGUN and before["decision"] == state:
            return found
        at = from_milliseconds(self._clock.now())
        told = {"state": BEGUN, "decision": state, "decidedBy": person.who, "decidedWhy": person.why, "decidedAt": at}
        after = {**before, **told, **more}
        condition = AttributeIs("state", OPEN) if before["state"] == OPEN else AttributeIs("decision", before["decision"])
        fate = await self._written(before, after, condition)
        if fate is Fate.WRITTEN:
            return Failure(after, found.raw)
        there = await self._failures.one(before["id"])
        if there.item["state"] == BEGUN and there.item["decision"] == state and there.item.get("decidedAs") == more.get("decidedAs"):
            return there
        if there.item["state"] == BEGUN:
            raise NotDecided(_begun_otherwise(there.item))
        raise NotDecided(_told(there.item) if there.item["state"] != OPEN else f"{before['id']}: the table did not take it ({fate})")

    async def finish(self, found: Failure, note: str = "") -> Decided:
        """Everything is done. Whoever came first wrote the row."""
        before = found.item
        state = State(before["decision"])
        after = {name: value for name, value in before.items() if name not in FOR_NOW} | {"state": state.value}
        fate = await self._written(before, after, AttributeIs("state", BEGUN))
        if fate is not Fate.WRITTEN:
            there = (await self._failures.one(before["id"])).item
            if there["state"] == BEGUN:
                raise NotDecided(f"{before['id']}: all was done, but its row still says begun ({fate}). Say the same again")
            if there["state"] == OPEN:
                note = "it has failed again since"
            elif there["state"] != state:
                note = f"its row says {there['state']}, by {there['decidedBy']} meanwhile"
        return Decided(before["id"], state, before.get("decidedAs", ""), note)

    async def _written(self, before: Item, after: Item, condition: AttributeIs) -> Fate:
        (written,) = await self._store.write([Write(ItemRef(FAILURES, before["id"]), before, after, condition)])
        return written.fate


def _told(item: Item) -> str:
    return f"{item['id']} was {item['state']} by {item.get('decidedBy', '-')} at {item.get('decidedAt', '-')}; nothing was done"


def _begun_otherwise(item: Item) -> str:
    verb = VERBS[State(item["decision"])]
    return (
        f"{item['id']}: {item['decidedBy']} began to have it {item['decision']} at {item['decidedAt']} and did not come to the end; "
        f"nothing else was done. Finish that first: mindlinks failures {verb} {item['id']}"
    )
