"""The mails that went out, as their recipients would find them: those that moto took as SES, or those kept in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import httpx

from workers.services.notification.ports import Email


@dataclass(frozen=True, slots=True)
class Mail:
    """``html``: the body, links included."""

    to: str = field(repr=False)
    subject: str
    html: str = field(repr=False)

    @classmethod
    def of(cls, email: Email) -> Self:
        return cls(email.to.reveal(), email.content.subject, email.content.html)

    @classmethod
    def of_moto(cls, message: dict[str, Any]) -> Self:
        return cls(message["destinations"]["ToAddresses"][0], message["subject"], message["body"])


async def taken_by_moto(aws: str) -> Sequence[Mail]:
    """``aws``: its address. In the order in which they were sent; SES itself shows nobody what it took."""
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"{aws}/moto-api/data.json")
        answer.raise_for_status()
    return [Mail.of_moto(message) for message in answer.json()["ses"]["Message"]]
