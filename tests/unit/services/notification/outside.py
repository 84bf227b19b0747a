"""The outside of the sending effects: ports that remember what they were asked, over rows that the seed texts and the decisions made."""

from dataclasses import dataclass, field

from contracts.clear import Clear, Redacted
from contracts.ids import effect_id
from contracts.message import CommandData
from contracts.notification.commands import PlanNotification
from contracts.notification.events import NotificationPlanned
from contracts.notification.values import Moment, PageLink, TokenLink, Variable
from contracts.types import Channel, EventId, Pii
from tests.support.oracle import START, Oracle
from tests.unit.services.notification.people import PHONE, SOURCE, USER, planned, synced
from workers.adapters.templates import Renderer
from workers.engine.decision import Item, ItemRef
from workers.engine.service import Call, Done, Effect, Event
from workers.ops.seed.catalogue import stages
from workers.services.notification.ports import CannotShowError, Email, MessageAccepted, MessageAnswer, Sms
from workers.services.notification.service import SERVICE

CLIENT_NAME = f"s1.legal.{USER}.1.TmlsZQ"
CLEAR = {
    "c2FuYUBleGFtcGxlLmNvbQ": "sana@example.com",
    "KzIwMTAwMDAwMDAwMA": "+201000000000",
    "U2FuYQ": "Sana",
    "TmlsZQ": "Nile <Design>",
}


class Provider(Renderer):
    """Opens what is in ``CLEAR``; the rest has lost its key."""

    app_url = "https://app.example"

    async def open(self, sealed: str) -> Clear | Redacted:
        text = CLEAR.get(sealed.rpartition(".")[2])
        return Redacted.ERASED if text is None else Clear(text)

    async def seal(self, subject: str, text: str) -> Pii[str]:
        return f"s1.subject.{subject}.1.{text.encode().hex()}"

    def token_link(self, link: TokenLink) -> str:
        if link.kid != "k1":
            raise CannotShowError("link_key_unknown")
        return f"{self.app_url}/{link.purpose}?{link.nonce}"

    def page_link(self, link: PageLink) -> str:
        return f"{self.app_url}/{link.page}"


@dataclass
class Port(Provider):
    answer: MessageAnswer = field(default_factory=lambda: MessageAccepted("ses-1"))
    sent: list[Email] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    async def send(self, email: Email) -> MessageAnswer:
        self.sent.append(email)
        return self.answer


@dataclass
class Phones(Provider):
    answer: MessageAnswer = field(default_factory=lambda: MessageAccepted("sns-1"))
    sent: list[Sms] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    async def send(self, sms: Sms) -> MessageAnswer:
        self.sent.append(sms)
        return self.answer


def seeded(*, sms: bool = False) -> Oracle:
    """The texts are there, and Sana, who reads Arabic; with ``sms`` she has a phone and wants to be told by it."""
    run = Oracle(SERVICE)
    for stage in stages():
        for seed in stage:
            if seed.command.service == "notification":
                run.send(seed.command, id=seed.id)
    run.send(synced(phone=PHONE, sms=True) if sms else synced())
    run.events.clear()
    return run


def to_sign(channel: Channel = Channel.EMAIL, **changes: Variable) -> PlanNotification:
    variables: dict[str, Variable] = {
        "title": "Shop & more",
        "clientName": CLIENT_NAME,
        "contractorName": f"s1.legal.{USER}.1.R29uZQ",
        "signBy": Moment(at=START),
        "link": PageLink(page="contracts"),
    }
    return planned(channel).model_copy(update={"variables": variables | changes})


def call(run: Oracle) -> Call[NotificationPlanned]:
    [data] = [event for event in run.events if isinstance(event, NotificationPlanned)]
    event = Event(EventId(SOURCE), "notification", data.recipient_id, START, "system:test", data)
    return Call(effect_id(event.id, "x"), event, "test")


def rows(run: Oracle, effect: Effect[NotificationPlanned], asked: Call[NotificationPlanned]) -> dict[ItemRef, Item]:
    """As the engine reads them: until nothing new is named."""
    found: dict[ItemRef, Item] = {}
    seen: set[ItemRef] = set()
    while wanted := [ref for ref in effect.reads(asked.event, found) if ref not in seen]:
        seen.update(wanted)
        found |= {ref: run.items[ref] for ref in wanted if ref in run.items}
    return found


async def carried_out(run: Oracle, effect: Effect[NotificationPlanned], port: Provider) -> object:
    asked = call(run)
    return await effect.run(asked, rows(run, effect, asked), port)


async def answered(run: Oracle, port: Provider, effect: Effect[NotificationPlanned]) -> CommandData:
    result = await carried_out(run, effect, port)
    assert isinstance(result, Done)
    [command] = result.commands
    return command
