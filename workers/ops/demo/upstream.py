"""The two outside parties of the story: the upstream system that sends commands over HTTP, and the payer and bank at the Stripe fake."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx

from contracts.message import CommandData
from workers.ops.demo.observer import StepFailed

Json = Mapping[str, Any]


class Upstream:
    """Commands as CloudEvents in structured mode, with clear fields, as the upstream system has them."""

    def __init__(self, http: httpx.AsyncClient, url: str, bearer: str) -> None:
        self._http, self._url, self._bearer = http, f"{url}/v1/commands", bearer
        self._sent: list[str] = []

    async def send(self, kind: type[CommandData], data: Json, actor: str) -> None:
        """Returns once the log has it. Raises StepFailed with the ingress' own reason otherwise."""
        event: dict[str, Any] = {
            "specversion": "1.0",
            "id": str(uuid4()),
            "type": kind.kind(),
            "source": "/upstream/demo",
            "data": {name: value for name, value in data.items() if value is not None},
        }
        headers = {"Authorization": self._bearer, "Mindlinks-Actor": actor, "Content-Type": "application/cloudevents+json"}
        answer = await self._http.post(self._url, json=event, headers=headers)
        if answer.status_code != httpx.codes.ACCEPTED:
            raise StepFailed(f"POST {self._url} ({kind.__name__}) answered {answer.status_code}: {answer.text}. {StepFailed.__doc__}")
        self._sent.append(event["id"])

    async def receipts(self) -> list[str]:
        """What became of each command sent; ``unsettled`` where nobody knows yet."""
        return list(await asyncio.gather(*(self._receipt(command) for command in self._sent)))

    async def _receipt(self, command: str) -> str:
        answer = await self._http.get(f"{self._url}/{command}", headers={"Authorization": self._bearer})
        return str(answer.json()["state"]) if answer.status_code == httpx.codes.OK else "unsettled"


class Stripe:
    """The fake's controls: what no caller of the API can do."""

    def __init__(self, http: httpx.AsyncClient, url: str) -> None:
        self._http, self._url = http, f"{url}/_fake"

    async def misbehave(self, *, duplicate: float, reorder: float) -> None:
        """Shares of webhooks that come twice, and that later ones overtake."""
        await self._post("deliveries/faults", {"duplicate": duplicate, "reorder": reorder})

    async def enable_account(self, account: str) -> None:
        await self._post(f"accounts/{account}/enable", {})

    async def pay(self, intent: str) -> None:
        await self._post(f"payment_intents/{intent}/confirm", {})

    async def pay_out(self, account: str) -> None:
        await self._post(f"accounts/{account}/pay_out", {})

    async def state(self) -> Json:
        answer = await self._http.get(f"{self._url}/state")
        answer.raise_for_status()
        return dict(answer.json())

    async def _post(self, path: str, order: Json) -> None:
        answer = await self._http.post(f"{self._url}/{path}", json=dict(order))
        if answer.status_code != httpx.codes.OK:
            raise StepFailed(f"the Stripe fake answered {path} with {answer.status_code}: {answer.text}. {StepFailed.__doc__}")


@asynccontextmanager
async def outside(http: str, bearer: str, stripe: str) -> AsyncIterator[tuple[Upstream, Stripe]]:
    # A proxy of the machine's own has no business between two loopback addresses.
    async with httpx.AsyncClient(timeout=30.0, trust_env=False) as client:
        yield Upstream(client, http, bearer), Stripe(client, stripe)
