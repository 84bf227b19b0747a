"""A person's key is destroyed, and with it every value sealed under it. Destroying it twice does no harm."""

from collections.abc import Mapping
from typing import TypeAlias

from contracts.auth import KeyScope, LegalKeyDestructionRequested, RecordSubjectKeyDestroyed, SubjectKeyDestructionRequested
from contracts.sealed import KeysUnavailable
from contracts.types import Purpose
from workers.engine.decision import Item, ItemRef
from workers.engine.service import Call, Done, Result, Retryable
from workers.services.auth.ports import KeyStore

Wanted: TypeAlias = SubjectKeyDestructionRequested | LegalKeyDestructionRequested

_PURPOSE = {KeyScope.SUBJECT: Purpose.SUBJECT, KeyScope.LEGAL: Purpose.LEGAL}


async def destroy_key(call: Call[Wanted], _rows: Mapping[ItemRef, Item], port: KeyStore) -> Result:
    data = call.event.data
    scope = KeyScope.LEGAL if isinstance(data, LegalKeyDestructionRequested) else KeyScope.SUBJECT
    try:
        await port.destroy(data.user_id, _PURPOSE[scope])
    except KeysUnavailable as failure:
        return Retryable(f"{type(failure).__name__}: {failure}")
    return Done((RecordSubjectKeyDestroyed(user_id=data.user_id, scope=scope),))
