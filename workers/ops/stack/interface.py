"""What every provider of the stack promises: the servers Mind-Links stands on, started together and ended together."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

Progress = Callable[[str], None]


class Provider(StrEnum):
    """Values of MINDLINKS_STACK; AUTO takes the first that works."""

    DOCKER = "docker"
    LOCAL = "local"
    EMBEDDED = "embedded"
    AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the servers of a started stack answer.

    `kafka` is a bootstrap server list, or "memory" when Log and Store live in this process.
    `aws` is one URL for S3, SES, SNS, KMS and SSM (a moto server).
    """

    kafka: str
    dynamodb: str | None
    aws: str | None
    data_folder: Path | None


class StackError(Exception):
    """The stack cannot do what was asked. Its text is for a person: what happened, what it means, what to do."""

    def __init__(self, happened: str, meaning: str, remedy: str) -> None:
        super().__init__(f"{happened}\n{meaning}\n{remedy}")
        self.happened = happened
        self.meaning = meaning
        self.remedy = remedy


def silent(_line: str) -> None:
    """A Progress that shows nothing."""


class Stack(ABC):
    """Servers that start and stop as one.

    The synchronous pair blocks its thread; the asynchronous pair runs it in a thread, so an event loop goes on meanwhile.
    Nothing is retried. A start that fails has stopped what it had started when it raises StackError. Servers that are
    child processes end when this process ends, however it dies.
    """

    provider: Provider

    @abstractmethod
    def start_sync(self) -> Endpoints:
        """Returns once every server has answered a real request. Raises StackError."""

    @abstractmethod
    def stop_sync(self) -> None:
        """Ends every server and removes what was not asked to be kept. May be called at any time, and again."""

    @abstractmethod
    def why_not(self) -> StackError | None:
        """None if this provider could start here, else what stands in its way. Starts nothing; takes seconds at most."""

    async def start(self) -> Endpoints:
        return await asyncio.to_thread(self.start_sync)

    async def stop(self) -> None:
        await asyncio.to_thread(self.stop_sync)
