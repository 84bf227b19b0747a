"""Messages as their reader would see them: the seed's texts, a sample event, and the code that the sending effects run."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from contracts.clear import Clear, Redacted
from contracts.generate import examples
from contracts.ids import notification_id
from contracts.message import EventData
from contracts.notification.commands import PlanNotification, PublishNotificationTemplate
from contracts.notification.values import Category, PageLink, TokenLink, Variable
from contracts.types import Channel, EventId, Locale, RecipientId, Timestamp
from workers.adapters.links import LinkKeys, Links
from workers.adapters.templates import Renderer
from workers.engine.decision import Accepted, Command
from workers.engine.service import Event
from workers.ops.preview.samples import PERSONS
from workers.ops.seed.catalogue import ACTOR, SeedCommand, stages
from workers.services.notification.columns import Row
from workers.services.notification.filling import texts_of
from workers.services.notification.matrix import ROWS
from workers.services.notification.notification import drafted
from workers.services.notification.ports import EmailText, InAppText, NotRendered, RenderedEmail, RenderedInApp
from workers.services.notification.recipient import Recipient
from workers.services.notification.suppression import Suppression
from workers.services.notification.template import Template, Templates, publish_notification_template
from workers.services.notification.work import Work

_READER: Final = RecipientId("aaaaaaaa-1111-4111-8111-111111111111")
_AT: Final = Timestamp("2026-01-31T09:30:00.000Z")
_APP: Final = "https://app.example.com"


class CannotPreview(Exception):
    """The text and its variables do not fit: correct the template, or the row of the matrix that names it."""


@dataclass(frozen=True, slots=True)
class Seeded:
    """One text of the seed, as the command that publishes it."""

    name: str
    locale: Locale
    channel: Channel
    seed: SeedCommand


def seeded() -> Sequence[Seeded]:
    return list(_seeded())


def _seeded() -> Iterator[Seeded]:
    published, _ = stages()
    for seed in published:
        if isinstance(data := seed.command, PublishNotificationTemplate):
            yield Seeded(data.name, data.locale, data.channel, seed)


async def rendered(text: Seeded) -> RenderedEmail | RenderedInApp | str:
    """A str is an sms. Raises CannotPreview."""
    template = _published(text.seed)
    renderer = SampleRendering(text.locale)
    values = await texts_of(_work(text, template), renderer)
    shown: RenderedEmail | RenderedInApp | str | NotRendered
    match text.channel:
        case Channel.EMAIL:
            shown = renderer.render_email(EmailText(template.subject or "", template.body, template.locale, template.dir), values)
        case Channel.IN_APP:
            shown = renderer.render_in_app(InAppText(template.subject or "", template.body), values)
        case Channel.SMS:
            shown = renderer.render_sms(template.body, values)
    if isinstance(shown, NotRendered):
        raise CannotPreview(f"{text.name}.{text.locale}.{text.channel}: {shown.code}")
    return shown


class SampleRendering(Renderer):
    """The workers' renderer over made-up people: nothing is sealed, links lead to a made-up app."""

    app_url = _APP

    def __init__(self, locale: Locale) -> None:
        super().__init__()
        self._locale = locale

    async def open(self, sealed: str) -> Clear | Redacted:
        return Clear(opened(sealed))

    async def seal(self, subject: str, text: str) -> str:
        return sealed(text)

    def token_link(self, link: TokenLink) -> str:
        formed = Links(_APP, LinkKeys({link.kid: b"sample"})).token_link(link)
        assert formed is not None  # its key is there
        return formed

    def page_link(self, link: PageLink) -> str:
        return Links(_APP, LinkKeys({})).page_link(link)


def sealed(text: str, purpose: str = "subject") -> str:
    """Only its form is that of a sealed text."""
    return f"s1.{purpose}.{_READER}.1.{base64.urlsafe_b64encode(text.encode()).rstrip(b'=').decode()}"


def opened(text: str) -> str:
    coded = text.rpartition(".")[2]
    return base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4)).decode()


def _published(seed: SeedCommand) -> Template:
    """As the service would take it. Raises CannotPreview when it would not."""
    data = seed.command
    assert isinstance(data, PublishNotificationTemplate)
    command = Command(seed.id, data.name, ACTOR, data)
    decision = publish_notification_template(Templates(data.name), command, _AT)
    if not isinstance(decision, Accepted):
        raise CannotPreview(f"{data.name}.{data.locale}.{data.channel} would not be published: {decision}")
    return decision.state.rows[data.template_id]


def _work(text: Seeded, template: Template) -> Work:
    row = next((row for row in ROWS if row.template == text.name and text.channel in row.channels), None)
    event_id = EventId("00000000-0000-4000-8000-000000000000")
    plan = PlanNotification(
        recipient_id=_READER,
        notification_id=notification_id(event_id, _READER, text.channel, text.name),
        channel=text.channel,
        template=text.name,
        category=row.category if row else Category.TRANSACTIONAL,
        variables={**dict.fromkeys(template.variables, "…"), **_variables(row, text.locale)},
        source_event_id=event_id,
        source_at=_AT,
        locale=text.locale,
    )
    recipient = Recipient(first_name=sealed(PERSONS[text.locale]["firstName"]), locale=text.locale)
    return Work(drafted(plan, _AT), recipient, Suppression(), template)


def _variables(row: Row[Any] | None, locale: Locale) -> Mapping[str, Variable]:
    """As the reaction takes them from the event's example; people and titles are ours, since the example's may be sealed."""
    event = _example(row.event) if row else None
    if row is None or event is None:
        return PERSONS[locale]
    built = {name: build(event) for name, build in row.variables.items()}
    return built | {name: text for name, text in PERSONS[locale].items() if isinstance(built.get(name), str)}


def _example(model: type[EventData]) -> Event[EventData] | None:
    example = examples().get(model.kind())
    if example is None:
        return None
    headers = example["headers"]
    data = model.model_validate(example["data"])
    return Event(EventId(headers["ce_id"]), model.service, example["key"], Timestamp(headers["ce_time"]), headers["ce_actor"], data)
