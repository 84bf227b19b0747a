"""The controls over HTTP, and the fake as a process of its own."""

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from pathlib import Path

import aiohttp
import pytest
import stripe

from tests.support.stripe_fake import Inbox, add_bank, calling, deposit, transfer
from workers.ops.fakes.stripe import StripeFake

# stripe 16.1 hands httpx its form as text through `data`, which httpx calls deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


async def post(url: str, **order: object) -> tuple[int, dict[str, object]]:
    async with aiohttp.ClientSession() as session, session.post(url, json=order) as answer:
        return answer.status, await answer.json()


async def test_story_by_controls_over_http(fake: StripeFake, client: stripe.StripeClient, inbox: Inbox) -> None:
    control = f"{fake.url}/_fake"
    intent = await deposit(client)
    account = await client.v1.accounts.create_async({"country": "US"})
    await add_bank(client, account.id, "000123456789")
    assert (await post(f"{control}/payment_intents/{intent.id}/confirm", outcome="processing"))[1]["status"] == "processing"
    assert (await post(f"{control}/payment_intents/{intent.id}/confirm"))[1]["amount_received"] == 150_000
    assert (await post(f"{control}/accounts/{account.id}/enable"))[1]["payouts_enabled"] is True
    await transfer(client, account.id)
    assert (await post(f"{control}/accounts/{account.id}/pay_out", until="failed"))[1]["failure_code"] == "account_closed"
    assert (await post(f"{control}/deliveries/flush"))[1]["owed"] == 0
    async with aiohttp.ClientSession() as session, session.get(f"{control}/state") as answer:
        shown = await answer.json()
    assert {kind: shown["created"][kind] for kind in ("payment_intent", "charge", "account", "transfer", "payout")} == {
        "payment_intent": 1,
        "charge": 1,
        "account": 1,
        "transfer": 1,
        "payout": 1,
    }
    assert Counter(inbox.types())["payout.failed"] == 1


async def test_controls_say_why_they_cannot(fake: StripeFake, client: stripe.StripeClient) -> None:
    intent = await deposit(client)
    fake.controls.confirm(intent.id)
    status, answer = await post(f"{fake.url}/_fake/payment_intents/{intent.id}/confirm")
    assert (status, "final" in str(answer["error"])) == (409, True)
    assert (await post(f"{fake.url}/_fake/faults", fault="meteor"))[0] == 400
    assert (await post(f"{fake.url}/_fake/faults", fault="rate_limited", route="POST /v1/transfer"))[0] == 400
    assert (await post(f"{fake.url}/_fake/faults", fault="rate_limited", route="POST /v1/payment_intents"))[0] == 200
    with pytest.raises(stripe.RateLimitError):
        await deposit(client)


async def test_process_serves_delivers_by_itself_and_ends_on_sigterm(inbox: Inbox) -> None:
    arguments = ["--webhook-url", f"{inbox.url}/stripe", "--secret", "whsec_a", "--secret", "whsec_b", "--connect-secret", "whsec_c"]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "workers.ops.fakes.stripe",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[3],
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    try:
        async with asyncio.timeout(30):
            assert process.stdout is not None
            url = json.loads(await process.stdout.readline())["stripe"]
            assert url.startswith("http://127.0.0.1:")
            async with calling(url) as client:
                await deposit(client)
            await inbox.arrived.wait()
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    ((_, body, header),) = inbox.received
    for secret in ("whsec_a", "whsec_b"):
        assert stripe.Webhook.construct_event(body, header, secret).type == "payment_intent.created"
