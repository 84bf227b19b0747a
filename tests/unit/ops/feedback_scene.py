"""The fake of SES's and SNS's feedback before an ingress in memory, which trusts the fake's certificate."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx

from tests.unit.ingress.doubles import NOW, Ingress
from tests.unit.ingress.feedback import MESSAGE_ID, NEAR, NOTIFICATION, RECIPIENT, SIGNER
from workers.adapters.sns_signing import SnsSigning
from workers.ingress.dependencies import SnsEndpoints
from workers.ops.fakes.courier import Courier
from workers.ops.fakes.messaging import SES_TOPIC, SMS_TOPIC, Messages, MessagingFake
from workers.ops.fakes.messaging.sns import SnsFake

TAGS = {"notificationId": NOTIFICATION, "recipientId": RECIPIENT, "attempt": "1", "environment": "test"}
NUMBER = "+4915112345678"


@dataclass(frozen=True, slots=True)
class Scene:
    """The fake, and the ingress it tells."""

    fake: MessagingFake
    ingress: Ingress

    @property
    def messages(self) -> Messages:
        return self.fake.messages

    @property
    def courier(self) -> Courier:
        return self.messages.sns.courier

    async def listening(self) -> "Scene":
        self.messages.listen("http://ingress")
        await self.courier.flush()
        return self

    def mailed(self, address: str = "sana@example.com", message_id: str = MESSAGE_ID) -> None:
        self.messages.mailed(message_id, "no-reply@example.com", [address], "Hello", TAGS, "mindlinks")

    @property
    def said(self) -> list[str]:
        return [type(command.data).__name__.removeprefix("RecordNotification") for command in self.ingress.commands]


def scene(moto: str | None = None) -> Scene:
    fake = MessagingFake(Messages(SnsFake(signer=SIGNER)), moto=moto)
    signing = SnsSigning(base="http://sns", transport=httpx.ASGITransport(fake))
    ingress = Ingress(changes={"sns": SnsEndpoints(signing, frozenset({SES_TOPIC}), frozenset({SMS_TOPIC}))})
    courier = Courier(final=range(400, 429), transport=httpx.ASGITransport(ingress.app), now=lambda: ingress.clock.at / 1000)

    def now() -> Any:
        return NEAR + timedelta(milliseconds=ingress.clock.at - NOW)

    fake.messages = Messages(SnsFake(courier, SIGNER, now=now), now=now)
    return Scene(fake, ingress)
