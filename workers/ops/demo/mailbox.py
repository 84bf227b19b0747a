"""The people's mail: links are followed from there and from nowhere else."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from contracts.links import LinkPurpose
from workers.ops.demo.observer import STEP_SECONDS, StepFailed
from workers.ops.dev.outbox import Mail

LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class FollowedLink:
    """``id``: of what the link is about."""

    id: str
    token: str = field(repr=False)


class Mailbox:
    """``mails``: all that went out so far."""

    def __init__(self, mails: Callable[[], Awaitable[Sequence[Mail]]]) -> None:
        self._mails = mails

    async def link(self, address: str, purpose: LinkPurpose) -> FollowedLink:
        """Of the last such mail to that address. Raises StepFailed when none has come within the deadline."""
        deadline = time.monotonic() + STEP_SECONDS
        while True:
            links = [link for mail in await self._mails() if mail.to == address for link in _links(mail, purpose)]
            if links:
                return links[-1]
            if time.monotonic() > deadline:
                raise StepFailed(f"No mail with a link to {purpose} came within {STEP_SECONDS:.0f} s. {StepFailed.__doc__}")
            await asyncio.sleep(LOOK_SECONDS)


def _links(mail: Mail, purpose: LinkPurpose) -> list[FollowedLink]:
    found = re.findall(rf'href="[^"?]*/{purpose}/([^"/?]+)\?token=([\w-]+)"', mail.html)
    return [FollowedLink(*each) for each in found]
