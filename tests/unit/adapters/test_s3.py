"""Documents in S3, against moto's server."""

import hashlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from contracts.types import Timestamp
from workers.adapters.s3 import S3Documents
from workers.services.contract.ports import DocumentStoreRefusedError, DocumentStoreUnavailableError

KEY = "contracts/33333333-3333-4333-8333-333333333333/abc.pdf"
UNTIL = Timestamp("2036-02-01T09:30:00.000Z")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def client(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    settings = {"ENDPOINT_URL_S3": server, "ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test", "DEFAULT_REGION": "us-east-1"}
    for name, value in settings.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    client = boto3.client("s3")
    yield client
    client.close()


@pytest.fixture
def bucket(client: Any, request: pytest.FixtureRequest) -> str:
    name = "documents-" + hashlib.sha256(request.node.name.encode()).hexdigest()[:12]
    client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    return name


@pytest.fixture
async def documents(bucket: str) -> AsyncIterator[S3Documents]:
    documents = await S3Documents.open(bucket)
    yield documents
    await documents.close()


async def test_an_object_is_put_with_its_type_and_digest(documents: S3Documents, client: Any, bucket: str) -> None:
    assert await documents.put(KEY, b"a document") == hashlib.sha256(b"a document").hexdigest()
    found = client.get_object(Bucket=bucket, Key=KEY)
    assert (found["Body"].read(), found["ContentType"]) == (b"a document", "application/pdf")
    assert "ObjectLockMode" not in found


async def test_what_is_there_stays_and_is_told_by_its_digest(documents: S3Documents, client: Any, bucket: str) -> None:
    await documents.put(KEY, b"the first")
    assert await documents.put(KEY, b"the second") == hashlib.sha256(b"the first").hexdigest()
    assert client.get_object(Bucket=bucket, Key=KEY)["Body"].read() == b"the first"


async def test_retention_is_for_compliance(documents: S3Documents, client: Any, bucket: str) -> None:
    await documents.put(KEY, b"executed", retain_until=UNTIL)
    found = client.head_object(Bucket=bucket, Key=KEY)
    assert found["ObjectLockMode"] == "COMPLIANCE"
    assert found["ObjectLockRetainUntilDate"].isoformat() == "2036-02-01T09:30:00+00:00"


async def test_a_key_of_ours_encrypts(client: Any, bucket: str) -> None:
    documents = await S3Documents.open(bucket, kms_key="alias/documents")
    await documents.put(KEY, b"a document")
    await documents.close()
    found = client.head_object(Bucket=bucket, Key=KEY)
    assert (found["ServerSideEncryption"], found["SSEKMSKeyId"]) == ("aws:kms", "alias/documents")


async def test_no_bucket_is_for_people(client: Any) -> None:
    documents = await S3Documents.open("documents-nobody-made")
    with pytest.raises(DocumentStoreRefusedError, match="NoSuchBucket"):
        await documents.put(KEY, b"a document")
    await documents.close()


async def test_no_server_is_tried_again(client: Any, monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{unused_tcp_port}")
    documents = await S3Documents.open("documents")
    with pytest.raises(DocumentStoreUnavailableError):
        await documents.put(KEY, b"a document")
    await documents.close()
