"""A genuine event of Stripe becomes a command: whose is it, what does it say, publish. The command's id follows from the event's, so an
event that comes again, by whatever way, is recognised."""

from typing import Final

from contracts.ids import webhook_command_id
from contracts.message import CommandData
from contracts.types import CommandId
from workers.ingress.deliveries import Received, envelope_of, put_aside, unknown_key
from workers.ingress.dependencies import Dependencies
from workers.ingress.messages import command_data, command_model, outgoing
from workers.ingress.problems import Problem
from workers.ingress.publishing import publish
from workers.ingress.reading import resolve
from workers.ingress.stripe_translation import StripeEvent, Untranslated, translate

PROVIDER: Final = "stripe"


async def take(dependencies: Dependencies, event: StripeEvent, body: bytes, traceparent: str | None) -> str:
    """What became of it: one word, for the metric and the answer. Raises Problem for what is to be offered again."""
    if _is_foreign(dependencies, event):
        return "dropped"
    translation = translate(event)
    if isinstance(translation, Untranslated):
        return translation.why
    received = Received(PROVIDER, event.id, event.type, event.created * 1000, body)
    keyed = await resolve(dependencies.store, translation.key)
    if keyed is None:
        return await unknown_key(dependencies, received, "No contract or payee is known for this object yet.")
    try:
        data = command_data(command_model(f"mindlinks.payment.{translation.command}.v1"), {**translation.data, **keyed})
    except Problem as problem:
        return await put_aside(dependencies, received, problem)
    await send(dependencies, webhook_command_id(PROVIDER, event.id, translation.command), data, traceparent)
    return "accepted"


def _is_foreign(dependencies: Dependencies, event: StripeEvent) -> bool:
    """Another environment may share the Stripe account; its objects say so."""
    environment = event.metadata.get("environment")
    return event.livemode != dependencies.stripe.livemode or environment not in (None, dependencies.environment)


async def send(dependencies: Dependencies, command: CommandId, data: CommandData, traceparent: str | None = None) -> None:
    """Returns when it is on the log. Raises Problem ``log_unavailable``."""
    envelope = envelope_of(dependencies, PROVIDER, command, data, traceparent)
    await publish(dependencies, data.service, [outgoing(envelope, data)])
