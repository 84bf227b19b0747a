"""Driving the Stripe fake through the real SDK: clients, endpoints that take webhooks, and the steps every test needs."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import stripe
import stripe.params
from aiohttp import web

from workers.ops.fakes.stripe import StripeFake

START = 1_795_300_000
DAY = 24 * 3600
METADATA = {"contractId": "c-1", "transactionId": "t-1", "kind": "deposit", "environment": "test"}


class ImpatientClient(stripe.HTTPXClient):
    """Retries as the SDK does, without its pauses."""

    def sleep_async(self, secs: float) -> "asyncio.Future[None]":
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


class Inbox:
    """Two webhook endpoints that keep what they get and answer what they are told to."""

    def __init__(self) -> None:
        self.received: list[tuple[str, bytes, str]] = []
        self.answers: list[int] = []
        self.url = ""
        self.arrived = asyncio.Event()

    async def take(self, request: web.Request) -> web.Response:
        self.received.append((request.path, await request.read(), request.headers["Stripe-Signature"]))
        self.arrived.set()
        return web.Response(status=self.answers.pop(0) if self.answers else 200)

    def types(self, path: str | None = None) -> list[str]:
        return [str(json.loads(body)["type"]) for at, body, _ in self.received if path in (None, at)]

    def ids(self) -> list[str]:
        return [str(json.loads(body)["id"]) for _, body, _ in self.received]


@asynccontextmanager
async def serving(inbox: Inbox) -> AsyncIterator[Inbox]:
    application = web.Application()
    application.router.add_post("/{path:.*}", inbox.take)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    inbox.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield inbox
    finally:
        await runner.cleanup()


@asynccontextmanager
async def calling(url: str, retries: int = 0, key: str = "sk_test_fake") -> AsyncIterator[stripe.StripeClient]:
    http = ImpatientClient(timeout=20)
    try:
        yield stripe.StripeClient(key, http_client=http, max_network_retries=retries, base_addresses={"api": url})
    finally:
        await http.close_async()  # type: ignore[no-untyped-call]  # the SDK leaves it untyped


async def deposit(client: stripe.StripeClient, key: str = "key-1", amount: int = 150_000) -> stripe.PaymentIntent:
    return await client.v1.payment_intents.create_async(
        {"amount": amount, "currency": "usd", "transfer_group": "contract_c-1", "metadata": METADATA}, {"idempotency_key": key}
    )


async def payee(client: stripe.StripeClient, fake: StripeFake) -> str:
    """An enabled account with a bank."""
    account = await client.v1.accounts.create_async(
        {"country": "US", "capabilities": {"transfers": {"requested": True}}, "metadata": {"contractorId": "k-1", "environment": "test"}},
        {"idempotency_key": "account-1"},
    )
    await add_bank(client, account.id, "000123456789")
    fake.controls.enable_account(account.id)
    return account.id


async def add_bank(client: stripe.StripeClient, account: str, number: str, currency: str = "usd") -> stripe.BankAccount:
    bank = await client.v1.accounts.external_accounts.create_async(
        account,
        {
            "external_account": {
                "object": "bank_account",
                "country": "US",
                "currency": currency,
                "account_number": number,
                "routing_number": "110000000",
            },
            "metadata": {"bankDetailsId": f"bank-{number[-4:]}"},
        },
    )
    return cast(stripe.BankAccount, bank)


async def transfer(client: stripe.StripeClient, to: str, key: str = "transfer-1", source: str | None = None) -> stripe.Transfer:
    wanted: stripe.params.TransferCreateParams = {
        "amount": 120_000,
        "currency": "usd",
        "destination": to,
        "transfer_group": "contract_c-1",
        "metadata": {**METADATA, "kind": "payment"},
    }
    if source is not None:
        wanted["source_transaction"] = source
    return await client.v1.transfers.create_async(wanted, {"idempotency_key": key})


async def funded_payee(client: stripe.StripeClient, fake: StripeFake) -> str:
    account = await payee(client, fake)
    fake.controls.confirm((await deposit(client)).id)
    await transfer(client, account)
    return account
