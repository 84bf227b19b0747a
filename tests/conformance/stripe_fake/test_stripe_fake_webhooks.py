"""Events and their delivery: at least once, in no order, signed with each active secret. Source: docs.stripe.com/webhooks."""

import json
from collections import Counter

import pytest
import stripe

from tests.support.stripe_fake import DAY, METADATA, START, Inbox, calling, deposit, funded_payee
from workers.ops.fakes.stripe import CONNECT_SECRET, SECRET, DeliveryFaults, FakeSettings, ManualClock, StripeFake
from workers.ops.fakes.stripe.server import API_VERSION
from workers.ops.fakes.stripe.wire import filled

# stripe 16.1 hands httpx its form as text through `data`, which httpx calls deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


async def test_event_has_the_modern_envelope(fake: StripeFake, client: stripe.StripeClient, inbox: Inbox) -> None:
    intent = await deposit(client)
    await fake.deliver_all()
    ((_, body, _),) = inbox.received
    event = json.loads(body)
    request = event.pop("request")
    assert request["idempotency_key"] == "key-1"
    assert request["id"].startswith("req_")
    data = event.pop("data")["object"]
    assert (data["id"], data["metadata"], data["status"]) == (intent.id, METADATA, "requires_payment_method")
    assert data.keys() == filled("payment_intent").keys()
    assert event == {
        "id": event["id"],
        "object": "event",
        "api_version": API_VERSION,
        "created": START,
        "livemode": False,
        "pending_webhooks": 1,
        "type": "payment_intent.created",
    }


async def test_event_keeps_the_object_as_it_was(fake: StripeFake, client: stripe.StripeClient, inbox: Inbox) -> None:
    intent = await deposit(client)
    fake.controls.confirm(intent.id)
    await fake.deliver_all()
    assert json.loads(inbox.received[0][1])["data"]["object"]["status"] == "requires_payment_method"


async def test_signature_verifies_under_each_active_secret_only(fake: StripeFake, client: stripe.StripeClient, inbox: Inbox) -> None:
    fake.listen(f"{inbox.url}/stripe", None, ("whsec_new", "whsec_old"), ())
    # The SDK checks the age against the real clock, which a manual one is far from.
    await deposit(client)
    await fake.deliver_all()
    ((_, body, header),) = inbox.received
    assert header.count("v1=") == 2
    for secret in ("whsec_new", "whsec_old"):
        assert stripe.Webhook.construct_event(body, header, secret, tolerance=0).type == "payment_intent.created"
    for wrong, sent in (("whsec_other", body), (SECRET, body), (CONNECT_SECRET, body), ("whsec_new", body + b" ")):
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(sent, header, wrong, tolerance=0)


async def test_connect_events_have_their_own_endpoint_and_secret(fake: StripeFake, client: stripe.StripeClient, inbox: Inbox) -> None:
    await funded_payee(client, fake)
    await fake.deliver_all()
    assert {path for path, _, _ in inbox.received} == {"/stripe", "/stripe-connect"}
    for path, body, header in inbox.received:
        connect = path == "/stripe-connect"
        own, other = (CONNECT_SECRET, SECRET) if connect else (SECRET, CONNECT_SECRET)
        assert stripe.Webhook.construct_event(body, header, own, tolerance=0).id
        assert ("account" in json.loads(body)) is connect
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(body, header, other, tolerance=0)


async def test_signature_is_fresh_for_a_receiver_in_real_time(inbox: Inbox) -> None:
    async with StripeFake(FakeSettings(webhook_url=f"{inbox.url}/stripe")) as fake, calling(fake.url) as client:
        await deposit(client)
        await fake.deliver_all()
    ((_, body, header),) = inbox.received
    assert stripe.Webhook.construct_event(body, header, SECRET).type == "payment_intent.created"


async def stormy(inbox: Inbox, seed: int, faults: DeliveryFaults) -> tuple[list[str], list[str], list[str]]:
    """Ids in the order they happened, as received before and after the flush."""
    inbox.received.clear()
    settings = FakeSettings(webhook_url=f"{inbox.url}/stripe", seed=seed, faults=faults)
    async with StripeFake(settings, clock=ManualClock(START)) as fake, calling(fake.url) as client:
        for number in range(15):
            fake.controls.confirm((await deposit(client, key=f"key-{number}")).id)
        await fake.deliver_all()
        before = inbox.ids()
        await fake.flush()
        return [event.id for event in fake.state.events], before, inbox.ids()


