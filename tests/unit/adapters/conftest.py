"""S3 for the adapters' tests: moto's server, a client, a bucket that keeps versions."""

import hashlib
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


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
