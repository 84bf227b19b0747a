"""lead's store of addresses' keys over the key ring."""

from contracts.sealed import lead
from contracts.types import Hash, Purpose
from workers.adapters.key_ring import KeyRing
from workers.adapters.key_wrapping import KeyOwner
from workers.adapters.subject_keys import FIRST, KeyState


class LeadKeys:
    """An ``AddressKeys``. There is no legal key to leave: nothing of an address without account is kept by law."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    async def destroy(self, email_hash: Hash) -> int:
        subject = lead(email_hash)
        await self._ring.destroy(subject, Purpose.SUBJECT)
        rows = await self._ring.keys.generations(KeyOwner(subject, Purpose.SUBJECT))
        return max((row.generation for row in rows if row.state is KeyState.DESTROYED), default=FIRST)
