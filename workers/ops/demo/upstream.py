"""The upstream system, which sends commands and signs people in over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx

from contracts.message import CommandData
from workers.ops.demo.cast import Person
from workers.ops.demo.observer import StepFailed
from workers.ops.demo.providers import Identity, Messaging, Providers, Registry, Stripe
from workers.ops.dev.environment import Development

Json = Mapping[str, Any]


class Upstream:
    """Commands as CloudEvents in structured mode, with clear fields, as the upstream system has them."""

    def __init__(self, http: httpx.AsyncClient, url: str, bearer: str) -> None:
        self._http, self._url, self._bearer = http, f"{url}/v1", bearer
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
        answer = await self._http.post(f"{self._url}/commands", json=event, headers=headers)
        _require(answer, httpx.codes.ACCEPTED, kind.__name__)
        self._sent.append(event["id"])

    async def sign_in(self, person: Person) -> str:
        """On the device that the person signed up on. The id of the session. Raises StepFailed, for an address that is not verified too."""
        given = {"email": person.email, "password": person.password, "userAgent": person.device, "ip": person.ip, "newDevice": False}
        answer = await self._http.post(f"{self._url}/sign-in", json=given, headers={"Authorization": self._bearer})
        _require(answer, httpx.codes.OK, "sign-in")
        told = answer.json()
        if (told["userId"], told["emailVerified"]) != (person.user_id, True):
            raise StepFailed(f"The sign-in's answer is about somebody else, or the address is not verified. {StepFailed.__doc__}")
        return str(told["sessionId"])

    async def receipts(self) -> list[str]:
        """What became of each command sent; ``unsettled`` where nobody knows yet."""
        return list(await asyncio.gather(*(self._receipt(command) for command in self._sent)))

    async def _receipt(self, command: str) -> str:
        answer = await self._http.get(f"{self._url}/commands/{command}", headers={"Authorization": self._bearer})
        return str(answer.json()["state"]) if answer.status_code == httpx.codes.OK else "unsettled"


def _require(answer: httpx.Response, status: int, what: str) -> None:
    if answer.status_code != status:
        raise StepFailed(f"POST {answer.request.url} ({what}) answered {answer.status_code}: {answer.text}. {StepFailed.__doc__}")


@asynccontextmanager
async def outside(standing: Development) -> AsyncIterator[tuple[Upstream, Providers]]:
    # A proxy of the machine's own has no business between two loopback addresses.
    async with httpx.AsyncClient(timeout=30.0, trust_env=False) as client:
        providers = Providers(
            Stripe(client, standing.stripe),
            Identity(client, standing.identity),
            Registry(client, standing.registry),
            Messaging(client, standing.messaging),
        )
        yield Upstream(client, standing.http, standing.keys.bearer), providers
