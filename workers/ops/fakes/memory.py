"""Documents, uploads, mail and SMS without any server, for the ``embedded`` stack: kept in the process, gone with it."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from contracts.file import File
from contracts.types import Hash, Timestamp
from workers.adapters.s3_uploads import UploadForm
from workers.adapters.templates import Rendering
from workers.services.notification.ports import Email, MessageAccepted, MessageAnswer, MessageNotTaken, Sms


@dataclass
class MemoryDocuments:
    """A document store that never replaces an object."""

    objects: dict[str, bytes] = field(default_factory=dict)

    async def put(self, key: str, content: bytes, *, retain_until: Timestamp | None = None) -> Hash:
        return hashlib.sha256(self.objects.setdefault(key, content)).hexdigest()


class MemoryUploads:
    """Answers forms of the right shape for a place that takes nothing."""

    async def form(self, file: File, *, seconds: int) -> UploadForm:
        return UploadForm("memory://uploads", {"key": file.key, "Content-Type": file.mime, "x-amz-checksum-sha256": file.sha256})


class MemoryObjects:
    """Objects of which only the last version is there."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def put(self, key: str, content: bytes) -> None:
        self.kept[key] = content

    async def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            self.kept.pop(key, None)

    async def delete_under(self, prefix: str) -> None:
        await self.delete([key for key in self.kept if key.startswith(prefix)])

    async def close(self) -> None:
        """Nothing was opened."""


class MemoryMailer(Rendering):
    """Accepts every mail and remembers it. ``on_send`` is shown each first, with its message id, and may answer in its stead."""

    sent: list[Email]
    on_send: Callable[[Email, str], MessageAnswer | None] | None = None

    async def send(self, email: Email) -> MessageAnswer:
        sent: list[Email] = getattr(self, "sent", [])
        message_id = f"memory-{len(sent) + 1}"
        answer = self.on_send(email, message_id) if self.on_send else None
        if not isinstance(answer, MessageNotTaken):
            self.sent = [*sent, email]
        return answer or MessageAccepted(message_id)


class MemoryTexts(Rendering):
    """The same for SMS."""

    sent: list[Sms]
    on_send: Callable[[Sms, str], MessageAnswer | None] | None = None

    async def send(self, sms: Sms) -> MessageAnswer:
        sent: list[Sms] = getattr(self, "sent", [])
        message_id = f"memory-sms-{len(sent) + 1}"
        answer = self.on_send(sms, message_id) if self.on_send else None
        if not isinstance(answer, MessageNotTaken):
            self.sent = [*sent, sms]
        return answer or MessageAccepted(message_id)
