"""What a replay is to do, said once and kept: in its checkpoint, and in the audit trail."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from contracts.replay import ALL, NONE, Replay
from contracts.topics import TOPICS
from workers.ops.replay.selection import Selection, is_events

RATE: Final = 1_000.0
"""Records a second: what a worker takes in beside its daily load."""


class PlanError(ValueError):
    """The replay cannot be meant as it was said."""


class Mode(StrEnum):
    """``ensure``: every record is in effect, in its own place; what was applied is recognised. ``redo``: done once more, deliberately."""

    ENSURE = "ensure"
    REDO = "redo"


@dataclass(frozen=True, slots=True)
class ReplayPlan:
    """``effects``: as ``contracts.replay`` has it. ``to``: one group, or empty for whoever reads the topic. ``rate``: records a second."""

    id: str
    selection: Selection
    mode: Mode
    who: str
    why: str
    effects: str = NONE
    to: str = ""
    rate: float = RATE

    def __post_init__(self) -> None:
        events = {is_events(topic) for topic in self.selection.topics}
        if len(events) > 1:
            raise PlanError("commands and events in one replay would run into each other: replay one, then the other")
        if self.mode is Mode.REDO and events == {True}:
            raise PlanError("an event says what happened and cannot be done again: redo its command, or ensure the event")
        if not self.why.strip():
            raise PlanError("the audit trail needs a reason: say --why")
        if self.to and events == {False} and {self.to} != {f"{TOPICS[topic].owner}-commands" for topic in self.selection.topics}:
            raise PlanError(f"{self.to} does not read these commands; a commands topic has one consumer, <service>-commands")
        if self.rate <= 0:
            raise PlanError("the rate is a number of records a second above 0")

    @property
    def mark(self) -> Replay:
        return Replay(self.id, self.effects, to=self.to)


def effects_of(text: str, providers: frozenset[str]) -> str:
    """``none``, ``all`` or ``only=NAME,...`` as the header carries it. Raises PlanError."""
    if text in (NONE, ALL):
        return text
    names = text.removeprefix("only=").split(",")
    if not text.startswith("only=") or (unknown := set(names) - providers):
        wrong = f"there is no provider {', '.join(sorted(unknown))}" if text.startswith("only=") else f"{text!r} is not understood"
        raise PlanError(f"{wrong}: --effects is none, all, or only= with some of {', '.join(sorted(providers))}")
    return ",".join(sorted(names))
