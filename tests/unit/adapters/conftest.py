"""S3 for the adapters' tests: moto's server, a client, a bucket that keeps versions."""

import hashlib
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from tests.support.moto import running_moto


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    with running_moto() as url:
        yield url


@pytest.fixture
def s3_client(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    settings = {"ENDPOINT_URL_S3": s3_server, "ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test", "DEFAULT_REGION": "us-east-1"}
    for name, value in settings.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    client = boto3.client("s3")
    yield client
    client.close()


@pytest.fixture
def bucket(s3_client: Any, request: pytest.FixtureRequest) -> str:
    """One of its own for each test."""
    name = "bucket-" + hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:12]
    s3_client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    return name
