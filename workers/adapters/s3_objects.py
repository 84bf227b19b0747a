"""Objects in S3, in a bucket that keeps versions: deleting one means deleting each of its versions."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import aioboto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from workers.adapters.objects import ObjectsRefused, ObjectsUnavailable

_REFUSED: Final = frozenset(
    {"AccessDenied", "AccountProblem", "InvalidAccessKeyId", "KMS.DisabledException", "KMS.NotFoundException", "NoSuchBucket"}
    | {"SignatureDoesNotMatch"}
)
_MOST_AT_ONCE: Final = 1000


class S3Objects:
    """Connects at its first use, so a process that keeps nothing needs no S3. Close it at the end."""

    def __init__(self, bucket: str, *, region: str | None = None) -> None:
        """Address and credentials come from AWS's own variables."""
        self._bucket, self._region = bucket, region
        self._stack = AsyncExitStack()
        self._client: Any = None
        self._opening = asyncio.Lock()

    async def close(self) -> None:
        await self._stack.aclose()

    async def put(self, key: str, content: bytes) -> None:
        async with self._calling() as client:
            await client.put_object(Bucket=self._bucket, Key=key, Body=content, ContentType="application/octet-stream")

    async def delete(self, keys: Sequence[str]) -> None:
        async with self._calling() as client:
            # A key as a prefix also finds longer keys, which stay.
            found = [version for key in keys for version in await self._versions(client, key) if version["Key"] == key]
            await self._delete(client, found)

    async def delete_under(self, prefix: str) -> None:
        async with self._calling() as client:
            await self._delete(client, await self._versions(client, prefix))

    async def _delete(self, client: Any, versions: Sequence[dict[str, str]]) -> None:
        for start in range(0, len(versions), _MOST_AT_ONCE):
            wanted = {"Objects": versions[start : start + _MOST_AT_ONCE], "Quiet": True}
            _require_all(await client.delete_objects(Bucket=self._bucket, Delete=wanted))

    async def _versions(self, client: Any, prefix: str) -> list[dict[str, str]]:
        """Markers of earlier deletions too."""
        found: list[dict[str, str]] = []
        async for page in client.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=prefix):
            rows = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
            found += [{"Key": row["Key"], "VersionId": row["VersionId"]} for row in rows]
        return found

    @asynccontextmanager
    async def _calling(self) -> AsyncIterator[Any]:
        try:
            yield await self._opened()
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            raise _failure(code, str(error.response.get("Error", {}).get("Message", ""))) from error
        except BotoCoreError as error:
            raise ObjectsUnavailable(type(error).__name__) from error

    async def _opened(self) -> Any:
        async with self._opening:
            if self._client is None:
                config = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "max_attempts": 2})
                opening = aioboto3.Session().client("s3", region_name=self._region, config=config)
                self._client = await self._stack.enter_async_context(opening)
        return self._client


def _require_all(answer: Any) -> None:
    """One answer for many objects: each may have failed by itself."""
    for error in answer.get("Errors", ()):
        raise _failure(str(error.get("Code", "")), str(error.get("Message", "")))


def _failure(code: str, message: str) -> ObjectsRefused | ObjectsUnavailable:
    return (ObjectsRefused if code in _REFUSED else ObjectsUnavailable)(f"{code}: {message}")
