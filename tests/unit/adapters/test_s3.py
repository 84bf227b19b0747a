"""Documents in S3, against moto's server."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from botocore.exceptions import ClientError

from contracts.types import Timestamp
from workers.adapters.s3 import S3Documents
from workers.services.contract.ports import DocumentStoreRefusedError, DocumentStoreUnavailableError

KEY = "contracts/33333333-3333-4333-8333-333333333333/abc.pdf"
UNTIL = Timestamp("2036-02-01T09:30:00.000Z")


@pytest.fixture
async def documents(bucket: str) -> AsyncIterator[S3Documents]:
    documents = await S3Documents.open(bucket)
    yield documents
    await documents.close()


async def test_an_object_is_put_with_its_type_and_digest(documents: S3Documents, s3_client: Any, bucket: str) -> None:
    assert await documents.put(KEY, b"a document") == hashlib.sha256(b"a document").hexdigest()
    found = s3_client.get_object(Bucket=bucket, Key=KEY)
    assert (found["Body"].read(), found["ContentType"]) == (b"a document", "application/pdf")
    assert "ObjectLockMode" not in found


async def test_what_is_there_stays_and_is_told_by_its_digest(documents: S3Documents, s3_client: Any, bucket: str) -> None:
    await documents.put(KEY, b"the first")
    assert await documents.put(KEY, b"the second") == hashlib.sha256(b"the first").hexdigest()
    assert s3_client.get_object(Bucket=bucket, Key=KEY)["Body"].read() == b"the first"


async def test_of_two_writers_at_once_one_is_kept_and_both_learn_which(bucket: str, s3_client: Any) -> None:
    first, second = await S3Documents.open(bucket), await S3Documents.open(bucket)
    digests = await asyncio.gather(first.put(KEY, b"the first"), second.put(KEY, b"the second"))
    await asyncio.gather(first.close(), second.close())
    kept = s3_client.get_object(Bucket=bucket, Key=KEY)["Body"].read()
    assert set(digests) == {hashlib.sha256(kept).hexdigest()}
    assert len(s3_client.list_object_versions(Bucket=bucket, Prefix=KEY)["Versions"]) == 1


async def test_a_conflict_that_s3_could_not_settle_is_tried_again() -> None:
    """S3 answers 409 while another conditional write of the same key is on its way."""
    documents = S3Documents(Conflicting(), "bucket", None, AsyncExitStack())
    with pytest.raises(DocumentStoreUnavailableError, match="ConditionalRequestConflict"):
        await documents.put(KEY, b"a document")


class Conflicting:
    async def put_object(self, **asked: object) -> None:
        assert asked["IfNoneMatch"] == "*"
        raise ClientError({"Error": {"Code": "ConditionalRequestConflict", "Message": "again"}}, "PutObject")


async def test_what_is_retained_can_be_neither_deleted_nor_replaced(documents: S3Documents, s3_client: Any, bucket: str) -> None:
    await documents.put(KEY, b"executed", retain_until=UNTIL)
    await documents.put(KEY, b"another", retain_until=UNTIL)
    (version,) = s3_client.list_object_versions(Bucket=bucket, Prefix=KEY)["Versions"]
    with pytest.raises(ClientError, match="AccessDenied"):
        s3_client.delete_object(Bucket=bucket, Key=KEY, VersionId=version["VersionId"])
    assert s3_client.get_object(Bucket=bucket, Key=KEY)["Body"].read() == b"executed"


async def test_retention_is_for_compliance(documents: S3Documents, s3_client: Any, bucket: str) -> None:
    await documents.put(KEY, b"executed", retain_until=UNTIL)
    found = s3_client.head_object(Bucket=bucket, Key=KEY)
    assert found["ObjectLockMode"] == "COMPLIANCE"
    assert found["ObjectLockRetainUntilDate"].isoformat() == "2036-02-01T09:30:00+00:00"


async def test_a_key_of_ours_encrypts(s3_client: Any, bucket: str) -> None:
    documents = await S3Documents.open(bucket, kms_key="alias/documents")
    await documents.put(KEY, b"a document")
    await documents.close()
    found = s3_client.head_object(Bucket=bucket, Key=KEY)
    assert (found["ServerSideEncryption"], found["SSEKMSKeyId"]) == ("aws:kms", "alias/documents")


async def test_no_bucket_is_for_people(s3_client: Any) -> None:
    documents = await S3Documents.open("documents-nobody-made")
    with pytest.raises(DocumentStoreRefusedError, match="NoSuchBucket"):
        await documents.put(KEY, b"a document")
    await documents.close()


async def test_no_server_is_tried_again(s3_client: Any, monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{unused_tcp_port}")
    documents = await S3Documents.open("documents")
    with pytest.raises(DocumentStoreUnavailableError):
        await documents.put(KEY, b"a document")
    await documents.close()
