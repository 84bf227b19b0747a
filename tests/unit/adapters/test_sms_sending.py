"""What each answer and each error of SNS says about an SMS's fate, and under whose name it goes out; real exchanges with moto."""

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
    ParamValidationError,
    ReadTimeoutError,
)
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.sns.models import sns_backends

from contracts.clear import Clear
from tests.support.keys import sealer
from workers.adapters.aws_messages import HELD_SECONDS
from workers.adapters.links import LinkKeys, Links
from workers.adapters.opening import KeyRights, Opener
from workers.adapters.sender_ids import SenderIds
from workers.adapters.sms import SnsTexts
from workers.services.notification.ports import MessageAccepted, MessageAnswer, MessageFateUnknown, MessageNotTaken, MessageRejected, Sms

pytestmark = pytest.mark.usefixtures("aws_credentials")

URL, REGION = "http://localhost", "eu-central-1"
SMS = Sms(Clear("+4915112345678"), "Your session was revoked.")
IDS = SenderIds.parse("+20:MINDEG, +971:MindAE,+9715:MindDXB, +:Mind")


def refused(code: str, status: int = 400, message: str = "") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Publish")


def broken(error: Exception) -> EndpointConnectionError:
    return EndpointConnectionError(endpoint_url=URL, error=error)


def texts(endpoint_url: str = URL, ids: SenderIds = IDS) -> SnsTexts:
    links = Links("https://app.example", LinkKeys.parse("k1:secret"))
    return SnsTexts(Opener(sealer(), KeyRights(), "sms"), links, ids, region=REGION, endpoint_url=endpoint_url)


INVALID = "Invalid parameter: PhoneNumber Reason: +4915112345678 is not valid to publish to"


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (refused("InvalidParameter", message=INVALID), MessageRejected("invalid_number")),
        (refused("InvalidParameter", message="Invalid parameter: Message too long"), MessageRejected("invalid_request")),
        (refused("ParameterValueInvalid"), MessageRejected("invalid_request")),
        (refused("OptedOut"), MessageRejected("opted_out")),
        (refused("InvalidParameter", message="This phone number has opted out"), MessageRejected("opted_out")),
        (ParamValidationError(report="none"), MessageRejected("invalid_request")),
        (refused("Throttled", 429), MessageNotTaken("Throttled")),
        (refused("Throttling"), MessageNotTaken("Throttling")),
        (refused("", 429), MessageNotTaken("429")),
        (refused("AuthorizationError", 403), MessageNotTaken("AuthorizationError", HELD_SECONDS)),
        (refused("InvalidSecurity", 403), MessageNotTaken("InvalidSecurity", HELD_SECONDS)),
        (refused("InternalError", 500), MessageFateUnknown("InternalError")),
        (refused("", 503), MessageFateUnknown("503")),
        (refused("Odd", 0), MessageFateUnknown("Odd")),
        (ConnectTimeoutError(endpoint_url=URL), MessageNotTaken("ConnectTimeoutError")),
        (NoCredentialsError(), MessageNotTaken("NoCredentialsError")),
        (broken(ClientConnectorError(Mock(), OSError("refused"))), MessageNotTaken("EndpointConnectionError")),
        (broken(ClientOSError("reset by peer")), MessageFateUnknown("EndpointConnectionError")),
        (ReadTimeoutError(endpoint_url=URL), MessageFateUnknown("ReadTimeoutError")),
        (ConnectionClosedError(endpoint_url=URL), MessageFateUnknown("ConnectionClosedError")),
        (HTTPClientError(error=ValueError()), MessageFateUnknown("HTTPClientError")),
        (OSError("broken pipe"), MessageFateUnknown("OSError")),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_every_error_says_what_became_of_the_message(error: Exception, answer: MessageAnswer) -> None:
    calls = 0

    async def publish(**_request: Any) -> dict[str, str]:
        nonlocal calls
        calls += 1
        raise error

    sns = texts()
    sns._client = SimpleNamespace(publish=publish)
    assert await sns.send(SMS) == answer
    assert calls == 1
    assert "4915112345678" not in repr(answer)


@pytest.mark.parametrize(
    ("number", "name"),
    [
        ("+4915112345678", "Mind"),
        ("+201001234567", "MINDEG"),
        ("+97141234567", "MindAE"),
        ("+971501234567", "MindDXB"),
    ],
)
async def test_the_request_is_transactional_under_the_countrys_name(number: str, name: str) -> None:
    asked: list[dict[str, Any]] = []

    async def publish(**request: Any) -> dict[str, str]:
        asked.append(request)
        return {"MessageId": "m-1"}

    sns = texts()
    sns._client = SimpleNamespace(publish=publish)
    assert await sns.send(Sms(Clear(number), "Hello")) == MessageAccepted("m-1")
    text = {"DataType": "String"}
    attributes = {
        "AWS.SNS.SMS.SMSType": {**text, "StringValue": "Transactional"},
        "AWS.SNS.SMS.SenderID": {**text, "StringValue": name},
    }
    assert asked == [{"PhoneNumber": number, "Message": "Hello", "MessageAttributes": attributes}]


@pytest.mark.parametrize("number", ["+201001234567", "+971501234567"])
@pytest.mark.parametrize("ids", ["", "+:Mind", "+44:Mind"])
async def test_where_a_name_has_to_be_registered_and_none_is_nothing_is_sent(number: str, ids: str) -> None:
    sns = texts(ids=SenderIds.parse(ids))
    sns._client = SimpleNamespace()
    assert await sns.send(Sms(Clear(number), "Hello")) == MessageRejected("no_sender_id")


@pytest.mark.parametrize(
    "wrong", ["Mind", "+0:Mind", "20:Mind", "+20:", "+20:twelveletters", "+20:1234", "+20:a b", "+20:Ü", "+12345678:Mind"]
)
def test_sender_ids_that_no_carrier_takes(wrong: str) -> None:
    with pytest.raises(ValueError, match="sender ids are written"):
        SenderIds.parse(wrong)


def test_without_any_name_the_provider_chooses() -> None:
    assert SenderIds.parse(" , ").of("+4915112345678") is None


async def test_an_sms_arrives_at_the_provider(moto: str) -> None:
    async with texts(moto) as sns:
        answer = await sns.send(SMS)
    assert isinstance(answer, MessageAccepted)
    taken = sns_backends[DEFAULT_ACCOUNT_ID][REGION].sms_messages[answer.message_id]
    assert taken[0] == SMS.to.reveal()
    assert SMS.text in taken


async def test_a_number_that_is_none_is_refused_by_the_provider(moto: str) -> None:
    async with texts(moto) as sns:
        assert await sns.send(Sms(Clear("NAA+15551234567"), "Hello")) == MessageRejected("invalid_number")


async def test_nobody_at_the_door_means_not_taken() -> None:
    async with texts("http://127.0.0.1:9") as sns:
        assert await sns.send(SMS) == MessageNotTaken("EndpointConnectionError")
