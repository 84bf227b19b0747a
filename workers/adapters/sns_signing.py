"""SNS as the ingress needs it: the certificates that it signs with, and the confirmation of a subscription.

Every address is made of our own topic's name, none is taken from a delivery.
"""

import asyncio
import logging
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self, TypeVar

import httpx

CALL_SECONDS: Final = 5.0
LARGEST: Final = 64 * 1024
"""Bytes of a certificate; a real one has 2,000."""
KEPT: Final = 16
"""Certificates in memory; SNS has one or two in use."""
MISSING_SECONDS: Final = 60.0
"""How long a name that SNS does not know is not asked for again."""
AT_ONCE: Final = 4

Kept = TypeVar("Kept")
_ARN: Final = re.compile(r"arn:aws(?P<china>-cn|-us-gov)?:sns:(?P<region>[a-z]{2}(?:-[a-z]+)+-\d):\d{12}:[A-Za-z0-9_-]{1,256}(?:\.fifo)?")

# httpx logs every address it calls at INFO, and the token of a confirmation stands in one.
logging.getLogger("httpx").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Topic:
    arn: str
    region: str
    host: str
    """Of SNS in the topic's region."""

    @classmethod
    def parse(cls, arn: str) -> Self | None:
        match = _ARN.fullmatch(arn)
        if match is None:
            return None
        region = match["region"]
        return cls(arn, region, f"sns.{region}.amazonaws.com" + (".cn" if match["china"] == "-cn" else ""))


class SnsUnavailable(Exception):
    """SNS did not answer, or not as it should; the same may be asked again."""


class NoCertificate(Exception):
    """SNS has no certificate of that name."""


class SnsSigning:
    """Safe to call side by side. Owns nothing: calls are so rare that each opens a connection of its own.

    ``base``: another address than SNS's own, for a fake; ``transport``: a fake without any.
    """

    def __init__(
        self,
        *,
        base: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._base, self._transport, self._now = base, transport, now
        self._known: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._missing: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._calls = asyncio.Semaphore(AT_ONCE)

    async def certificate(self, topic: Topic, name: str) -> bytes:
        """PEM, kept once it was fetched: a file at SNS never changes. Raises SnsUnavailable, NoCertificate."""
        wanted = topic.host, name
        if wanted in self._known:
            self._known.move_to_end(wanted)
            return self._known[wanted]
        if self._missing.get(wanted, 0.0) > self._now():
            raise NoCertificate(name)
        answer = await self._get(f"{self._address(topic)}/{name}")
        if answer is None:
            _remember(self._missing, wanted, self._now() + MISSING_SECONDS)
            raise NoCertificate(name)
        _remember(self._known, wanted, answer)
        return answer

    async def confirm(self, topic: Topic, token: str) -> None:
        """The subscription that ``token`` was made out for; confirming again changes nothing. Raises SnsUnavailable.

        What is asked for is what the delivery's own link holds, put together from what was checked.
        """
        asked = httpx.QueryParams({"Action": "ConfirmSubscription", "TopicArn": topic.arn, "Token": token, "Version": "2010-03-31"})
        if await self._get(f"{self._address(topic)}/?{asked}") is None:
            raise SnsUnavailable("SNS refused the confirmation")

    def _client(self) -> httpx.AsyncClient:
        # A proxy of the machine's own has no business between us and a fake beside us.
        return httpx.AsyncClient(timeout=CALL_SECONDS, transport=self._transport, follow_redirects=False, trust_env=self._base is None)

    def _address(self, topic: Topic) -> str:
        return (self._base or f"https://{topic.host}").rstrip("/")

    async def _get(self, address: str) -> bytes | None:
        """None for what SNS answers with 4xx."""
        try:
            async with self._calls, asyncio.timeout(CALL_SECONDS), self._client() as http, http.stream("GET", address) as response:
                status, body = response.status_code, bytearray()
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > LARGEST:
                        raise SnsUnavailable("the answer is too long")
        except (httpx.HTTPError, TimeoutError) as error:
            raise SnsUnavailable(type(error).__name__) from error
        if 400 <= status < 500 and status != httpx.codes.TOO_MANY_REQUESTS:
            return None
        if status != httpx.codes.OK:
            raise SnsUnavailable(f"http_{status}")
        return bytes(body)


def _remember(kept: OrderedDict[tuple[str, str], Kept], name: tuple[str, str], value: Kept) -> None:
    kept[name] = value
    while len(kept) > KEPT:
        kept.popitem(last=False)
