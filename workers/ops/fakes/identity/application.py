"""The two fakes behind one courier, and the steps that people take at either."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from workers.ops.fakes.controls import control_routes
from workers.ops.fakes.courier import Courier
from workers.ops.fakes.identity.controls import CONTROLS, Order
from workers.ops.fakes.identity.steps import Step
from workers.ops.fakes.onfido import OnfidoFake
from workers.ops.fakes.veriff import NotPossible, Session, VeriffFake

_AT_VERIFF = {
    Step.APPROVE: "approved",
    Step.DECLINE: "declined",
    Step.RESUBMIT: "resubmission_requested",
    Step.REVIEW: "review",
    Step.EXPIRE: "expired",
    Step.ABANDON: "abandoned",
}
_AT_ONFIDO = {
    Step.APPROVE: "approved",
    Step.DECLINE: "declined",
    Step.REVIEW: "review",
    Step.ABANDON: "abandoned",
    Step.ERROR: "error",
}


@dataclass
class IdentityFake:
    """An ASGI application."""

    courier: Courier = field(default_factory=Courier)

    def __post_init__(self) -> None:
        self.veriff, self.onfido = VeriffFake(self.courier), OnfidoFake(self.courier)
        self._app = Starlette(routes=[*control_routes(CONTROLS, self, Order), Mount("/veriff", self.veriff), Mount("/onfido", self.onfido)])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def listen(self, ingress: str, veriff_secrets: tuple[str, ...], onfido_secrets: tuple[str, ...]) -> None:
        """``ingress``: its address, without a path."""
        hooks = f"{ingress.rstrip('/')}/webhooks"
        self.veriff.listen(f"{hooks}/veriff/event", f"{hooks}/veriff/decision", veriff_secrets)
        self.onfido.listen(f"{hooks}/onfido", onfido_secrets)

    @asynccontextmanager
    async def delivering(self) -> AsyncIterator[None]:
        """Webhooks leave by themselves for the length of the block."""
        async with self.courier.delivering():
            try:
                yield
            finally:
                self.veriff.faults.clear()
                self.onfido.faults.clear()

    def take(self, name: str, step: Step) -> str:
        """``name``: the provider's id of a session or run, or our kycSessionId. Answers the provider's id. Raises NotPossible."""
        if session := self.veriff.of(name):
            self._at_veriff(session, step)
            return session.id
        if run := self.onfido.of(name):
            self._at_onfido(run, step)
            return str(run["id"])
        raise NotPossible(f"Neither Veriff nor Onfido knows {name}: no session of that name was made yet.")

    def _at_veriff(self, session: Session, step: Step) -> None:
        if step in (Step.START, Step.SUBMIT):
            (self.veriff.start if step is Step.START else self.veriff.submit)(session)
        elif step in _AT_VERIFF:
            self.veriff.settle(session, _AT_VERIFF[step])
        else:
            raise NotPossible(f"Veriff has no {step}.")

    def _at_onfido(self, run: dict[str, Any], step: Step) -> None:
        if step in (Step.START, Step.SUBMIT):
            (self.onfido.start if step is Step.START else self.onfido.submit)(run)
        elif step in _AT_ONFIDO:
            self.onfido.settle(run, _AT_ONFIDO[step])
        else:
            raise NotPossible(f"Onfido has no {step}.")
