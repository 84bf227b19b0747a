"""Commands of one request: recognise repeats, translate, publish, say per command what became of it."""

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from contracts import timestamps
from contracts.marks import marked_fields
from contracts.types import Timestamp
from workers.engine.decision import Item
from workers.engine.record import Outgoing
from workers.ingress.clear_fields import Context
from workers.ingress.cloudevents import CloudEvent
from workers.ingress.commands import Asked, Caller, ask, record, translated
from workers.ingress.dependencies import Dependencies
from workers.ingress.problems import Problem
from workers.ingress.publishing import publish
from workers.ingress.reading import receipts
from workers.ingress.sealing import Sealing

ACCEPTED: Final = "accepted"
REMEMBERED: Final = 20_000
"""Ids whose receipt may not be written yet; a process forgets older ones first."""


@dataclass(frozen=True, slots=True)
class Taken:
    """``state``: accepted, or what the receipt of a repeated id says."""

    id: str
    state: str
    reason: str | None = None


Outcome: TypeAlias = Taken | Problem


@dataclass(frozen=True, slots=True)
class _Former:
    """What an id was used for before."""

    client: str
    body_hash: str
    state: str
    reason: str | None = None


class Intake:
    """Safe to call side by side. A crash leaves commands published or not, never half: the caller repeats under the same ids."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._dependencies = dependencies
        self._sealing = Sealing(dependencies.sealer, dependencies.passwords)
        self._acknowledged: OrderedDict[str, _Former] = OrderedDict()

    async def take(self, events: Sequence[CloudEvent | Problem], caller: Caller) -> Sequence[Outcome]:
        """One outcome per event, in order. Raises Problem only when the store cannot say what was asked before."""
        asked = [self._ask(event, caller) for event in events]
        firsts: dict[str, Asked] = {}
        for one in asked:
            if isinstance(one, Asked):
                firsts.setdefault(one.id, one)
        outcomes = await self._settle(firsts, caller)
        return [one if isinstance(one, Problem) else _of_first(one, firsts[one.id], outcomes[one.id]) for one in asked]

    def _ask(self, event: CloudEvent | Problem, caller: Caller) -> Asked | Problem:
        try:
            return event if isinstance(event, Problem) else ask(event, caller, self._dependencies.keyed_hash)
        except Problem as problem:
            return problem

    async def _settle(self, asked: Mapping[str, Asked], caller: Caller) -> Mapping[str, Outcome]:
        now = self._dependencies.clock.now()
        known = await receipts(self._dependencies.store, list(asked), now)
        outcomes: dict[str, Outcome] = {}
        fresh: list[Asked] = []
        for one in asked.values():
            former = _former(known[one.id]) if one.id in known else self._acknowledged.get(one.id)
            if former is None:
                fresh.append(one)
            else:
                outcomes[one.id] = _repeated(one, former)
        records: dict[str, list[tuple[Asked, Outgoing]]] = defaultdict(list)
        at = timestamps.from_milliseconds(now)
        for one, made in zip(fresh, await asyncio.gather(*(self._record(one, caller, at) for one in fresh)), strict=True):
            if isinstance(made, Problem):
                outcomes[one.id] = made
            else:
                service, outgoing = made
                records[service].append((one, outgoing))
        for service, group in records.items():
            outcomes |= await self._publish(service, group)
        return outcomes

    async def _record(self, one: Asked, caller: Caller, at: Timestamp) -> tuple[str, Outgoing] | Problem:
        try:
            return record(one, await self._sealing.seal(translated(one, self._context(one, caller, at))), at)
        except Problem as problem:
            return problem

    async def _publish(self, service: str, group: Sequence[tuple[Asked, Outgoing]]) -> Mapping[str, Outcome]:
        try:
            await publish(self._dependencies, service, [outgoing for _, outgoing in group])
        except Problem as problem:
            return {one.id: problem for one, _ in group}
        for one, _ in group:
            self._remember(one)
        return {one.id: Taken(one.id, ACCEPTED) for one, _ in group}

    def _remember(self, one: Asked) -> None:
        """Receipts follow a moment later; until then a repeat at this process is recognised here. The worker recognises all of them."""
        self._acknowledged[one.id] = _Former(one.client, one.body_hash, ACCEPTED)
        while len(self._acknowledged) > REMEMBERED:
            self._acknowledged.popitem(last=False)

    def _context(self, one: Asked, caller: Caller, at: Timestamp) -> Context:
        needs = self._dependencies
        return Context(one.actor, caller.ip, at, marked_fields(one.model), needs.email_hash, needs.keyed_hash, needs.new_link)


def _former(receipt: Item) -> _Former:
    return _Former(str(receipt.get("client")), str(receipt.get("bodyHash")), str(receipt.get("state")), receipt.get("reason"))


def _repeated(one: Asked, former: _Former) -> Outcome:
    if (former.client, former.body_hash) != (one.client, one.body_hash):
        return _reused()
    return Taken(one.id, former.state, former.reason)


def _of_first(one: Asked, first: Asked, outcome: Outcome) -> Outcome:
    return outcome if one.body_hash == first.body_hash else _reused()


def _reused() -> Problem:
    return Problem("idempotency_key_reused", "The same id came before with another command.", field="id")
