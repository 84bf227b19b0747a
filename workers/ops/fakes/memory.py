"""Documents, uploads and mail without any server, for the ``embedded`` stack: kept in the process, gone with it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from contracts.file import File
from contracts.types import Hash, Timestamp
from workers.adapters.s3_uploads import UploadForm
from workers.adapters.templates import Rendering
from workers.services.notification.ports import Email, EmailAccepted, EmailAnswer


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

    async def close(self) -> None:
        """Nothing was opened."""


class MemoryMailer(Rendering):
    """Accepts every mail and remembers it."""

    sent: list[Email]

    async def send(self, email: Email) -> EmailAnswer:
        self.sent = [*getattr(self, "sent", []), email]
        return EmailAccepted(f"memory-{len(self.sent)}")
