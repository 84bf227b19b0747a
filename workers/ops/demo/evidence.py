"""What the totals are judged by, and one judged total."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.types import RecipientId
from workers.engine.decision import Item
from workers.ops.demo.cast import Cast
from workers.ops.demo.census import Rows
from workers.ops.demo.observer import Observer


@dataclass(frozen=True, slots=True)
class Check:
    """``found`` and ``wanted`` are shown to people."""

    what: str
    wanted: object
    found: object

    @property
    def passed(self) -> bool:
        return self.wanted == self.found


@dataclass(frozen=True, slots=True)
class Evidence:
    """``receipts``: the states of the commands sent over HTTP. ``stripe``, ``identity``, ``registry``, ``messaging``: the state that the
    fakes' controls show. ``mails``: how many the mail provider took. ``invited``: the invited address as a recipient."""

    cast: Cast
    rows: Rows
    log: Observer
    receipts: Sequence[str]
    stripe: Mapping[str, Any]
    identity: Mapping[str, Any]
    registry: Mapping[str, Any]
    messaging: Mapping[str, Any]
    mails: int
    invited: RecipientId

    def row(self, table: str, key: str, value: str) -> Item:
        """Empty where there is none."""
        return next((row for row in self.rows[table] if row.get(key) == value), {})
