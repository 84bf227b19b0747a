"""What has to exist on fresh servers before anything runs: topics, tables, the bucket of documents, the sender's identity, the key."""

import asyncio
from typing import Any

import aioboto3
from botocore.exceptions import ClientError

from workers.ops import declared
from workers.ops.dev.variables import BUCKET, CONFIGURATION_SET, MAIL_FROM
from workers.ops.stack import Progress
from workers.settings import Settings

EXISTS = frozenset({"BucketAlreadyOwnedByYou", "BucketAlreadyExists", "AlreadyExistsException"})


async def provision(settings: Settings, on_progress: Progress) -> None:
    """Side by side; idempotent, nothing is dropped. Raises what the first of them that fails raises."""
    async with asyncio.TaskGroup() as group:
        group.create_task(_topics(settings, on_progress))
        group.create_task(_tables(settings, on_progress))
        group.create_task(_bucket_and_sender(on_progress))
        group.create_task(_wrapping_key(settings, on_progress))


async def _topics(settings: Settings, on_progress: Progress) -> None:
    made: list[str] = []
    await declared.apply_topics(settings, 1, made.append)
    on_progress(f"topics: {len(made)} made")


async def _tables(settings: Settings, on_progress: Progress) -> None:
    await declared.apply_tables(settings, lambda _: None)
    on_progress("tables: as declared")


async def _bucket_and_sender(on_progress: Progress) -> None:
    """The client takes its address from the variables that are set. The bucket keeps executed contracts under Object Lock."""
    session = aioboto3.Session()
    async with session.client("s3") as s3, session.client("sesv2") as ses:
        await _unless_there(s3.create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True))
        await _unless_there(ses.create_email_identity(EmailIdentity=MAIL_FROM))
        await _unless_there(ses.create_configuration_set(ConfigurationSetName=CONFIGURATION_SET))
    on_progress("bucket and sender: ready")


async def _wrapping_key(settings: Settings, on_progress: Progress) -> None:
    """Made once: with another key behind the alias, what the former wrapped would have to be rewrapped."""
    if settings.kms_key is None:
        return
    async with aioboto3.Session().client("kms") as kms:
        aliases = await kms.list_aliases()
        if settings.kms_key not in {alias["AliasName"] for alias in aliases["Aliases"]}:
            made = await kms.create_key(Description="Wraps the data keys of people")
            await _unless_there(kms.create_alias(AliasName=settings.kms_key, TargetKeyId=made["KeyMetadata"]["KeyId"]))
    on_progress("wrapping key: ready")


async def _unless_there(making: Any) -> None:
    try:
        await making
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") not in EXISTS:
            raise
