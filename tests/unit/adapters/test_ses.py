"""What each answer and each error of SES says about the message's fate; one real exchange with the moto server."""

from socket import gaierror
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from aiohttp import ClientConnectorError, ClientOSError
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    ReadTimeoutError,
)

from contracts.clear import Clear
from tests.support.keys import sealer
from workers.adapters.aws_messages import HELD_SECONDS
from workers.adapters.links import LinkKeys, Links
from workers.adapters.opening import KeyRights, Opener
from workers.adapters.ses import SesMailer
from workers.services.notification.ports import (
    Email,
    MessageAccepted,
    MessageAnswer,
    MessageFateUnknown,
    MessageNotTaken,
    MessageRejected,
    RenderedEmail,
)

pytestmark = pytest.mark.usefixtures("aws_credentials")

URL = "http://localhost"
EMAIL = Email(
    Clear("sana@example.com"),
    RenderedEmail("Please sign", "<p>Hello</p>", "Hello\n"),
    {"notificationId": "n-1", "environment": "test"},
    unsubscribe="https://app.example/u",
)


def refused(code: str, status: int) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": status}}, "SendEmail")


def broken(error: Exception) -> EndpointConnectionError:
    return EndpointConnectionError(endpoint_url=URL, error=error)


def mailer(endpoint_url: str = URL, *, configuration_set: str | None = None) -> SesMailer:
    links = Links("https://app.example", LinkKeys.parse("k1:secret"))
    opener = Opener(sealer(), KeyRights(), "ses")
    return SesMailer(opener, links, sender="no-reply@example.com", configuration_set=configuration_set, endpoint_url=endpoint_url)


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (refused("MessageRejected", 400), MessageRejected("MessageRejected")),
        (refused("BadRequestException", 400), MessageRejected("BadRequestException")),
        (refused("MailFromDomainNotVerifiedException", 400), MessageRejected("MailFromDomainNotVerifiedException")),
        (refused("TooManyRequestsException", 429), MessageNotTaken("TooManyRequestsException")),
        (refused("SendingPausedException", 400), MessageNotTaken("SendingPausedException", HELD_SECONDS)),
        (refused("AccountSuspendedException", 400), MessageNotTaken("AccountSuspendedException", HELD_SECONDS)),
        (refused("AccessDeniedException", 403), MessageNotTaken("AccessDeniedException", HELD_SECONDS)),
        (refused("InternalServiceError", 500), MessageFateUnknown("InternalServiceError")),
        (refused("", 503), MessageFateUnknown("503")),
        (ConnectTimeoutError(endpoint_url=URL), MessageNotTaken("ConnectTimeoutError")),
        (NoCredentialsError(), MessageNotTaken("NoCredentialsError")),
        (
            broken(ClientConnectorError(Mock(), OSError("refused"))),
            MessageNotTaken("EndpointConnectionError"),
        ),
        (broken(gaierror()), MessageNotTaken("EndpointConnectionError")),
        (broken(ClientOSError("reset by peer")), MessageFateUnknown("EndpointConnectionError")),
        (ReadTimeoutError(endpoint_url=URL), MessageFateUnknown("ReadTimeoutError")),
        (ConnectionClosedError(endpoint_url=URL), MessageFateUnknown("ConnectionClosedError")),
        (HTTPClientError(error=ValueError()), MessageFateUnknown("HTTPClientError")),
        (OSError("broken pipe"), MessageFateUnknown("OSError")),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_every_error_says_what_became_of_the_message(error: Exception, answer: MessageAnswer) -> None:
    async def send_email(**_request: Any) -> dict[str, str]:
        raise error

    ses = mailer()
    ses._client = SimpleNamespace(send_email=send_email)
    assert await ses.send(EMAIL) == answer


async def test_the_request_names_set_tags_and_unsubscribe_header() -> None:
    asked: list[dict[str, Any]] = []

    async def send_email(**request: Any) -> dict[str, str]:
        asked.append(request)
        return {"MessageId": "m-1"}

    ses = mailer(configuration_set="mindlinks")
    ses._client = SimpleNamespace(send_email=send_email)
    assert await ses.send(EMAIL) == MessageAccepted("m-1")
    [request] = asked
    assert request["Destination"] == {"ToAddresses": ["sana@example.com"]}
    assert request["ConfigurationSetName"] == "mindlinks"
    assert request["EmailTags"] == [{"Name": "notificationId", "Value": "n-1"}, {"Name": "environment", "Value": "test"}]
    assert request["Content"]["Simple"]["Headers"] == [
        {"Name": "List-Unsubscribe", "Value": "<https://app.example/u>"},
        {"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"},
    ]


async def test_a_mail_arrives_at_the_provider(moto: str) -> None:
    async with mailer(moto) as ses:
        await ses._client.create_email_identity(EmailIdentity="no-reply@example.com")
        answer = await ses.send(EMAIL)
    assert isinstance(answer, MessageAccepted)
    assert answer.message_id


async def test_nobody_at_the_door_means_not_taken() -> None:
    async with mailer("http://127.0.0.1:9") as ses:
        assert await ses.send(EMAIL) == MessageNotTaken("EndpointConnectionError")
