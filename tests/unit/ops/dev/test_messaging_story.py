"""Mails from their plan to what became of them: effect, fake, signed feedback, decisions, suppression, all in one process."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import httpx

from contracts.auth import RegisterUser
from tests.support.waiting import eventually
from workers.adapters.blind_index import email_hash
from workers.engine.memory import MemoryStore
from workers.main import MindLinks
from workers.ops.dev.environment import Development, Wish
from workers.ops.dev.opening import development
from workers.ops.dev.seeding import load_seed
from workers.ops.fakes.messaging.feedback import SIMULATOR
from workers.ops.stack import Provider


async def sign_up(standing: Development, http: httpx.AsyncClient, address: str) -> str:
    user = str(uuid4())
    account = {"userId": user, "email": address, "password": "correct horse battery", "role": "company", "locale": "en"}
    event = {"specversion": "1.0", "id": str(uuid4()), "source": "/tests", "type": RegisterUser.kind(), "data": account}
    headers = {"Authorization": standing.keys.bearer, "Mindlinks-Actor": "public", "Content-Type": "application/cloudevents+json"}
    answer = await http.post(f"{standing.http}/v1/commands", json=event, headers=headers)
    assert answer.status_code == 202, answer.text
    return user


def rows_of(standing: Development, **wanted: object) -> list[Mapping[str, Any]]:
    store = standing.backbone.store
    assert isinstance(store, MemoryStore)
    rows = [item for ref, item in store.items.items() if ref.table == "notification-notifications"]
    return [row for row in rows if all(row.get(name) == value for name, value in wanted.items())]


async def test_feedback_settles_a_mail_and_suppresses_who_does_not_want_it() -> None:
    """Doubled and reordered, and each once more by the identity's own notifications, in their other form."""
    expected = {"success": "delivered", "bounce": "bounced", "softbounce": "bounced", "complaint": "complained", "reject": "failed"}
    async with development(Wish(MindLinks(), Provider.EMBEDDED, "unit")) as standing, httpx.AsyncClient(trust_env=False) as http:
        await load_seed(standing.backbone, standing.settings, lambda *_: None)
        fake = f"{standing.messaging}/_fake"
        await http.post(f"{fake}/feedback", json={"automatic": True, "identity": True})
        await http.post(f"{fake}/deliveries/faults", json={"duplicate": 0.5, "reorder": 0.3})
        users = {name: await sign_up(standing, http, f"{name}@{SIMULATOR}") for name in expected}

        def statuses() -> dict[str, list[str]]:
            return {name: [row["status"] for row in rows_of(standing, recipientId=user, type="email")] for name, user in users.items()}

        await eventually(lambda: statuses() == {name: [status] for name, status in expected.items()}, what=statuses)
        key = standing.settings.blind_index_key.get_secret_value().encode()
        suppressed = {name: f"SUPPRESS#{email_hash(key, f'{name}@{SIMULATOR}')}" for name in expected}

        def reasons() -> dict[str, object]:
            return {name: row.get("reason") for name, id_ in suppressed.items() for row in rows_of(standing, id=id_)}

        await eventually(lambda: reasons() == {"bounce": "hard_bounce", "complaint": "complaint"}, what=reasons)
        state = (await http.get(f"{fake}/state")).json()
        assert {delivery["status"] for delivery in state["deliveries"]} <= {200, 503}
        assert await standing.trouble() == ""


async def test_a_mail_leaves_once_whatever_its_sender_heard() -> None:
    """Throttled, it was never taken and is sent again. Of one whose answer is lost nobody knows, until SES's own event says that it was
    sent."""
    async with development(Wish(MindLinks(), Provider.EMBEDDED, "unit")) as standing, httpx.AsyncClient(trust_env=False) as http:
        await load_seed(standing.backbone, standing.settings, lambda *_: None)
        fake = f"{standing.messaging}/_fake"

        async def first_status(address: str, fault: str, expected: str) -> str:
            await http.post(f"{fake}/faults", json={"fault": fault})
            user = await sign_up(standing, http, address)
            await eventually(lambda: statuses(user) == [expected], what=lambda: statuses(user))
            return user

        def statuses(user: str) -> list[str]:
            return [row["status"] for row in rows_of(standing, recipientId=user, type="email")]

        await first_status("sana@example.com", "rate_limited", "sent")
        omar = await first_status("omar@example.com", "timeout_after", "unknown")
        assert (await http.post(f"{fake}/mails/omar@example.com/send")).status_code == 200
        await eventually(lambda: statuses(omar) == ["sent"], what=lambda: statuses(omar))
        mails = (await http.get(f"{fake}/state")).json()["mails"]
        rows = rows_of(standing, type="email", status="sent")
        assert sorted(mail["messageId"] for mail in mails) == sorted(row["providerMessageId"] for row in rows)
        assert len(rows) == 2
        assert await standing.trouble() == ""
