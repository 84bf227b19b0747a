"""One command of a router of its own: put on the log, then its outcome looked for, for a while."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar
from uuid import uuid4

from contracts import timestamps
from contracts.envelope import Envelope, ReceiptTicket
from contracts.message import CommandData
from contracts.types import CommandId
from workers.engine.decision import Item, ItemRef
from workers.engine.record import Outgoing
from workers.ingress.commands import SOURCE, Caller
from workers.ingress.dependencies import Dependencies
from workers.ingress.messages import outgoing
from workers.ingress.problems import Problem
from workers.ingress.publishing import publish
from workers.ingress.reading import RECEIPTS, store_answers
from workers.ingress.traceparent import traceparent_of

PAUSES: Final = (*[0.02] * 10, *[0.05] * 16, *[0.1] * 40)
"""Seconds between looks, five in all: a worker that is up has written within a tenth."""
REPEAT_AFTER: Final = 2

Rows = Mapping[ItemRef, Item]
T = TypeVar("T")


class AccountCommands:
    """Ids are new each time: a request may be repeated, and what a repeat means is judged by state (a token presented again) or cannot be
    told from another try (a wrong password)."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._dependencies = dependencies

    def record(self, data: CommandData, actor: str, caller: Caller) -> tuple[CommandId, Outgoing]:
        command = CommandId(str(uuid4()))
        correlation = caller.correlation_id or command
        envelope = Envelope(
            id=command,
            kind=data.kind(),
            source=SOURCE,
            subject=data.key,
            time=timestamps.from_milliseconds(self._dependencies.clock.now()),
            correlation_id=correlation,
            causation_id=command,
            actor=actor,
            traceparent=traceparent_of(caller.traceparent),
            receipt=ReceiptTicket(caller.client.id, self._dependencies.keyed_hash("body", command)),
        )
        return command, outgoing(envelope, data)

    async def publish(self, data: CommandData, actor: str, caller: Caller) -> CommandId:
        """Returns when the log has acknowledged. Raises Problem ``log_unavailable``."""
        command, record = self.record(data, actor, caller)
        await publish(self._dependencies, data.service, [record])
        return command

    async def outcome(self, command: CommandId, refs: Sequence[ItemRef], judge: Callable[[Rows, Item | None], T | None]) -> T:
        """What ``judge`` makes of the rows and of the command's receipt, as soon as it makes something of them; it raises the problem that
        a refusal is. After five seconds Problem ``unsettled``: the command may still be applied."""
        receipt = ItemRef(RECEIPTS, command)
        for pause in (*PAUSES, 0):
            async with store_answers():
                rows = await self._dependencies.store.get([receipt, *refs])
            if (judged := judge(rows, rows.get(receipt))) is not None:
                return judged
            if pause:
                await self._dependencies.clock.sleep(pause)
        raise unsettled()


def unsettled() -> Problem:
    return Problem("unsettled", "What became of this is not known yet.", retry_after=REPEAT_AFTER)
