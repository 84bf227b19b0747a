"""What every simulated call of Stripe has in common: idempotency keys with an end, stored errors, webhooks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from contracts.ids import webhook_command_id
from contracts.message import CommandData
from contracts.timestamps import from_milliseconds
from contracts.types import EffectId, Timestamp
from workers.services.payment import ports as pay

if TYPE_CHECKING:
    from tests.simulation.providers import Outside, Webhook

R = TypeVar("R")


class ServerError:
    """A 500: stored, and replayed for as long as its key lives."""


@dataclass(frozen=True, slots=True)
class Answered:
    """``at``: seconds of virtual time."""

    request: object
    answer: object
    at: float


class KeyedStripe:
    """One answer a key, whatever is repeated, until the key's ``memory`` (seconds) is over: then the same call is another one. ``say`` is
    told what its webhooks tell."""

    def __init__(self, outside: Outside, now: Callable[[], int], say: Webhook, memory: float) -> None:
        self._outside, self._now, self._say, self._memory = outside, now, say, memory
        self._answers: dict[str, Answered] = {}
        self._deliveries = 0

    @property
    def _time(self) -> Timestamp:
        return from_milliseconds(self._now())

    async def _asked(self, key: EffectId, request: object, make: Callable[[], R]) -> R | pay.Unavailable | pay.Lost:
        def once() -> tuple[object, bool]:
            known = self._answers.get(key)
            replayed = known is not None and self._seconds() - known.at <= self._memory
            if known is None or not replayed:
                known = self._answers[key] = Answered(request, self._executed(make), self._seconds())
            elif known.request != request:
                self._outside.unforeseen.append(f"key {key} came with {request} after {known.request}")
            return known.answer, replayed

        given, problem = await self._outside.call(once)
        if given is None:
            return pay.Unavailable(problem) if problem == "away" else pay.Lost(problem)
        answer, replayed = given
        if isinstance(answer, ServerError):
            return pay.Lost("500", replayed)
        return answer  # type: ignore[return-value]  # a key is used for one method only

    def _executed(self, make: Callable[[], R]) -> R | ServerError:
        """An error may come before anything was done, or after all of it."""
        if not self._outside.errs():
            return make()
        if self._outside.network.spread(1.0) < 0.5:
            make()
        return ServerError()

    def _seconds(self) -> float:
        return self._outside.network.loop.time()

    async def _read(self, find: Callable[[], R]) -> R | pay.Unavailable:
        _, problem = await self._outside.call(lambda: True)
        return pay.Unavailable(problem) if problem else find()

    def _deliver(self, command: CommandData) -> None:
        self._deliveries += 1
        self._say(webhook_command_id("stripe", f"evt_{self._deliveries}", type(command).__name__), command)
