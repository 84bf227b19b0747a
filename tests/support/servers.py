"""The real servers, started once for whoever asks first and ended when the last one is done: several test folders share them."""

import asyncio
import os
from collections.abc import Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import aioboto3
import pytest

from contracts.topics import TOPICS
from schemas.registry import TABLES
from schemas.table import Table
from workers.adapters.dynamodb_tables import apply
from workers.adapters.kafka_admin import KafkaAdmin
from workers.ops.stack import Endpoints, Provider, StackError, choose

REGION = "eu-central-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_DEFAULT_REGION": REGION}


class _Shared:
    """Counts its users, since session fixtures of two folders end at different times."""

    def __init__(self) -> None:
        self._users = 0
        self._endpoints: Endpoints | None = None

    @contextmanager
    def endpoints(self) -> Iterator[Endpoints]:
        if self._endpoints is None:
            self._start()
        assert self._endpoints is not None
        self._users += 1
        try:
            yield self._endpoints
        finally:
            self._users -= 1
            if not self._users:
                self._stack.stop_sync()
                self._endpoints = None

    def _start(self) -> None:
        try:
            self._stack = choose(Provider.LOCAL).stack
            self._endpoints = self._stack.start_sync()
        except StackError as error:
            if os.environ.get("CI"):
                raise
            pytest.skip(f"the real servers do not start here: {error}")


_shared = _Shared()
shared_endpoints = _shared.endpoints


@contextmanager
def dummy_credentials() -> Iterator[None]:
    """DynamoDB Local checks no signature, but a request needs one."""
    before = {name: os.environ.get(name) for name in CREDENTIALS}
    os.environ.update(CREDENTIALS)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def apply_tables(endpoint: str, tables: Sequence[Table] = tuple(TABLES.values())) -> str:
    """The tables under a new environment's name, which is returned."""
    environment = f"s{uuid4().hex[:12]}"

    async def applied() -> None:
        async with aioboto3.Session().client("dynamodb", endpoint_url=endpoint, region_name=REGION) as client:
            await apply(client, environment, tuple(tables))

    _run(applied())
    return environment


def apply_topics(bootstrap: str) -> None:
    """All topics of the catalogue."""
    _run(KafkaAdmin(bootstrap).apply(list(TOPICS.values()), 1, lambda _: None))


def _run(work: Coroutine[Any, Any, None]) -> None:
    """In a loop of its own, also when a fixture of a running one asks for it."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(asyncio.run, work).result()
