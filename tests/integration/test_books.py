"""``mindlinks doctor books`` over tables that a payment worker has filled on the real servers, and that somebody altered by one."""

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from random import Random
from typing import Any

import aioboto3
import pytest

from contracts.topics import commands_topic
from schemas.registry import table
from tests.support.delivery import REPOSITORY, Worker, delivery
from tests.support.escrows import story
from tests.support.servers import CREDENTIALS, REGION
from tests.support.worker_process import Settings
from workers.ops.books import is_escrow
from workers.services.payment.escrow import ESCROWS, TRANSACTIONS

COMMANDS = 400
KEYS = {ESCROWS: "contractId", TRANSACTIONS: "id"}


@dataclass(frozen=True, slots=True)
class Bank:
    """Payment's tables on the real server."""

    endpoint: str
    environment: str

    async def doctor(self) -> tuple[int | None, dict[str, Any]]:
        """As an operator runs it: the exit code, and what it says."""
        where = {"MINDLINKS_ENVIRONMENT": self.environment, "AWS_ENDPOINT_URL_DYNAMODB": self.endpoint, "AWS_REGION": REGION}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "workers.main", "doctor", "books", "--json"),
            cwd=REPOSITORY,
            env={**os.environ, **CREDENTIALS, **where},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        told, errors = await asyncio.wait_for(process.communicate(), 60.0)
        assert told, errors.decode()[-3000:]
        return process.returncode, json.loads(told)

    async def add(self, name: str, key: str, attribute: str, by: int) -> None:
        """Past everything that writes tables."""
        async with self._client() as client:
            await client.update_item(
                TableName=table(name).name_in(self.environment),
                Key={KEYS[name]: {"S": key}},
                UpdateExpression=f"ADD {attribute} :by",
                ExpressionAttributeValues={":by": {"N": str(by)}},
            )

    async def some(self, name: str, **like: str) -> str:
        """The key of one row."""
        async with self._client() as client:
            rows = (await client.scan(TableName=table(name).name_in(self.environment)))["Items"]
        plain = [{attribute: next(iter(value.values())) for attribute, value in row.items()} for row in rows]
        fitting = [row for row in plain if all(row.get(attribute) == value for attribute, value in like.items())]
        return next(str(row[KEYS[name]]) for row in fitting if name != ESCROWS or is_escrow(row))

    def _client(self) -> Any:
        return aioboto3.Session().client("dynamodb", endpoint_url=self.endpoint, region_name=REGION)


@pytest.fixture
async def bank(topics: str, tables: str, dynamodb_endpoint: str) -> Bank:
    """A worker has settled a few hundred commands about escrows, and has gone."""
    settings = Settings(topics, dynamodb_endpoint, tables, service="workers.services.payment.service")
    async with delivery(topics, dynamodb_endpoint, tables, "payment") as run:
        worker = await Worker.started(settings)
        try:
            await worker.until_ready()
            await run.log.append_keyed(commands_topic("payment"), story(Random(11), COMMANDS))
            await run.until_settled()
            await worker.stop()
        finally:
            worker.kill()
    return Bank(dynamodb_endpoint, tables)


async def test_books_balance_and_an_alteration_by_one_is_found_in_either_table(bank: Bank) -> None:
    code, told = await bank.doctor()
    assert (code, told["faults"]) == (0, [])
    assert told["escrows"] > COMMANDS / 30
    assert told["rows"] > 4 * told["escrows"]

    escrow = await bank.some(ESCROWS)
    await bank.add(ESCROWS, escrow, "balance", 1)
    assert await _found(bank) == {(escrow, "balance", 1, None)}
    await bank.add(ESCROWS, escrow, "balance", -1)

    row = await bank.some(TRANSACTIONS, type="payment")
    await bank.add(TRANSACTIONS, row, "posted", 1)
    found = await _found(bank)
    assert {(book, off, of) for _, book, off, of in found} == {("balance", -1, None), ("posted", 1, row)}
    await bank.add(TRANSACTIONS, row, "posted", -1)

    assert await bank.doctor() == (0, told)


async def _found(bank: Bank) -> set[tuple[str, str, int, str | None]]:
    code, told = await bank.doctor()
    assert code == 1
    return {(each["contract_id"], each["book"], each["stored"] - each["reckoned"], each["transaction_id"]) for each in told["faults"]}
