"""A development environment's types: what is asked for, and what then stands."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workers.ops.composition import Backbone, Composition
from workers.ops.dev.keys import Keys
from workers.ops.dev.outbox import Mail
from workers.ops.stack import Endpoints, Progress, Provider
from workers.settings import Settings


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for. ``port`` 0: a free one. ``keep``: where data and keys stay for the next start. ``brief``: it is for a minute
    at most, so Java compiles quickly rather than well (a third of all CPU time of such a run)."""

    composition: Composition
    provider: Provider
    environment: str
    port: int = 0
    keep: Path | None = None
    brief: bool = False
    on_progress: Progress = field(default=lambda _: None)


@dataclass(frozen=True, slots=True)
class Development:
    """Everything answers. ``backbone`` is this process's own way to log and store, ``stripe`` the fake's address,
    ``identity`` that of Veriff's and Onfido's, ``registry`` that of OpenCorporates', ``messaging`` that of SES's and SNS's feedback.

    ``broken`` returns when a part has ended by itself, saying which and why; ``trouble`` says what ails those that run, or nothing.
    ``mails``: what the mail provider took, in the order in which it was sent.
    """

    settings: Settings
    endpoints: Endpoints
    keys: Keys
    backbone: Backbone
    http: str
    stripe: str
    identity: str
    registry: str
    messaging: str
    broken: Callable[[], Awaitable[str]]
    trouble: Callable[[], Awaitable[str]]
    mails: Callable[[], Awaitable[Sequence[Mail]]]
