"""The fake of SES's and SNS's feedback, as the ingress sees it."""

import json
from collections import Counter
from typing import Any

import httpx
import pytest

from contracts.notification.commands import (
    RecordNotificationBounced,
    RecordNotificationComplained,
    RecordNotificationDelayed,
    RecordNotificationDelivered,
    RecordNotificationFailed,
    RecordNotificationSent,
)
from tests.unit.ingress.feedback import MESSAGE_ID, NEAR, known
from tests.unit.ops.feedback_scene import NUMBER, TAGS, scene
from workers.ops.fakes.messaging import SES_TOPIC, SMS_TOPIC, Happening
from workers.ops.fakes.messaging.feedback import SIMULATOR, UNREACHABLE_NUMBER
from workers.ops.fakes.stripe.policy import DeliveryFaults

# --- subscriptions -------------------------------------------------------------------------------------------------


async def test_topics_are_subscribed_and_confirmed() -> None:
    given = await scene().listening()
    assert {topic: one.confirmed for topic, one in given.messages.sns.subscriptions.items()} == {SES_TOPIC: True, SMS_TOPIC: True}
    assert [attempt.status for attempt in given.courier.attempts] == [200, 200]


async def test_what_happens_before_is_told_to_nobody() -> None:
    given = scene()
    given.mailed()
    given.messages.happen(given.messages.mails[0], Happening.SEND)
    await given.listening()
    assert given.ingress.commands == []


@pytest.mark.parametrize(("topic", "token"), [(SES_TOPIC, "another"), ("arn:aws:sns:us-east-1:123456789012:other", "")])
async def test_only_the_token_that_was_made_out_confirms(topic: str, token: str) -> None:
    given = scene()
    given.messages.listen("http://ingress")
    assert not given.messages.sns.confirm(topic, token)
    assert not any(one.confirmed for one in given.messages.sns.subscriptions.values())


async def test_who_is_unsubscribed_hears_that_and_no_more() -> None:
    given = await scene().listening()
    given.mailed()
    given.messages.sns.unsubscribe(SES_TOPIC)
    given.messages.happen(given.messages.mails[0], Happening.SEND)
    await given.courier.flush()
    assert given.ingress.metrics.counts["webhooks", "ses", "UnsubscribeConfirmation", "unsubscribed"] == 1
    assert given.ingress.commands == []


# --- what becomes of a mail ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("happening", "expected"),
    [
        (Happening.SEND, RecordNotificationSent),
        (Happening.DELIVERY, RecordNotificationDelivered),
        (Happening.DELAY, RecordNotificationDelayed),
        (Happening.HARD_BOUNCE, RecordNotificationBounced),
        (Happening.SOFT_BOUNCE, RecordNotificationBounced),
        (Happening.SUPPRESSED, RecordNotificationBounced),
        (Happening.COMPLAINT, RecordNotificationComplained),
        (Happening.REJECT, RecordNotificationFailed),
        (Happening.RENDERING_FAILURE, RecordNotificationFailed),
        (Happening.OPEN, None),
    ],
)
async def test_every_happening_is_understood(happening: Happening, expected: type[object] | None) -> None:
    given = await scene().listening()
    given.mailed()
    given.messages.happen(given.messages.mails[0], happening)
    await given.courier.flush()
    assert [type(command.data) for command in given.ingress.commands] == ([expected] if expected else [])
    assert given.courier.owed == []


def test_every_happening_is_tried() -> None:
    marks = test_every_happening_is_understood.pytestmark  # type: ignore[attr-defined]  # pytest puts it there
    assert {row[0] for row in marks[0].args[1]} == set(Happening)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("success", ["Sent", "Delivered"]),
        ("bounce", ["Sent", "Bounced"]),
        ("bounce+label", ["Sent", "Bounced"]),
        ("softbounce", ["Sent", "Bounced"]),
        ("suppressionlist", ["Sent", "Bounced"]),
        ("latebounce", ["Sent", "Delivered", "Bounced"]),
        ("complaint", ["Sent", "Delivered", "Complained"]),
        ("delay", ["Sent", "Delayed", "Delivered"]),
        ("reject", ["Sent", "Failed"]),
        ("rendering", ["Failed"]),
    ],
)
async def test_an_address_of_the_simulator_decides(name: str, said: list[str]) -> None:
    given = await scene().listening()
    given.messages.automatic = True
    given.mailed(f"{name}@{SIMULATOR}")
    await given.courier.flush()
    assert given.said == said


async def test_elsewhere_these_names_mean_nothing() -> None:
    given = await scene().listening()
    given.messages.automatic = True
    given.mailed("bounce@example.com")
    await given.courier.flush()
    assert given.said == ["Sent", "Delivered"]


@pytest.mark.parametrize(("name", "permanent"), [("bounce", True), ("suppressionlist", True), ("softbounce", False)])
async def test_which_bounces_suppress(name: str, permanent: bool) -> None:
    given = await scene().listening()
    given.messages.automatic = True
    given.mailed(f"{name}@{SIMULATOR}")
    await given.courier.flush()
    assert [command.data.permanent for command in given.ingress.commands if isinstance(command.data, RecordNotificationBounced)] == [
        permanent
    ]


