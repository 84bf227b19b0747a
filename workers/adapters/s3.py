"""Documents in S3. An object is written once and never replaced; what is there already is read and told apart by its sha256."""

import hashlib
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any, Self

import aioboto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from contracts.timestamps import to_datetime
from contracts.types import Hash, Timestamp
from workers.services.contract.ports import DocumentStoreRefusedError, DocumentStoreUnavailableError

# Two writers of one key at once: the loser reads what the winner wrote, or tries again.
_EXISTS = frozenset({"PreconditionFailed", "412"})
_REFUSED = frozenset(
    {
        "AccessDenied",
        "AccountProblem",
        "InvalidAccessKeyId",
        "InvalidBucketState",
        "InvalidRequest",
        "KMS.DisabledException",
        "KMS.NotFoundException",
        "NoSuchBucket",
        "ObjectLockConfigurationNotFoundError",
        "SignatureDoesNotMatch",
    }
)


class S3Documents:
    """A ``DocumentStore``. Open it once a process, close it at the end. The effect ledger retries; here nothing waits long."""

    def __init__(self, client: Any, bucket: str, kms_key: str | None, stack: AsyncExitStack) -> None:
        self._client = client
        self._bucket = bucket
        self._kms_key = kms_key
        self._stack = stack

    @classmethod
    async def open(cls, bucket: str, *, region: str | None = None, kms_key: str | None = None) -> Self:
        """Address, region and credentials come from AWS's own variables. ``kms_key``: objects are encrypted under it."""
        stack = AsyncExitStack()
        config = Config(
            connect_timeout=3,
            read_timeout=20,
            retries={"mode": "standard", "max_attempts": 2},
            # A bucket is named in the path wherever an address is set: servers for local work have no names for buckets.
            s3={"addressing_style": "auto"},
        )
        client = await stack.enter_async_context(aioboto3.Session().client("s3", region_name=region, config=config))
        return cls(client, bucket, kms_key, stack)

    async def close(self) -> None:
        await self._stack.aclose()

    async def put(self, key: str, content: bytes, *, retain_until: Timestamp | None = None) -> Hash:
        """Retention is for compliance: nobody shortens it, no administrator either. The bucket must have Object Lock."""
        try:
            await self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=content,
                ContentType="application/pdf",
                IfNoneMatch="*",
                ChecksumAlgorithm="SHA256",
                **self._encryption(),
                **_retention(retain_until),
            )
        except ClientError as error:
            if _code(error) in _EXISTS:
                return await self._digest_of(key)
            raise _translated(error) from error
        except BotoCoreError as error:
            raise DocumentStoreUnavailableError(str(error)) from error
        return hashlib.sha256(content).hexdigest()

    async def _digest_of(self, key: str) -> Hash:
        try:
            answer = await self._client.get_object(Bucket=self._bucket, Key=key)
            async with answer["Body"] as body:
                content: bytes = await body.read()
        except ClientError as error:
            raise _translated(error) from error
        except BotoCoreError as error:
            raise DocumentStoreUnavailableError(str(error)) from error
        return hashlib.sha256(content).hexdigest()

    def _encryption(self) -> dict[str, str]:
        return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self._kms_key} if self._kms_key else {}


def _retention(until: Timestamp | None) -> dict[str, str | datetime]:
    return {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": to_datetime(until)} if until else {}


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _translated(error: ClientError) -> DocumentStoreRefusedError | DocumentStoreUnavailableError:
    """What is neither known as final nor as passing is tried again: a put under If-None-Match does no harm."""
    kind = DocumentStoreRefusedError if _code(error) in _REFUSED else DocumentStoreUnavailableError
    return kind(f"{_code(error)}: {error.response.get('Error', {}).get('Message', '')}")
