"""The outside of messages: mail and sms, whose providers take no keys. What is handed over twice arrives twice."""

import hashlib
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import replace
from typing import Any, Self

from contracts.clear import Clear, Redacted
from contracts.ids import webhook_command_id
from contracts.message import CommandData
from contracts.notification.commands import RecordNotificationDelivered, RecordNotificationFailed
from contracts.notification.events import NotificationPlanned
from contracts.notification.values import Category
from contracts.types import Channel, Pii
from tests.simulation.providers import Outside, Webhook
from workers.engine.decision import Item, ItemRef
from workers.engine.service import Call, Effect, Result
from workers.services.notification import ports

HANDED_OVER = frozenset({"ses", "sms"})
"""Providers that are told which message a call is about."""
REJECTED, TOLD, UNREACHABLE = 0.2, 0.7, 0.25
"""Of messages, of those accepted, of those told of."""


class SimulatedMessages:
    """Renders, and hands messages over. A message that is never sent again (an sms, a security mail) is remembered from the moment its
    call begins until an answer says that it was certainly not taken; whoever hands it over meanwhile, or ever after, breaks the promise."""

    app_url = "https://app.example"

    def __init__(self, outside: Outside, say: Webhook) -> None:
        self._outside, self._say = outside, say
        self._may_be_out: set[str] = set()
        self._message: NotificationPlanned | None = None

    def about(self, message: NotificationPlanned) -> Self:
        """The same provider, told which message the next call is about."""
        one = copy(self)
        one._message = message
        return one

    # --- rendering -----------------------------------------------------------------------------------------------------

    async def open(self, sealed: str) -> Clear | Redacted:
        return Clear("somebody@example.com")

    async def seal(self, subject: str, text: str) -> Pii[str]:
        return f"s1.subject.{subject}.1.{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    def token_link(self, link: object) -> str:
        return "https://app.example/token"

    def page_link(self, link: object) -> str:
        return "https://app.example/page"

    def render_email(self, text: ports.EmailText, variables: Mapping[str, str]) -> ports.RenderedEmail | ports.NotRendered:
        return ports.RenderedEmail(text.subject, text.body, text.body)

    def render_in_app(self, text: ports.InAppText, variables: Mapping[str, str]) -> ports.RenderedInApp | ports.NotRendered:
        return ports.RenderedInApp(text.title, text.message)

    def render_sms(self, body: str, variables: Mapping[str, str]) -> str | ports.NotRendered:
        return body

    # --- sending -------------------------------------------------------------------------------------------------------

    async def send(self, _message: ports.Email | ports.Sms) -> ports.MessageAnswer:
        message = self._message
        assert message is not None
        name, once = message.notification_id, _never_again(message)
        if once:
            self._hands_over(name)
        answer, problem = await self._outside.call(lambda: self._take(message))
        if answer is not None:
            return answer
        if problem == "away":
            self._may_be_out.discard(name)
            return ports.MessageNotTaken(problem)
        return ports.MessageFateUnknown(problem)

    def _hands_over(self, name: str) -> None:
        if name in self._may_be_out:
            self._outside.unforeseen.append(f"{name} was handed over again, though it may be out")
        self._may_be_out.add(name)

    def _take(self, message: NotificationPlanned) -> ports.MessageAnswer:
        what = message.notification_id if _never_again(message) else f"{message.notification_id}#{message.attempt}"
        if self._outside.network.spread(1.0) < REJECTED:
            return ports.MessageRejected("opted_out")
        kind = "mail" if message.channel is Channel.EMAIL else "sms"
        self._outside.done[kind, what] += 1
        name = f"{kind}_{what}_{self._outside.done[kind, what]}"
        if message.channel is Channel.SMS and self._outside.network.spread(1.0) < TOLD:
            self._outside.network.late(1.0, lambda: self._report(message, name))
        return ports.MessageAccepted(name)

    def _report(self, message: NotificationPlanned, name: str) -> None:
        ids = {"recipient_id": message.recipient_id, "notification_id": message.notification_id}
        reached = self._outside.network.spread(1.0) >= UNREACHABLE
        report: CommandData = (
            RecordNotificationDelivered(**ids) if reached else RecordNotificationFailed(**ids, code="phone_is_unreachable")
        )
        self._say(webhook_command_id("sms", name, type(report).__name__), report)


def _never_again(message: NotificationPlanned) -> bool:
    return message.channel is Channel.SMS or message.category is Category.SECURITY


def told(effect: Effect[Any]) -> Effect[Any]:
    """Nothing that an sms provider is given names the message; a simulated one has to know it."""
    if effect.provider not in HANDED_OVER:
        return effect
    run: Callable[..., Any] = effect.run

    async def telling(call: Call[Any], rows: Mapping[ItemRef, Item], port: SimulatedMessages) -> Result:
        answered: Result = await run(call, rows, port.about(call.event.data))
        return answered

    return replace(effect, run=telling)
