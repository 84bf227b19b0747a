"""Wrapping under a key of AWS KMS. A data key's owner is its encryption context, so rights are given by purpose (schemas/rights.py)."""

import asyncio
import logging
from contextlib import AsyncExitStack
from typing import Any, Final

import aioboto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from contracts.sealed import KeysUnavailable
from workers.adapters.key_wrapping import DATA_KEY_BYTES, KeyOwner, NewKey, UnwrappableKey, WrappedKey

CONNECT_SECONDS: Final = 2
READ_SECONDS: Final = 4
ARN: Final = "arn:"

# At DEBUG botocore logs what it is answered, data keys among it.
logging.getLogger("botocore").setLevel(logging.INFO)

_NOT_ITS_OWN: Final = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})


class KmsWrapping:
    """One per process; connects at its first use. ``key``: id, ARN or alias. A repeat of any call does no harm, so botocore may retry."""

    def __init__(self, key: str, *, region: str | None = None, endpoint_url: str | None = None) -> None:
        self._key = key
        self._region, self._endpoint_url = region, endpoint_url
        self._closing = AsyncExitStack()
        self._client: Any = None
        self._opening = asyncio.Lock()

    async def present(self) -> str:
        """An alias may be pointed elsewhere at any time, so this is asked anew."""
        arn: str = (await self._called("describe_key", KeyId=self._key))["KeyMetadata"]["Arn"]
        return arn

    def unwraps(self, wrapped_under: str) -> bool:
        """The ciphertext itself names the key, which may be a former one."""
        return wrapped_under.startswith(ARN)

    async def generate(self, owner: KeyOwner) -> NewKey:
        answer = await self._called("generate_data_key", KeyId=self._key, NumberOfBytes=DATA_KEY_BYTES, EncryptionContext=_context(owner))
        return NewKey(answer["Plaintext"], WrappedKey(answer["CiphertextBlob"], answer["KeyId"]))

    async def unwrap(self, owner: KeyOwner, wrapped: WrappedKey) -> bytes:
        with_context = {"CiphertextBlob": wrapped.ciphertext, "EncryptionContext": _context(owner), "KeyId": wrapped.wrapped_under}
        key: bytes = (await self._of(owner, wrapped, "decrypt", **with_context))["Plaintext"]
        return key

    async def wrap(self, owner: KeyOwner, key: bytes) -> WrappedKey:
        answer = await self._called("encrypt", KeyId=self._key, Plaintext=key, EncryptionContext=_context(owner))
        return WrappedKey(answer["CiphertextBlob"], answer["KeyId"])

    async def rewrap(self, owner: KeyOwner, wrapped: WrappedKey) -> WrappedKey:
        """The data key never leaves KMS."""
        answer = await self._of(
            owner,
            wrapped,
            "re_encrypt",
            CiphertextBlob=wrapped.ciphertext,
            SourceKeyId=wrapped.wrapped_under,
            SourceEncryptionContext=_context(owner),
            DestinationKeyId=self._key,
            DestinationEncryptionContext=_context(owner),
        )
        return WrappedKey(answer["CiphertextBlob"], answer["KeyId"])

    async def close(self) -> None:
        self._client = None
        await self._closing.aclose()

    async def _of(self, owner: KeyOwner, wrapped: WrappedKey, operation: str, **request: Any) -> dict[str, Any]:
        try:
            return await self._called(operation, **request)
        except KeysUnavailable as error:
            if isinstance(error.__cause__, ClientError) and _code(error.__cause__) in _NOT_ITS_OWN:
                raise UnwrappableKey(owner, wrapped.wrapped_under) from error
            raise

    async def _called(self, operation: str, **request: Any) -> dict[str, Any]:
        """Denied, disabled and deleted keys count as unavailable too: people give the right back, and nothing was lost meanwhile."""
        try:
            client = await self._opened()
            answer: dict[str, Any] = await getattr(client, operation)(**request)
        except ClientError as error:
            raise KeysUnavailable(f"KMS refused {operation}: {_code(error)}") from error
        except (BotoCoreError, HTTPClientError, OSError) as error:
            raise KeysUnavailable(f"KMS does not answer {operation}: {type(error).__name__}") from error
        return answer

    async def _opened(self) -> Any:
        async with self._opening:
            if self._client is None:
                config = Config(connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, retries={"mode": "standard", "max_attempts": 2})
                making = aioboto3.Session().client("kms", region_name=self._region, endpoint_url=self._endpoint_url, config=config)
                self._client = await self._closing.enter_async_context(making)
            return self._client


def _context(owner: KeyOwner) -> dict[str, str]:
    return {"subject": owner.subject, "purpose": owner.purpose.value}


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