async def test_faults_double_reorder_and_lose_by_the_seed(inbox: Inbox) -> None:
    happened, before, after = await stormy(inbox, 5, DeliveryFaults(duplicate=0.2, reorder=0.2, lose=0.2))
    once = list(dict.fromkeys(after))
    assert max(Counter(after).values()) > 1
    assert set(before) < set(after) == set(happened)
    assert [event for event in happened if event in before] != list(dict.fromkeys(before))
    assert once != happened
    assert (happened, before, after) == await stormy(inbox, 5, DeliveryFaults(duplicate=0.2, reorder=0.2, lose=0.2))


@pytest.mark.parametrize(
    ("faults", "doubled", "ordered", "complete"),
    [
        (DeliveryFaults(), False, True, True),
        (DeliveryFaults(duplicate=0.3), True, True, True),
        (DeliveryFaults(reorder=0.3), False, False, True),
        (DeliveryFaults(lose=0.3), False, True, False),
    ],
)
async def test_each_fault_does_its_own_harm(inbox: Inbox, faults: DeliveryFaults, doubled: bool, ordered: bool, complete: bool) -> None:
    happened, before, after = await stormy(inbox, 3, faults)
    first = list(dict.fromkeys(before))
    assert (max(Counter(before).values()) > 1) is doubled
    assert (first == [event for event in happened if event in before]) is ordered
    assert (set(before) == set(happened)) is complete
    assert set(after) == set(happened)


async def test_delayed_webhooks_are_due_by_the_clock(clock: ManualClock, inbox: Inbox) -> None:
    settings = FakeSettings(webhook_url=f"{inbox.url}/stripe", faults=DeliveryFaults(delay=1.0, longest_delay=30))
    async with StripeFake(settings, clock=clock) as fake, calling(fake.url) as client:
        await deposit(client)
        assert await fake.deliver_due() == []
        clock.advance(30)
        assert [attempt.status for attempt in await fake.deliver_due()] == [200]


async def test_refused_webhooks_come_again_with_a_new_signature(
    fake: StripeFake, client: stripe.StripeClient, clock: ManualClock, inbox: Inbox
) -> None:
    inbox.answers = [500, 302, 200]
    await deposit(client)
    statuses = []
    for _ in range(4):
        statuses += [attempt.status for attempt in await fake.deliver_due()]
        clock.advance(120)
    assert statuses == [500, 302, 200]
    assert len(set(inbox.ids())) == 1
    assert len({header for _, _, header in inbox.received}) == 3
    assert await fake.flush() == []


async def test_webhooks_are_given_up_after_three_days(
    fake: StripeFake, client: stripe.StripeClient, clock: ManualClock, inbox: Inbox
) -> None:
    inbox.answers = [503] * 100
    await deposit(client)
    for _ in range(8):
        clock.advance(DAY // 2)
        await fake.deliver_due()
    assert len(fake.deliveries.given_up) == 1
    assert fake.deliveries.owed == []


async def test_events_are_listed_for_30_days_and_by_delivery(
    fake: StripeFake, client: stripe.StripeClient, clock: ManualClock, inbox: Inbox
) -> None:
    inbox.answers = [500]
    account = await funded_payee(client, fake)
    undelivered = await client.v1.events.list_async({"delivery_success": False})
    await fake.flush()
    assert len(undelivered.data) > 1
    assert (await client.v1.events.list_async({"delivery_success": False})).data == []
    created = await client.v1.events.list_async({"types": ["payment_intent.created", "transfer.created"]})
    assert [event.type for event in created.data] == ["transfer.created", "payment_intent.created"]
    connected = await client.v1.events.list_async({"type": "account.*"}, {"stripe_account": account})
    assert {event.account for event in connected.data} == {account}
    clock.advance(30 * DAY + 1)
    assert (await client.v1.events.list_async()).data == []
