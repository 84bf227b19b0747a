"""People who want the same thing at once, on real Kafka and DynamoDB, with two worker processes: one right outcome, the loser told why."""

import asyncio
from collections.abc import AsyncIterator, Container, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from contracts.ids import derived
from contracts.types import UserId
from tests.support.delivery import Worker
from tests.support.servers import REGION
from tests.support.waiting import eventually_async
from tests.support.worker_process import Settings as WorkerSettings
from workers.adapters.blind_index import email_hash
from workers.adapters.links import LinkKeys
from workers.adapters.passwords import LEAST_COST
from workers.engine.decision import Item, ItemRef
from workers.engine.partitioner import partition_of
from workers.main import MindLinks
from workers.ops.composition import Backbone
from workers.ops.dev.keys import random_keys
from workers.settings import Settings

PASSWORD = "correct horse battery"
PARTITIONS = 8
ONES, OTHERS = (0, 2), (5, 7)
"""Whether halves are handed out or every other one: to different processes."""
PAIRS = 6
ADMIN = "admin:44444444-4444-4444-8444-444444444444"
KEYS = random_keys()


@dataclass
class People:
    """An ingress of this process, in front of worker processes."""

    http: httpx.AsyncClient
    backbone: Backbone

    async def post(self, path: str, body: Mapping[str, Any]) -> httpx.Response:
        return await self.http.post(path, json=body)

    async def send(self, kind: str, data: Mapping[str, Any], actor: str = "public") -> str:
        """Until the log has it; answers its id."""
        event = {"specversion": "1.0", "id": str(uuid4()), "source": "/tests", "type": f"mindlinks.{kind}.v1", "actor": actor, "data": data}
        answer = await self.http.post("/v1/commands", json=event, headers={"content-type": "application/cloudevents+json"})
        assert answer.status_code == 202, answer.text
        name: str = answer.json()["id"]
        return name

    async def outcome(self, command: str) -> tuple[str, str | None]:
        """State and reason, as its sender is told."""
        found: dict[str, Any] = {}

        async def settled() -> bool:
            answer = await self.http.get(f"/v1/commands/{command}")
            found.clear()
            found.update(answer.json())
            return answer.status_code == 200

        await eventually_async(settled, 60.0, lambda: found)
        return found["state"], found.get("reason")

    async def done(self, kind: str, data: Mapping[str, Any], actor: str = "public") -> tuple[str, str | None]:
        return await self.outcome(await self.send(kind, data, actor))

    async def row(self, table: str, key: str) -> Item | None:
        ref = ItemRef(table, key)
        return (await self.backbone.store.get([ref])).get(ref)

    # --- accounts ----------------------------------------------------------------------------------------------------

    async def register(self, user: str, email: str) -> tuple[str, str | None]:
        data = {"userId": user, "email": email, "password": PASSWORD, "role": "company", "locale": "en"}
        return await self.done("auth.RegisterUser", data)

    async def token(self) -> tuple[str, str]:
        """Somebody new, signed in: the user and a refresh token."""
        user, email = str(uuid4()), f"{uuid4()}@example.com"
        assert await self.register(user, email) == ("applied", None)
        return user, (await self.session(email))["refreshToken"]

    async def session(self, email: str) -> dict[str, Any]:
        answer = await self.post("/v1/sign-in", {"email": email, "password": PASSWORD, "ip": "203.0.113.9"})
        assert answer.status_code == 200, answer.text
        document: dict[str, Any] = answer.json()
        return document

    async def rotate(self, token: str) -> tuple[int, str]:
        """The status, and the next token or why there is none."""
        answer = await self.post("/v1/sessions/rotate", {"refreshToken": token})
        document = answer.json()
        return answer.status_code, document.get("refreshToken") or document["reason"]


