"""Every text there is, in both languages and for each of its channels, with what its line of section 13 gives it."""

from collections.abc import Iterator

import pytest

from contracts.clear import Clear, Redacted
from contracts.ids import notification_id
from contracts.message import EventData
from contracts.notification.commands import PlanNotification, RecordNotificationRendered
from contracts.notification.events import NotificationPlanned
from contracts.notification.values import Variable
from contracts.timestamps import plus
from contracts.types import Channel, Locale
from tests.support.oracle import START, Oracle
from tests.unit.services.notification.expected import VARIABLES
from tests.unit.services.notification.outside import Phones, Port, Provider, answered, carried_out, seeded
from tests.unit.services.notification.people import PHONE, SANA, SOURCE, synced
from workers.engine.service import Done, Effect
from workers.services.notification.effects import RENDER_IN_APP, SEND_EMAIL
from workers.services.notification.matrix import ROWS
from workers.services.notification.service import SERVICE
from workers.services.notification.sms import MAXIMUM_PARTS, SEND_SMS, parts
from workers.services.notification.wording import UNREADABLE

LATER = plus(START, days=1)
EFFECTS: dict[Channel, Effect[NotificationPlanned]] = {
    Channel.EMAIL: SEND_EMAIL,
    Channel.SMS: SEND_SMS,
    Channel.IN_APP: RENDER_IN_APP,
}


class _Open(Provider):
    async def open(self, sealed: str) -> Clear | Redacted:
        opened = await super().open(sealed)
        return opened if isinstance(opened, Clear) else Clear("Somebody")

    async def seal(self, subject: str, text: str) -> str:
        return f"s1.subject.{subject}.1.{text.encode().hex()}"


class OpenPort(_Open, Port):
    """Opens whatever it gets."""


class OpenPhones(_Open, Phones):
    """Opens whatever it gets."""


def cases() -> Iterator[tuple[str, Channel, Locale, type[EventData]]]:
    for row in ROWS:
        yield from ((row.template, channel, locale, row.event) for channel in row.channels for locale in Locale)


@pytest.fixture(scope="module")
def loaded() -> Oracle:
    return seeded(sms=True)


def planned(loaded: Oracle, template: str, channel: Channel, locale: Locale, variables: dict[str, Variable]) -> Oracle:
    run = Oracle(SERVICE, dict(loaded.items))
    run.send(synced(LATER, phone=PHONE, sms=True).model_copy(update={"locale": locale}))
    [category] = {row.category for row in ROWS if row.template == template}
    plan = PlanNotification(
        recipient_id=SANA,
        notification_id=notification_id(SOURCE, SANA, channel, template),
        channel=channel,
        template=template,
        category=category,
        variables=variables,
        source_event_id=SOURCE,
        source_at=START,
    )
    run.send(plan)
    return run


async def shown(run: Oracle, channel: Channel) -> str:
    """What the reader gets to see, all of it."""
    if channel is Channel.IN_APP:
        command = await answered(run, OpenPort(), RENDER_IN_APP)
        assert isinstance(command, RecordNotificationRendered), command
        return "\n".join(bytes.fromhex(sealed.rpartition(".")[2]).decode() for sealed in (command.title, command.message))
    phones, mail = OpenPhones(), OpenPort()
    result = await carried_out(run, EFFECTS[channel], phones if channel is Channel.SMS else mail)
    assert isinstance(result, Done)
    if channel is Channel.SMS:
        [sms] = phones.sent
        assert parts(sms.text) <= MAXIMUM_PARTS
        return sms.text
    [sent] = mail.sent
    assert sent.content.text.strip()
    return f"{sent.content.subject}\n{sent.content.html}"


@pytest.mark.parametrize(("template", "channel", "locale", "event"), [*cases()], ids=str)
async def test_a_text_says_all_it_is_given(loaded: Oracle, template: str, channel: Channel, locale: Locale, event: type[EventData]) -> None:
    variables = VARIABLES[event, template]
    text = await shown(planned(loaded, template, channel, locale, variables), channel)
    assert "{{" not in text
    assert UNREADABLE not in text
    for value in variables.values():
        if isinstance(value, str) and not value.startswith("s1."):
            assert value in text
    if "link" in variables:
        assert "https://app.example/" in text
    if channel is Channel.EMAIL:
        assert f'<html dir="{"rtl" if locale is Locale.AR else "ltr"}" lang="{locale}">' in text
