"""What the AWS services that send messages have in common. None of them takes an idempotency token, so nothing here ever sends twice:
botocore's own retries are off."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

import aioboto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, ParamValidationError

from workers.adapters.aws_errors import code_and_status, never_left
from workers.adapters.links import Links
from workers.adapters.opening import Opener
from workers.adapters.templates import Rendering
from workers.services.notification.ports import MessageAccepted, MessageAnswer, MessageFateUnknown, MessageNotTaken, MessageRejected

CONNECT_SECONDS: Final = 5
READ_SECONDS: Final = 20
HELD_SECONDS: Final = 600.0


@dataclass(frozen=True, slots=True)
class Codes:
    """What a service calls its refusals. ``rejected``: permanent, the same message will be refused again. ``held``: the account may not
    send at all; the queue waits for a person, who is alarmed by the waiting calls. ``malformed``: what a request is called that botocore
    itself does not let out. ``why`` tells apart causes that share a code, by what was said."""

    name: str
    rejected: frozenset[str]
    throttled: frozenset[str]
    malformed: str
    held: frozenset[str] = field(default_factory=frozenset)
    why: Callable[[str, str], str] = lambda code, _said: code


class AwsMessages(Rendering):
    """Use as an async context manager: it owns one client and its connections."""

    def __init__(self, opener: Opener, links: Links, codes: Codes, region: str | None, endpoint_url: str | None) -> None:
        super().__init__(opener, links)
        self._codes, self._region, self._endpoint_url = codes, region, endpoint_url
        self._closing = AsyncExitStack()
        self._client: Any = None

    async def __aenter__(self) -> Self:
        config = Config(connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, retries={"total_max_attempts": 1})
        client = aioboto3.Session().client(self._codes.name, region_name=self._region, endpoint_url=self._endpoint_url, config=config)
        self._client = await self._closing.enter_async_context(client)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._closing.__aexit__(kind, error, trace)

    async def _fate_of(self, call: Awaitable[Any]) -> MessageAnswer:
        """Ends within the read time-out; dying in it leaves the message's fate unknown."""
        try:
            answer = await call
        except ClientError as error:
            return self._refused(error)
        except ParamValidationError:
            return MessageRejected(self._codes.malformed)
        except (BotoCoreError, HTTPClientError, OSError) as error:
            name = type(error).__name__
            return MessageNotTaken(name) if never_left(error) else MessageFateUnknown(name)
        return MessageAccepted(answer["MessageId"])

    def _refused(self, error: ClientError) -> MessageAnswer:
        (code, status), codes = code_and_status(error), self._codes
        if code in codes.rejected:
            return MessageRejected(codes.why(code, str(error.response.get("Error", {}).get("Message", ""))))
        if code in codes.held:
            return MessageNotTaken(code, HELD_SECONDS)
        if code in codes.throttled or status == 429:
            return MessageNotTaken(code or "429")
        # A failing server may have queued the message before it failed.
        if status >= 500 or status == 0:
            return MessageFateUnknown(code or str(status))
        # Signature, clock or rights: nothing was taken, and people must see to it.
        return MessageNotTaken(code or str(status), HELD_SECONDS)
