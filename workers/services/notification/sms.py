"""Sends sms. An sms may cost and alarm: one whose fate is unknown is never sent again."""

from contracts.clear import Clear
from contracts.notification.events import NotificationPlanned
from contracts.types import Channel, Purpose
from workers.engine.service import Call, Effect, Result
from workers.services.notification.answers import failed, outcome_unknown
from workers.services.notification.filling import texts_of
from workers.services.notification.ports import (
    NotRendered,
    Sms,
    SmsPort,
)
from workers.services.notification.sending import answered, send_to_reader
from workers.services.notification.template import Template
from workers.services.notification.work import Rows, Work, reads

MAXIMUM_PARTS = 4
# GSM 03.38: the basic set, and what takes two places by an escape.
BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = frozenset("^{}\\[~]|€\f")
WHOLE, SPLIT = (160, 70), (153, 67)
"""Places of a message alone, and of each part of a longer one: in GSM 03.38, in UTF-16."""


def parts(text: str) -> int:
    """How many messages the network makes of it; each is paid for."""
    plain = all(character in BASIC or character in EXTENDED for character in text)
    extended = sum(character in EXTENDED for character in text)
    places = len(text) + extended if plain else len(text.encode("utf-16-le")) // 2
    kind = 0 if plain else 1
    return 1 if places <= WHOLE[kind] else -(-places // SPLIT[kind])


async def send_sms(call: Call[NotificationPlanned], rows: Rows, port: SmsPort) -> Result:
    async def compose(work: Work, template: Template, to: Clear) -> Result:
        data = call.event.data
        text = port.render_sms(template.body, await texts_of(work, port))
        if isinstance(text, NotRendered):
            return failed(data, text.code)
        if parts(text) > MAXIMUM_PARTS:
            return failed(data, "too_long")
        return answered(data, template, await port.send(Sms(to, text)))

    return await send_to_reader(call, rows, port, compose)


SEND_SMS = Effect(
    name="notification.send-sms",
    event=NotificationPlanned,
    provider="sms",
    run=send_sms,
    reads=reads,
    repeatable=False,
    unknown=outcome_unknown,
    when=lambda event: event.data.channel is Channel.SMS,
    attempt=lambda event: event.data.attempt,
    # Nobody's legal name goes out by sms.
    opens=frozenset({Purpose.SUBJECT}),
)
