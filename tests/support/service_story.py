"""A service's way, command by command: what the stories in tests/unit/services share."""

import hashlib
from typing import Any, ClassVar

from contracts.links import Link
from contracts.timestamps import plus
from contracts.types import CommandId, Hash, Timestamp, UserId
from tests.support.oracle import START, Oracle
from workers.engine.decision import Decision
from workers.engine.service import Service

USER = UserId("11111111-1111-4111-8111-111111111111")
"""Whom a story is about, unless it says otherwise."""
ADMIN = "admin:44444444-4444-4444-8444-444444444444"


def digest(text: str) -> Hash:
    return hashlib.sha256(text.encode()).hexdigest()


def sealed(text: str, purpose: str = "subject", subject: str = USER) -> str:
    return f"s1.{purpose}.{subject}.1.{text.encode().hex()}"


def link(token: str) -> Link:
    return Link(hash=digest(token), nonce=(token * 43)[:43], kid="k1")


def after(**time: int) -> Timestamp:
    return plus(START, **time)


class ServiceStory:
    """Commands to ``service`` and what came of them. ``actor`` acts where nobody is named. A subclass brings its aggregate to where a
    test begins."""

    service: ClassVar[Service]
    actor: ClassVar[str]

    def __init__(self) -> None:
        self.oracle = Oracle(self.service)

    def send(self, data: Any, actor: str | None = None, at: Timestamp = START, command: CommandId | None = None) -> Decision[Any]:
        return self.oracle.send(data, actor=actor or self.actor, at=at, id=command)

    @property
    def last(self) -> Any:
        return self.oracle.events[-1]

    @property
    def timers(self) -> dict[str, Timestamp]:
        return {name: timer.due_at for (name, _), timer in self.oracle.timers.items()}

    def assert_moved_once(self, data: Any, actor: str) -> None:
        """By ``data`` sent twice, as two commands: the second changes no row and tells no event."""
        self.send(data, actor)
        before, told = dict(self.oracle.items), len(self.oracle.events)
        self.send(data, actor)
        assert (self.oracle.items, len(self.oracle.events)) == (before, told)
