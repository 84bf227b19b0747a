"""Failed sign-ins on their way to the account, which locks at the tenth."""

import asyncio

import structlog

from contracts.auth import RecordLoginFailure
from contracts.ids import derived
from contracts.types import Hash, UserId
from workers.engine.record import Outgoing
from workers.ingress.account_commands import AccountCommands
from workers.ingress.accounts import Account
from workers.ingress.commands import PUBLIC, Caller
from workers.ingress.dependencies import Dependencies
from workers.ingress.problems import Problem
from workers.ingress.publishing import publish

log = structlog.get_logger(__name__)


class FailedSignIns:
    """Nobody's answer waits for the log, which is asked for known addresses alone: the time would tell them apart. What the log did not
    take is kept until it does; a crash forgets it."""

    def __init__(self, dependencies: Dependencies, commands: AccountCommands) -> None:
        self._dependencies, self._commands = dependencies, commands
        self._counting: set[asyncio.Task[None]] = set()
        self._owed: list[Outgoing] = []

    def count(self, account: Account | None, ip_hash: Hash, caller: Caller) -> None:
        """A client that repeats a request whose answer it lost is counted twice: by an id of its choosing a guesser would never be."""
        user_id = account.user_id if account else UserId(derived(f"nobody:{ip_hash}"))
        _, record = self._commands.record(RecordLoginFailure(user_id=user_id, ip_hash=ip_hash), PUBLIC, caller)
        counting = asyncio.create_task(self._publish(record, known=account is not None))
        self._counting.add(counting)
        counting.add_done_callback(self._counting.discard)

    async def require_counted(self) -> None:
        """Before a password is tried: while failures cannot be counted nobody guesses, at whatever address. Raises Problem
        ``log_unavailable``."""
        owed, self._owed = self._owed, []
        try:
            if owed:
                await publish(self._dependencies, RecordLoginFailure.service, owed)
        except Problem:
            self._owed += owed
            raise

    async def _publish(self, record: Outgoing, *, known: bool) -> None:
        if not known:
            return
        try:
            await publish(self._dependencies, RecordLoginFailure.service, [record])
        except Problem as problem:
            self._owed.append(record)
            log.warning("a failed sign-in is not counted yet", reason=problem.reason)
