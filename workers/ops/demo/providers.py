"""The controls of the providers' fakes: what no caller of their APIs can do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from workers.ops.demo.observer import StepFailed
from workers.ops.fakes.identity import Step

Json = Mapping[str, Any]


class Fake:
    """One of them, by its address."""

    def __init__(self, http: httpx.AsyncClient, url: str) -> None:
        self._http, self._url = http, f"{url}/_fake"

    async def state(self) -> Json:
        answer = await self._http.get(f"{self._url}/state")
        answer.raise_for_status()
        return dict(answer.json())

    async def misbehave(self, *, duplicate: float = 0.0, reorder: float = 0.0) -> None:
        """Shares of webhooks that come twice, and that later ones overtake."""
        await self._post("deliveries/faults", {"duplicate": duplicate, "reorder": reorder})

    async def _post(self, path: str, order: Json) -> Json:
        answer = await self._http.post(f"{self._url}/{path}", json=dict(order))
        if answer.status_code != httpx.codes.OK:
            raise StepFailed(
                f"the {type(self).__name__} fake answered {path} with {answer.status_code}: {answer.text}. {StepFailed.__doc__}"
            )
        return dict(answer.json())


class Stripe(Fake):
    """The payer, and the bank."""

    async def enable_account(self, account: str) -> None:
        await self._post(f"accounts/{account}/enable", {})

    async def begin_paying(self, intent: str) -> None:
        await self._post(f"payment_intents/{intent}/confirm", {"outcome": "processing"})

    async def pay(self, intent: str) -> None:
        await self._post(f"payment_intents/{intent}/confirm", {})

    async def pay_out(self, account: str) -> str:
        """The payout's id, once the bank has paid."""
        return str((await self._post(f"accounts/{account}/pay_out", {}))["id"])

    async def return_payout(self, payout: str) -> None:
        """The bank sends it back, paid as it is."""
        await self._post(f"payouts/{payout}/fail", {})


class Identity(Fake):
    """The person at Veriff, and whoever decides there."""

    async def take(self, session: str, step: Step) -> None:
        """``session``: our own id of it."""
        await self._post(f"sessions/{session}/{step}", {})


class Registry(Fake):
    """The office that companies are registered at."""

    async def register(self, jurisdiction: str, number: str, name: str) -> None:
        await self._post("companies", {"jurisdiction": jurisdiction, "number": number, "name": name})


class Messaging(Fake):
    """The mail servers and phones that messages reach."""

    async def answer(self) -> None:
        """From here on they say by themselves what became of each message."""
        await self._post("feedback", {"automatic": True})


@dataclass(frozen=True, slots=True)
class Providers:
    stripe: Stripe
    identity: Identity
    registry: Registry
    messaging: Messaging
