"""Events of Stripe that were read from its list, not delivered: taken as deliveries are, by the same translation under the same ids."""

from collections.abc import Mapping
from typing import Any, Final

import orjson
import structlog

from contracts.ids import webhook_command_id
from contracts.payment.commands import RefreshPayeeAccount
from workers.engine.ports import StoreUnavailable
from workers.ingress.dependencies import Dependencies
from workers.ingress.problems import Problem
from workers.ingress.reading import known_to_have_left, resolve
from workers.ingress.stripe_intake import PROVIDER, send, take
from workers.ingress.stripe_translation import PayeeKey, parse_event

WAITING: Final = "waiting"
"""Its object is not known yet and it is young: its webhook or the next reading brings it again."""
INCOMPLETE: Final = "incomplete"

log = structlog.get_logger(__name__)


class ListedEvents:
    """Does not retry: what could not be taken is offered again under the same ids."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._dependencies = dependencies

    async def take(self, event: Mapping[str, Any]) -> str:
        """What became of it, one word: as for a webhook, or waiting, or incomplete. Raises StoreUnavailable while log, store or keys
        are away."""
        try:
            return await take(self._dependencies, parse_event(event), orjson.dumps(event), None)
        except Problem as problem:
            if problem.reason == "unknown_key":
                return WAITING
            if problem.retry_after is not None:
                raise StoreUnavailable(problem.detail) from problem
            log.error("a listed event can't be read", provider=PROVIDER, delivery=event.get("id"), code=problem.reason)
            return INCOMPLETE

    async def left(self, account: str, reading: int) -> bool:
        """The account gives no access any more: its payee's state is asked for anew, once a ``reading``. False: it is nobody's, or that
        is known. Raises StoreUnavailable."""
        try:
            keyed = await resolve(self._dependencies.store, PayeeKey(None, account))
            if keyed is None or await known_to_have_left(self._dependencies.store, keyed["contractorId"]):
                return False
            command = webhook_command_id(PROVIDER, f"{account}:left:{reading}", "RefreshPayeeAccount")
            await send(self._dependencies, command, RefreshPayeeAccount(contractor_id=keyed["contractorId"]))
            return True
        except Problem as problem:
            raise StoreUnavailable(problem.detail) from problem
