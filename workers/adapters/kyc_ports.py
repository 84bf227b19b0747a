"""kyc's ports put together: seals, records, and per provider the checks beside them. The engine chooses by the provider's name."""

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

from contracts.clear import Clear, Redacted
from contracts.file import ObjectKey
from contracts.kyc import KycProvider, document_prefix, raw_body_key, raw_body_prefix
from contracts.sealed import KYC_LINK, VALUE, Reader
from contracts.types import KycSessionId, Purpose, UserId
from workers.adapters.objects import Objects, ObjectsRefused, ObjectsUnavailable
from workers.adapters.onfido import Onfido
from workers.adapters.opening import Opener
from workers.adapters.raw_bodies import RawBodies
from workers.adapters.veriff import Veriff
from workers.services.kyc.ports import IdentityChecks, KycPort, RecordsRefusedError, RecordsUnavailableError

RECORDS: Final = "kyc-records"
KYC_PORTS: Final = (*(provider.value for provider in KycProvider), RECORDS)


class SealedKyc:
    """A ``KycSeals``: opens names, seals links for the API, by the rights of one provider's effects."""

    def __init__(self, opener: Opener) -> None:
        self._opener = opener

    async def open_name(self, sealed: str) -> Clear | Redacted:
        return await self._opener.open(sealed, VALUE)

    async def seal_link(self, url: Clear) -> str:
        return await self._opener.seal(Purpose.READER, Reader.API, KYC_LINK, url.reveal())


class StoredRecords:
    """A ``KycRecords`` over the objects."""

    def __init__(self, objects: Objects, opener: Opener) -> None:
        self._objects, self._bodies = objects, RawBodies(objects, opener)

    async def keep_body(self, session: KycSessionId, subject: UserId, body: bytes) -> ObjectKey:
        key = raw_body_key(session, hashlib.sha256(body).hexdigest())
        await _translated(self._bodies.keep(key, subject, body))
        return key

    async def delete(self, keys: Sequence[ObjectKey]) -> None:
        await _translated(self._objects.delete(keys))

    async def delete_all(self, session: KycSessionId) -> None:
        for prefix in (document_prefix(session), raw_body_prefix(session)):
            await _translated(self._objects.delete_under(prefix))


async def _translated(call: Any) -> None:
    try:
        await call
    except ObjectsUnavailable as error:
        raise RecordsUnavailableError(str(error)) from error
    except ObjectsRefused as error:
        raise RecordsRefusedError(str(error)) from error


@asynccontextmanager
async def open_kyc_ports(veriff: Veriff, onfido: Onfido, objects: Objects, openers: Mapping[str, Opener]) -> AsyncIterator[dict[str, Any]]:
    """By the names that kyc's effects give their providers; ``openers`` by the same."""
    async with AsyncExitStack() as stack:
        checks: dict[KycProvider, IdentityChecks] = {
            KycProvider.VERIFF: await stack.enter_async_context(veriff),
            KycProvider.ONFIDO: await stack.enter_async_context(onfido),
        }
        ports: dict[str, Any] = {
            provider.value: KycPort(each, SealedKyc(openers[provider]), StoredRecords(objects, openers[provider]))
            for provider, each in checks.items()
        }
        yield ports | {RECORDS: StoredRecords(objects, openers[RECORDS])}
