"""An address's key ends one generation; whoever appears under that address later has another."""

from contracts.clear import Clear, Redacted
from contracts.sealed import VALUE, lead
from contracts.types import Purpose
from tests.support.keys import MASTER_KEY
from tests.support.process import QuickClock
from tests.support.service_story import digest
from workers.adapters.key_ring import KeyRing
from workers.adapters.key_wrapping import LocalWrapping
from workers.adapters.lead_keys import LeadKeys
from workers.adapters.sealing import Sealer
from workers.adapters.subject_keys import SubjectKeys
from workers.engine.memory import MemoryStore

ADDRESS = digest("amina@example.com")


async def test_what_was_sealed_until_then_is_gone_and_what_comes_later_opens() -> None:
    ring = KeyRing(SubjectKeys(MemoryStore(), QuickClock()), [LocalWrapping(MASTER_KEY)])
    sealer, keys = Sealer(ring), LeadKeys(ring)
    before = await sealer.seal(Purpose.SUBJECT, lead(ADDRESS), VALUE, "Amina")
    assert [await keys.destroy(ADDRESS) for _ in range(2)] == [1, 1]
    assert isinstance(await sealer.open(before, VALUE), Redacted)
    later = await sealer.seal(Purpose.SUBJECT, lead(ADDRESS), VALUE, "Amina")
    assert await sealer.open(later, VALUE) == Clear("Amina")
    assert await keys.destroy(ADDRESS) == 2


async def test_an_address_that_never_had_a_key_gets_a_tombstone() -> None:
    ring = KeyRing(SubjectKeys(MemoryStore(), QuickClock()), [LocalWrapping(MASTER_KEY)])
    assert await LeadKeys(ring).destroy(ADDRESS) == 1
