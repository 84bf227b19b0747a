"""Tables brought to their declaration on a real endpoint, and differences named. Needs the fixture `dynamodb_endpoint`."""

import asyncio
import dataclasses
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import aioboto3
import pytest

from schemas import registry
from schemas.render import create_table_request
from schemas.table import KEYS_ONLY, Index, Key, Table, text
from tests.support.moto import running_moto
from workers.adapters.dynamodb_tables import Difference, DifferenceKind, Progress, TableNotReady, apply, diff
from workers.ops.stack.dynamodb import DynamoDBServer
from workers.ops.stack.jars import Jars
from workers.ops.stack.java import find_java

ALL = tuple(registry.TABLES.values())
INVITATIONS = registry.table("client-invitations")
CONTRACTS = registry.table("contract-contracts")
RECEIPTS = registry.table("platform-receipts")

Client = Any


def connect(endpoint: str) -> Any:
    return aioboto3.Session().client(
        "dynamodb",
        endpoint_url=endpoint,
        region_name="eu-central-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )


@pytest.fixture
async def client(dynamodb_endpoint: str) -> AsyncIterator[Client]:
    async with connect(dynamodb_endpoint) as connected:
        yield connected


@pytest.fixture
async def environment(client: Client) -> AsyncIterator[str]:
    """A prefix of this test alone, whose tables are gone afterwards."""
    name = f"t{uuid.uuid4().hex[:12]}"
    yield name
    async for page in client.get_paginator("list_tables").paginate():
        for table in page["TableNames"]:
            if table.startswith(f"{name}-"):
                await client.delete_table(TableName=table)


async def described(client: Client, table: Table, environment: str) -> Any:
    return (await client.describe_table(TableName=table.name_in(environment)))["Table"]


async def test_apply_creates_everything_and_leaves_no_difference(client: Client, environment: str) -> None:
    progress: list[Progress] = []
    unchecked: list[str] = []
    await apply(client, environment, ALL, progress.append)
    assert await diff(client, environment, ALL, unchecked.append) == []
    assert {step.table for step in progress} == {table.name_in(environment) for table in ALL}
    assert [(step.finished, step.total) for step in progress] == [(step, 64) for step in range(1, 65)]
    assert [step.done for step in progress[:32]] == [("created",)] * 32
    assert sum(step.done == ("ttl expiresAt enabled",) for step in progress[32:]) == 10
    assert unchecked == ["point-in-time recovery: not checked, this endpoint does not know the operation"]


async def test_applying_again_changes_nothing_and_keeps_rows(client: Client, environment: str) -> None:
    chosen = (INVITATIONS, CONTRACTS)
    await apply(client, environment, chosen)
    await client.put_item(TableName=INVITATIONS.name_in(environment), Item={"id": {"S": "kept"}})
    progress: list[Progress] = []
    await apply(client, environment, chosen, progress.append)
    assert [step.done for step in progress] == [()] * 4
    row = await client.get_item(TableName=INVITATIONS.name_in(environment), Key={"id": {"S": "kept"}})
    assert row["Item"] == {"id": {"S": "kept"}}


async def test_two_applies_at_once_meet(client: Client, environment: str) -> None:
    chosen = ALL[:6]
    steps: list[Progress] = []
    await asyncio.gather(*(apply(client, environment, chosen, steps.append) for _ in range(3)))
    assert await diff(client, environment, chosen) == []
    assert sum("created" in step.done for step in steps) == len(chosen)


@pytest.fixture
def quiet_endpoint(tmp_path: Path) -> Iterator[str]:
    """A DynamoDB Local of this test alone: it builds no index while other tests keep seven or more tables with TTL."""
    if not Jars().are_here("dynamodb"):
        pytest.skip("the jars of DynamoDB Local are not here: start the stack `local` once, it fetches them")
    server = DynamoDBServer(tmp_path / "dynamodb", None, java=find_java(), jars=Jars().folder("dynamodb"))
    server.start()
    yield f"http://{server.address}"
    server.stop()


async def test_missing_indexes_ttl_and_stream_are_added_beside_rows_and_many_tables_with_ttl(quiet_endpoint: str) -> None:
    bare = [dataclasses.replace(table, indexes=(), ttl=None) for table in (INVITATIONS, CONTRACTS)]
    others = [table for table in ALL if table not in (INVITATIONS, CONTRACTS)]
    whole = (INVITATIONS, dataclasses.replace(CONTRACTS, stream=True), *others)
    row = {"id": {"S": "1"}, "clientId": {"S": "c"}, "createdAt": {"S": "2026-01-31T09:30:00.000Z"}, "_version": {"N": "7"}}
    async with connect(quiet_endpoint) as client:
        await apply(client, "dev", (*bare, *others))
        await client.put_item(TableName=CONTRACTS.name_in("dev"), Item=row)
        before = await diff(client, "dev", whole)
        assert {difference.kind for difference in before} == {
            DifferenceKind.MISSING_INDEX,
            DifferenceKind.MISSING_TTL,
            DifferenceKind.MISSING_STREAM,
        }
        assert all(difference.mended_by_apply for difference in before)

        progress: list[Progress] = []
        await apply(client, "dev", whole, progress.append, ready_within=60)
        done = {(step.table, action) for step in progress for action in step.done if action != "ttl expiresAt enabled"}
        assert done == {
            (INVITATIONS.name_in("dev"), "token-index added"),
            (INVITATIONS.name_in("dev"), "clientId-index added"),
            (CONTRACTS.name_in("dev"), "clientId-index added"),
            (CONTRACTS.name_in("dev"), "contractorId-index added"),
            (CONTRACTS.name_in("dev"), "status-index added"),
            (CONTRACTS.name_in("dev"), "stream enabled"),
        }
        assert await diff(client, "dev", whole) == []
        found = await client.query(
            TableName=CONTRACTS.name_in("dev"),
            IndexName="clientId-index",
            KeyConditionExpression="clientId = :client",
            ExpressionAttributeValues={":client": {"S": "c"}},
        )
        assert found["Items"] == [{name: value for name, value in row.items() if name != "_version"}]


def without(index: str, *instead: Index) -> Callable[[Table], Table]:
    def change(table: Table) -> Table:
        return dataclasses.replace(table, indexes=(*(kept for kept in table.indexes if kept.name != index), *instead))

    return change


FOUND: dict[str, tuple[Callable[[Table], Table], DifferenceKind, str, str, str]] = {
    "primary key": (
        lambda table: dataclasses.replace(table, key=Key(text("id"), text("part"))),
        DifferenceKind.KEY,
        "key",
        "id (S)",
        "id (S) / part (S)",
    ),
    "extra index": (
        lambda table: dataclasses.replace(table, indexes=(*table.indexes, Index("status-index", text("status")))),
        DifferenceKind.EXTRA_INDEX,
        "status-index",
        "nothing",
        "status (S)",
    ),
    "key of an index": (
        without("token-index", Index("token-index", text("token"), text("createdAt"))),
        DifferenceKind.INDEX_KEY,
        "token-index",
        "token (S)",
        "token (S) / createdAt (S)",
    ),
    "projection": (
        without("clientId-index", Index("clientId-index", text("clientId"), text("createdAt"), KEYS_ONLY)),
        DifferenceKind.PROJECTION,
        "clientId-index",
        "INCLUDE contractorEmail, expiresAt, status, validUntil",
        "KEYS_ONLY",
    ),
    "stream": (
        lambda table: dataclasses.replace(table, stream=True),
        DifferenceKind.STREAM,
        "stream",
        "nothing",
        "NEW_AND_OLD_IMAGES",
    ),
}


@pytest.mark.parametrize("case", FOUND)
async def test_what_differs_is_named_and_survives_apply(client: Client, environment: str, case: str) -> None:
    change, kind, subject, wanted, found = FOUND[case]
    await apply(client, environment, (change(INVITATIONS),))
    await apply(client, environment, (INVITATIONS,))
    differences = await diff(client, environment, (INVITATIONS,))
    assert differences == [Difference(kind, INVITATIONS.name_in(environment), subject, wanted, found)]
    assert f"declared {wanted}, found {found}" in str(differences[0])
    assert not differences[0].mended_by_apply


async def test_another_ttl_attribute_is_named_and_survives_apply(client: Client, environment: str) -> None:
    await apply(client, environment, (dataclasses.replace(RECEIPTS, ttl="endsAt"),))
    await apply(client, environment, (RECEIPTS,))
    name = RECEIPTS.name_in(environment)
    assert await diff(client, environment, (RECEIPTS,)) == [Difference(DifferenceKind.TTL, name, "ttl", "expiresAt", "endsAt")]


async def test_missing_and_unknown_tables_are_named(client: Client, environment: str) -> None:
    stranger = dataclasses.replace(CONTRACTS, name="contract-strangers")
    await apply(client, environment, (stranger,))
    assert await diff(client, environment, (CONTRACTS,)) == [
        Difference(DifferenceKind.MISSING_TABLE, f"{environment}-contract-contracts", declared="a table"),
        Difference(DifferenceKind.UNKNOWN_TABLE, f"{environment}-contract-strangers", found="a table"),
    ]
    await apply(client, environment, (CONTRACTS,))
    assert (await described(client, stranger, environment))["TableStatus"] == "ACTIVE"


async def test_a_failing_table_is_named_and_does_not_stop_the_others(client: Client, environment: str) -> None:
    # The live table keys `token` as a number, so the declared index on text can't be added.
    live = create_table_request(dataclasses.replace(INVITATIONS, indexes=(), key=Key(text("token"))), environment)
    live["AttributeDefinitions"] = [{"AttributeName": "token", "AttributeType": "N"}]
    await client.create_table(**live)
    progress: list[Progress] = []
    with pytest.raises(client.exceptions.ClientError) as failure:
        await apply(client, environment, (INVITATIONS, CONTRACTS), progress.append)
    assert failure.value.__notes__ == ["while working on table client-invitations"]
    assert [step.table for step in progress] == [CONTRACTS.name_in(environment)] * 2


async def test_point_in_time_recovery_is_enabled_and_compared_where_the_endpoint_knows_it() -> None:
    with_recovery, without_recovery = registry.table("auth-users"), registry.table("auth-sessions")
    with running_moto() as url:
        async with connect(url) as client:
            unchecked: list[str] = []
            await apply(client, "dev", (with_recovery, without_recovery))
            assert await diff(client, "dev", (with_recovery, without_recovery), unchecked.append) == []
            swapped = dataclasses.replace(with_recovery, point_in_time_recovery=False)
            kinds = [difference.kind for difference in await diff(client, "dev", (swapped, without_recovery))]
            assert kinds == [DifferenceKind.RECOVERY]
            wanted = dataclasses.replace(without_recovery, point_in_time_recovery=True)
            kinds = [difference.kind for difference in await diff(client, "dev", (with_recovery, wanted))]
            assert kinds == [DifferenceKind.MISSING_RECOVERY]
            assert unchecked == []


async def test_a_table_that_never_becomes_active_is_reported_with_what_to_do(
    client: Client, environment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    describe = client.describe_table

    async def creating(**request: Any) -> Any:
        answer = await describe(**request)
        answer["Table"]["TableStatus"] = "CREATING"
        return answer

    monkeypatch.setattr(client, "describe_table", creating)
    with pytest.raises(TableNotReady, match=r"is not active after 0\.3 s.*tables apply` again"):
        await apply(client, environment, (CONTRACTS,), ready_within=0.3)
