"""Mail and SMS by the real adapters to the fake, with moto behind it or nobody: what was taken is told under the ids that were answered."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aioboto3
import pytest

from contracts.clear import Clear
from contracts.notification.commands import RecordNotificationSent
from tests.support.keys import sealer
from tests.unit.ingress.feedback import NOTIFICATION, known
from tests.unit.ops.feedback_scene import NUMBER, TAGS, Scene, scene
from workers.adapters.links import LinkKeys, Links
from workers.adapters.opening import KeyRights, Opener
from workers.adapters.sender_ids import SenderIds
from workers.adapters.ses import SesMailer
from workers.adapters.sms import SnsTexts
from workers.main import MindLinks
from workers.ops.dev.outbox import taken_by_moto
from workers.ops.dev.serving import serving_here
from workers.ops.fakes.identity_faults import Fault
from workers.ops.fakes.messaging.feedback import SIMULATOR
from workers.services.notification.ports import (
    Email,
    MessageAccepted,
    MessageFateUnknown,
    MessageNotTaken,
    RenderedEmail,
    Sms,
)

pytestmark = pytest.mark.usefixtures("aws_credentials")

REGION = "us-east-1"


@asynccontextmanager
async def sending(given: Scene) -> AsyncIterator[tuple[SesMailer, SnsTexts]]:
    opener, links = Opener(sealer(), KeyRights(), "tests"), Links("https://app.example", LinkKeys.parse("k1:secret"))
    async with serving_here(MindLinks(), given.fake) as url:
        mailer = SesMailer(opener, links, sender="no-reply@example.com", configuration_set="mindlinks", region=REGION, endpoint_url=url)
        async with mailer, SnsTexts(opener, links, SenderIds.parse(""), region=REGION, endpoint_url=url) as texts:
            yield mailer, texts


def email(to: str) -> Email:
    return Email(Clear(to), RenderedEmail("Please sign", "<p>Hello</p>", "Hello\n"), TAGS)


async def test_what_moto_took_is_told_under_motos_ids(moto: str) -> None:
    given = await scene(moto).listening()
    given.messages.automatic = True
    async with sending(given) as (mailer, texts):
        await mailer._client.create_email_identity(EmailIdentity="no-reply@example.com")
        mailed, texted = await mailer.send(email(f"bounce@{SIMULATOR}")), await texts.send(Sms(Clear(NUMBER), "Hello"))
    assert isinstance(mailed, MessageAccepted)
    assert isinstance(texted, MessageAccepted)
    known(given.ingress, texted.message_id)
    await given.courier.flush()
    assert Counter(given.said) == {"Sent": 1, "Bounced": 1, "Delivered": 1}
    sent = [command.data for command in given.ingress.commands if isinstance(command.data, RecordNotificationSent)]
    assert [(data.provider_message_id, data.notification_id, data.attempt) for data in sent] == [(mailed.message_id, NOTIFICATION, 1)]
    assert f"bounce@{SIMULATOR}" in {mail.to for mail in await taken_by_moto(moto)}


async def test_the_rest_goes_on_to_moto(moto: str) -> None:
    given = scene(moto)
    async with serving_here(MindLinks(), given.fake) as url, aioboto3.Session().client("sns", region_name=REGION, endpoint_url=url) as sns:
        topic = (await sns.create_topic(Name="anything"))["TopicArn"]
        assert [each["TopicArn"] for each in (await sns.list_topics())["Topics"]] == [topic]


async def test_a_mails_events_may_come_before_the_answer() -> None:
    given = await scene().listening()
    given.messages.automatic, given.fake.early = True, True
    async with sending(given) as (mailer, _):
        assert isinstance(await mailer.send(email("sana@example.com")), MessageAccepted)
        assert given.said == ["Sent", "Delivered"]


async def test_an_answer_that_is_lost_leaves_a_send_event() -> None:
    given = await scene().listening()
    given.messages.automatic = True
    given.fake.faults.plan(Fault.SERVER_ERROR_AFTER, 2)
    async with sending(given) as (mailer, texts):
        assert isinstance(await mailer.send(email("sana@example.com")), MessageFateUnknown)
        assert isinstance(await texts.send(Sms(Clear(NUMBER), "Hello")), MessageFateUnknown)
    await given.courier.deliver_all()
    assert given.said == ["Sent", "Delivered"]
    assert len(given.messages.texts) == 1


async def test_what_is_throttled_was_never_taken() -> None:
    given = await scene().listening()
    given.messages.automatic = True
    given.fake.faults.plan(Fault.RATE_LIMITED)
    async with sending(given) as (mailer, _):
        assert isinstance(await mailer.send(email("sana@example.com")), MessageNotTaken)
    await given.courier.flush()
    assert (given.messages.mails, given.said) == ([], [])
