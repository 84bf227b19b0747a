"""The provider as a worker's effects see it: one connection a call."""

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson

from contracts.message import CommandData
from contracts.notification.commands import RecordNotificationFailed, ResolveUnknownNotification
from contracts.notification.events import NotificationSent
from contracts.types import RecipientId
from workers.engine.decision import Item, ItemRef
from workers.engine.service import Call, Done, Result, Retryable, Unknown


class ProviderPort:
    def __init__(self, address: str) -> None:
        self._host, _, port = address.rpartition(":")
        self._port = int(port)

    async def call(self, call: Call[Any], _rows: Mapping[ItemRef, Item]) -> Result:
        try:
            reader, writer = await asyncio.open_connection(self._host, self._port)
        except OSError:
            return Retryable("no_connection")
        try:
            writer.write(orjson.dumps({"key": call.id, "idempotent": not _is_once(call)}) + b"\n")
            answer = await reader.readline()
        except OSError:
            return Unknown("connection_lost")
        finally:
            writer.close()
        if not answer:
            return Unknown("no_answer")
        said = orjson.loads(answer)
        return Done((_result(call),), said["object"]) if "object" in said else Retryable(said["error"])


def _is_once(call: Call[Any]) -> bool:
    return isinstance(call.event.data, NotificationSent)


def _result(call: Call[Any]) -> CommandData:
    recipient, notification = RecipientId(call.event.key), call.event.data.notification_id
    if _is_once(call):
        return RecordNotificationFailed(recipient_id=recipient, notification_id=notification, attempt=1, code="sent")
    return ResolveUnknownNotification(recipient_id=recipient, notification_id=notification, attempt=1)
