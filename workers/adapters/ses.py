"""Sends e-mail through SES v2. There is no idempotency token, so nothing here ever sends twice: botocore's own retries are off."""

from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Final, Self

import aioboto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, ParamValidationError

from workers.adapters.aws_errors import code_and_status, never_left
from workers.adapters.links import Links
from workers.adapters.opening import Opener
from workers.adapters.templates import Rendering
from workers.services.notification.ports import Email, MessageAccepted, MessageAnswer, MessageFateUnknown, MessageNotTaken, MessageRejected

CONNECT_SECONDS: Final = 5
READ_SECONDS: Final = 20

REJECTED: Final = frozenset({"MessageRejected", "BadRequestException", "MailFromDomainNotVerifiedException", "NotFoundException"})
"""Permanent: the same message will be refused again. NotFoundException: the configuration set does not exist."""
HELD: Final = frozenset({"SendingPausedException", "AccountSuspendedException"})
"""The account may not send at all: the queue waits for a person, who is alarmed by the waiting calls."""
HELD_SECONDS: Final = 600.0
THROTTLED: Final = frozenset({"TooManyRequestsException", "LimitExceededException", "ThrottlingException", "Throttling"})


class SesMailer(Rendering):
    """The mail port. Use as an async context manager: it owns one client and its connections."""

    def __init__(
        self,
        opener: Opener,
        links: Links,
        *,
        sender: str,
        configuration_set: str | None,
        region: str | None = None,
        endpoint_url: str | None = None,
    ) -> None:
        super().__init__(opener, links)
        self._sender = sender
        self._configuration_set = configuration_set
        self._region, self._endpoint_url = region, endpoint_url
        self._closing = AsyncExitStack()
        self._client: Any = None

    async def __aenter__(self) -> Self:
        config = Config(connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, retries={"total_max_attempts": 1})
        client = aioboto3.Session().client("sesv2", region_name=self._region, endpoint_url=self._endpoint_url, config=config)
        self._client = await self._closing.enter_async_context(client)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._closing.__aexit__(kind, error, trace)

    async def send(self, email: Email) -> MessageAnswer:
        """One call. Ends within the read time-out; dying in it leaves the message's fate unknown."""
        try:
            answer = await self._client.send_email(**self._request(email))
        except (BotoCoreError, ClientError, HTTPClientError, OSError) as error:
            return _understood(error)
        return MessageAccepted(answer["MessageId"])

    def _request(self, email: Email) -> dict[str, Any]:
        content = email.content
        simple: dict[str, Any] = {
            "Subject": {"Data": content.subject, "Charset": "UTF-8"},
            "Body": {"Text": {"Data": content.text, "Charset": "UTF-8"}, "Html": {"Data": content.html, "Charset": "UTF-8"}},
        }
        if email.unsubscribe:
            simple["Headers"] = [
                {"Name": "List-Unsubscribe", "Value": f"<{email.unsubscribe}>"},
                {"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"},
            ]
        request: dict[str, Any] = {
            "FromEmailAddress": self._sender,
            "Destination": {"ToAddresses": [email.to.reveal()]},
            "Content": {"Simple": simple},
            "EmailTags": [{"Name": name, "Value": value} for name, value in email.tags.items()],
        }
        return request | ({"ConfigurationSetName": self._configuration_set} if self._configuration_set else {})


def _understood(error: Exception) -> MessageAnswer:
    """What an error says about the message's fate."""
    if isinstance(error, ClientError):
        return _answered(error)
    if never_left(error):
        return MessageNotTaken(type(error).__name__)
    if isinstance(error, ParamValidationError):
        return MessageRejected("BadRequestException")
    return MessageFateUnknown(type(error).__name__)


def _answered(error: ClientError) -> MessageAnswer:
    code, status = code_and_status(error)
    if code in REJECTED:
        return MessageRejected(code)
    if code in HELD:
        return MessageNotTaken(code, HELD_SECONDS)
    if code in THROTTLED or status == 429:
        return MessageNotTaken(code or "429")
    # A failing server may have queued the message before it failed.
    if status >= 500 or status == 0:
        return MessageFateUnknown(code or str(status))
    # Signature, clock or rights: nothing was taken, and people must see to it.
    return MessageNotTaken(code or str(status), HELD_SECONDS)
