"""Sends SMS through SNS. There is no idempotency token, so nothing here ever sends twice: botocore's own retries are off."""

from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Final, Self

import aioboto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, ParamValidationError

from workers.adapters.aws_errors import code_and_status, never_left
from workers.adapters.links import Links
from workers.adapters.opening import Opener
from workers.adapters.sender_ids import SenderIds
from workers.adapters.templates import Rendering
from workers.services.notification.ports import MessageAccepted, MessageAnswer, MessageFateUnknown, MessageNotTaken, MessageRejected, Sms

CONNECT_SECONDS: Final = 5
READ_SECONDS: Final = 20

REJECTED: Final = frozenset({"OptedOut", "InvalidParameter", "ParameterValueInvalid", "ValidationException", "UserError"})
"""Permanent: the same message will be refused again."""
THROTTLED: Final = frozenset({"Throttled", "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"})
HELD_SECONDS: Final = 600.0


class SnsTexts(Rendering):
    """The SMS port. Use as an async context manager: it owns one client and its connections."""

    def __init__(
        self, opener: Opener, links: Links, sender_ids: SenderIds, *, region: str | None = None, endpoint_url: str | None = None
    ) -> None:
        super().__init__(opener, links)
        self._sender_ids = sender_ids
        self._region, self._endpoint_url = region, endpoint_url
        self._closing = AsyncExitStack()
        self._client: Any = None

    async def __aenter__(self) -> Self:
        config = Config(connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, retries={"total_max_attempts": 1})
        client = aioboto3.Session().client("sns", region_name=self._region, endpoint_url=self._endpoint_url, config=config)
        self._client = await self._closing.enter_async_context(client)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._closing.__aexit__(kind, error, trace)

    async def send(self, sms: Sms) -> MessageAnswer:
        """One call. Ends within the read time-out; dying in it leaves the message's fate unknown."""
        number = sms.to.reveal()
        if self._sender_ids.is_missing(number):
            return MessageRejected("no_sender_id")
        try:
            answer = await self._client.publish(PhoneNumber=number, Message=sms.text, MessageAttributes=self._attributes(number))
        except (BotoCoreError, ClientError, HTTPClientError, OSError) as error:
            return _understood(error)
        return MessageAccepted(answer["MessageId"])

    def _attributes(self, number: str) -> dict[str, Any]:
        sender = self._sender_ids.of(number)
        given = {"SMSType": "Transactional"} | ({"SenderID": sender} if sender else {})
        return {f"AWS.SNS.SMS.{name}": {"DataType": "String", "StringValue": value} for name, value in given.items()}


def _understood(error: Exception) -> MessageAnswer:
    """What an error says about the message's fate."""
    if isinstance(error, ClientError):
        return _answered(error)
    if never_left(error):
        return MessageNotTaken(type(error).__name__)
    if isinstance(error, ParamValidationError):
        return MessageRejected("invalid_request")
    return MessageFateUnknown(type(error).__name__)


def _answered(error: ClientError) -> MessageAnswer:
    code, status = code_and_status(error)
    if code in REJECTED:
        return MessageRejected(_why(code, str(error.response.get("Error", {}).get("Message", ""))))
    if code in THROTTLED or status == 429:
        return MessageNotTaken(code or "429")
    # A failing server may have queued the message before it failed.
    if status >= 500 or status == 0:
        return MessageFateUnknown(code or str(status))
    # Signature, clock or rights: nothing was taken, and people must see to it.
    return MessageNotTaken(code or str(status), HELD_SECONDS)


def _why(code: str, said: str) -> str:
    """One code stands for several causes, which only its words tell apart."""
    if code == "OptedOut" or "opted out" in said.lower():
        return "opted_out"
    return "invalid_number" if "phone" in said.lower() else "invalid_request"