@pytest.fixture
async def people(topics: str, tables: str, dynamodb_endpoint: str, tmp_path: Path) -> AsyncIterator[People]:
    KEYS.write_client_keys(tmp_path / "clients.json")
    settings = Settings(
        environment=tables,
        kafka=topics,
        dynamodb=dynamodb_endpoint,
        region=REGION,
        client_keys_file=tmp_path / "clients.json",
        bcrypt_cost=LEAST_COST,
        blind_index_key=KEYS.blind_index_key,
        link_keys=KEYS.link_keys,
        refresh_keys=KEYS.refresh_key,
        master_key=KEYS.master_key,
    )
    composition = MindLinks()
    async with composition.open_backbone(settings) as backbone:
        transport = httpx.ASGITransport(composition.ingress(settings, backbone), client=("203.0.113.9", 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://ingress", headers={"authorization": KEYS.bearer}) as http:
            yield People(http, backbone)


@pytest.fixture
async def auth(people: People, topics: str, tables: str, dynamodb_endpoint: str) -> AsyncIterator[People]:
    async for _ in two_workers("auth", topics, dynamodb_endpoint, tables):
        yield people


@pytest.fixture
async def client(people: People, topics: str, tables: str, dynamodb_endpoint: str) -> AsyncIterator[People]:
    async for _ in two_workers("client", topics, dynamodb_endpoint, tables):
        yield people


async def two_workers(service: str, kafka: str, dynamodb: str, environment: str) -> AsyncIterator[None]:
    module = f"workers.services.{service}.service"
    settings = WorkerSettings(kafka, dynamodb, environment, service=module, roles=("commands", "projections"))
    workers = [await Worker.started(settings) for _ in range(2)]
    try:
        for worker in workers:
            await worker.until_ready()
        yield
        for worker in workers:
            await worker.stop()
    finally:
        for worker in workers:
            worker.kill()


def somebody(partitions: Container[int]) -> UserId:
    while True:
        user = str(uuid4())
        if partition_of(user.encode(), PARTITIONS) in partitions:
            return UserId(user)


# --- one address ---------------------------------------------------------------------------------------------------


async def test_two_registrations_of_one_address_at_once_make_one_account(auth: People) -> None:
    for _ in range(PAIRS):
        email, users = f"{uuid4()}@example.com", [somebody(ONES), somebody(OTHERS)]
        told = await asyncio.gather(*(auth.register(user, email) for user in users))
        assert sorted(told, key=str) == [("applied", None), ("refused", "email_taken")]
        winner, loser = users if told[0][0] == "applied" else users[::-1]
        claim = await auth.row("auth-users", f"EMAIL#{email_hash(KEYS.blind_index_key.encode(), email)}")
        assert claim is not None
        assert claim["ownerId"] == winner
        owner, other = await auth.row("auth-users", winner), await auth.row("auth-users", loser)
        assert owner is not None
        assert owner["createdAt"]
        # A refused registration may leave the engine's books, which no reader takes for a row.
        assert "createdAt" not in (other or {})
        assert (await auth.session(email))["userId"] == winner


# --- one session ---------------------------------------------------------------------------------------------------


async def test_two_rotations_of_one_token_at_once_get_one_next_token(auth: People) -> None:
    _, first = await auth.token()
    told = await asyncio.gather(*(auth.rotate(first) for _ in range(4)))
    assert len(set(told)) == 1
    status, second = told[0]
    assert (status, second.split(".")[1]) == (200, "2")
    row = await auth.row("auth-sessions", second.split(".")[0])
    assert row is not None
    assert (row["generation"], row["state"]) == (2, "open")
    assert (await auth.rotate(second))[0] == 200


async def test_a_replaced_token_ends_the_session_for_everybody(auth: People) -> None:
    _, first = await auth.token()
    _, second = await auth.rotate(first)
    _, third = await auth.rotate(second)
    assert await auth.rotate(first) == (401, "refresh_token_reused")
    assert await auth.rotate(third) == (401, "session_revoked")


async def test_a_thief_and_the_owner_at_once_end_the_session(auth: People) -> None:
    for _ in range(PAIRS):
        _, stolen = await auth.token()
        _, second = await auth.rotate(stolen)
        _, third = await auth.rotate(second)
        thief, owner = await asyncio.gather(auth.rotate(stolen), auth.rotate(third))
        assert thief == (401, "refresh_token_reused")
        assert owner[0] == 200 or owner == (401, "session_revoked")
        latest = owner[1] if owner[0] == 200 else third
        assert await auth.rotate(latest) == (401, "session_revoked")


# --- a suspended person --------------------------------------------------------------------------------------------


async def test_a_suspended_person_does_not_go_on(auth: People) -> None:
    user, token = await auth.token()
    suspending = {"userId": user, "reason": "Under investigation"}
    assert await auth.done("auth.SuspendUser", suspending, ADMIN) == ("applied", None)
    assert await auth.rotate(token) == (403, "user_not_active")
    assert await auth.done("auth.ReinstateUser", {"userId": user}, ADMIN) == ("applied", None)
    assert await auth.rotate(token) == (401, "session_revoked")


async def test_a_suspension_and_a_rotation_at_once_leave_nobody_in(auth: People) -> None:
    for _ in range(PAIRS):
        user, token = await auth.token()
        suspending = auth.done("auth.SuspendUser", {"userId": user, "reason": "Under investigation"}, ADMIN)
        suspended, rotated = await asyncio.gather(suspending, auth.rotate(token))
        assert suspended == ("applied", None)
        assert rotated[0] == 200 or rotated == (403, "user_not_active")
        latest = rotated[1] if rotated[0] == 200 else token
        assert await auth.rotate(latest) == (403, "user_not_active")


# --- one invitation ------------------------------------------------------------------------------------------------


async def test_two_who_accept_one_invitation_at_once(client: People) -> None:
    owner = str(uuid4())
    company, actor, email = derived(f"company:{owner}"), f"company:{owner}", f"{uuid4()}@example.com"
    registering = {"companyId": company, "userId": owner, "legalName": "Nile Design LLC", "country": "EG"}
    assert await client.done("client.RegisterCompany", registering, actor) == ("applied", None)
    verifying = {"companyId": company, "outcome": "verified", "reason": "Papers seen."}
    assert await client.done("client.DecideCompanyVerification", verifying, ADMIN) == ("applied", None)
    hashed = email_hash(KEYS.blind_index_key.encode(), email)
    invitation = derived(f"invitation:{company}:{hashed}")
    inviting = {"companyId": company, "invitationId": invitation, "contractorEmail": email, "locale": "en"}
    assert await client.done("client.InviteContractor", inviting, actor) == ("applied", None)
    row = await client.row("client-invitations", invitation)
    assert row is not None
    token = LinkKeys.parse(KEYS.link_keys).token("invitation", invitation, row["nonce"], row["kid"])

    async def accept(user: str) -> tuple[str, str | None]:
        given = {"companyId": company, "invitationId": invitation, "token": token, "email": email, "userId": user}
        return await client.done("client.AcceptInvitation", given | {"contractorId": derived(f"contractor:{user}")}, f"contractor:{user}")

    users = [str(uuid4()), str(uuid4())]
    told = await asyncio.gather(*map(accept, users))
    assert sorted(told, key=str) == [("applied", None), ("refused", "already_accepted")]
    winner = users[0] if told[0][0] == "applied" else users[1]
    row = await client.row("client-invitations", invitation)
    assert row is not None
    assert (row["status"], row["acceptedBy"]) == ("accepted", winner)
    assert await accept(winner) == ("unchanged", None)
