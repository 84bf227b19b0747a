"""Documents and mail without any server, for the ``embedded`` stack: kept in the process, gone with it."""

import hashlib
from dataclasses import dataclass, field

from contracts.types import Hash, Timestamp
from workers.adapters.templates import Rendering
from workers.services.notification.ports import Email, EmailAccepted, EmailAnswer


@dataclass
class MemoryDocuments:
    """A document store that never replaces an object."""

    objects: dict[str, bytes] = field(default_factory=dict)

    async def put(self, key: str, content: bytes, *, retain_until: Timestamp | None = None) -> Hash:
        return hashlib.sha256(self.objects.setdefault(key, content)).hexdigest()


class MemoryMailer(Rendering):
    """Accepts every mail and remembers it."""

    sent: list[Email]

    async def send(self, email: Email) -> EmailAnswer:
        self.sent = [*getattr(self, "sent", []), email]
        return EmailAccepted(f"memory-{len(self.sent)}")