async def test_an_identity_says_the_same_again_without_tags() -> None:
    given = await scene().listening()
    known(given.ingress)
    given.messages.automatic = given.messages.identity = True
    given.mailed(f"complaint@{SIMULATOR}")
    await given.courier.flush()
    assert Counter(given.said) == {"Sent": 1, "Delivered": 2, "Complained": 2}


async def test_without_a_configuration_set_only_an_identity_speaks() -> None:
    given = await scene().listening()
    given.messages.automatic = True
    given.messages.mailed(MESSAGE_ID, "no-reply@example.com", ["sana@example.com"], "Hello", TAGS, None)
    await given.courier.flush()
    assert given.said == []


@pytest.mark.parametrize(("number", "said"), [(NUMBER, "Delivered"), (UNREACHABLE_NUMBER, "Failed")])
async def test_what_becomes_of_an_sms(number: str, said: str) -> None:
    given = await scene().listening()
    known(given.ingress, "sms-1")
    given.messages.automatic = True
    given.messages.texted("sms-1", number)
    await given.courier.flush()
    assert given.said == [said]


# --- on the way ----------------------------------------------------------------------------------------------------


async def test_doubled_late_lost_and_reordered_everything_arrives_under_its_own_id() -> None:
    given = await scene().listening()
    given.courier.faults = DeliveryFaults(duplicate=0.5, reorder=0.5, delay=0.5, lose=0.5)
    given.messages.automatic = True
    for number in range(40):
        given.mailed(f"complaint@{SIMULATOR}", f"{MESSAGE_ID}-{number}")
    await given.courier.flush()
    assert given.courier.owed == []
    by_id = Counter(command.envelope.id for command in given.ingress.commands)
    assert len(by_id) == 120
    assert max(by_id.values()) > 1
    sent = [index for index, said in enumerate(given.said) if said == "Sent"]
    complained = [index for index, said in enumerate(given.said) if said == "Complained"]
    assert min(complained) < max(sent)


async def test_a_repeat_is_the_same_to_the_letter() -> None:
    given = await scene().listening()
    given.ingress.log.away = True
    given.mailed()
    given.messages.happen(given.messages.mails[0], Happening.SEND)
    await given.courier.deliver_all()
    given.ingress.clock.at += 1_200_000
    given.ingress.log.away = False
    await given.courier.deliver_all()
    refused, taken = given.courier.attempts[-2:]
    assert (refused.status, taken.status, refused.body == taken.body) == (503, 200, True)
    assert given.said == ["Sent"]


async def test_what_is_refused_for_good_is_not_tried_again() -> None:
    given = await scene().listening()
    given.mailed()
    given.ingress.clock.at += 10 * 3_600_000
    given.messages.sns.now = lambda: NEAR
    given.messages.happen(given.messages.mails[0], Happening.SEND)
    assert [attempt.status for attempt in await given.courier.flush()] == [400]
    assert given.courier.owed == []


# --- controls ------------------------------------------------------------------------------------------------------


async def test_a_demo_in_another_process_says_what_happens() -> None:
    given = scene()
    known(given.ingress, "sms-1")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(given.fake), base_url="http://fake/_fake") as http:

        async def ask(path: str, **order: Any) -> tuple[int, Any]:
            answer = await http.post(path, content=json.dumps(order).encode())
            return answer.status_code, answer.json()

        assert await ask("webhooks", ingress="http://ingress") == (200, {"ingress": "http://ingress"})
        assert (await ask("deliveries/flush"))[1] == {"attempts": 2, "owed": 0}
        assert (await ask("mails/sana@example.com/bounce"))[0] == 404
        assert (await ask(f"sms/{NUMBER}/delivered"))[0] == 404
        given.mailed()
        given.messages.texted("sms-1", NUMBER)
        assert await ask("mails/sana@example.com/bounce") == (200, {"messageId": MESSAGE_ID, "happening": "bounce"})
        assert (await ask("mails/sana@example.com/levitate"))[0] == 400
        assert await ask(f"sms/{NUMBER}/delivered") == (200, {"messageId": "sms-1"})
        assert (await ask("deliveries/faults", duplicate=1.0))[0] == 200
        assert (await ask("feedback", automatic=True, early=True))[1] == {"automatic": True, "identity": False, "early": True}
        assert (await ask("faults", fault="slow", times=2))[1] == {"fault": "slow", "times": 2}
        assert [(await ask(path, **order))[0] for path, order in (("faults", {}), ("webhooks", {}), ("feedback", {"more": 1}))] == [400] * 3
        assert (await http.delete("faults")).status_code == 200
        await ask("deliveries/flush")
        state = (await http.get("state")).json()
        assert state["topics"] == {SES_TOPIC: True, SMS_TOPIC: True}
        assert [mail["messageId"] for mail in state["mails"]] == [MESSAGE_ID]
        assert (await http.delete(f"topics/{SES_TOPIC}")).status_code == 200
        assert (await http.delete(f"topics/{SES_TOPIC}")).status_code == 404
    assert Counter(given.said) == {"Bounced": 1, "Delivered": 1}
