"""An address's key is destroyed. Destroying it again takes whatever was sealed for the address meanwhile, and no more."""

from collections.abc import Mapping

from contracts.lead import LeadKeyDestructionRequested, RecordLeadKeyDestroyed
from workers.engine.decision import Item, ItemRef
from workers.engine.service import Call, Done, Result
from workers.services.lead.ports import AddressKeys


async def destroy_key(call: Call[LeadKeyDestructionRequested], _rows: Mapping[ItemRef, Item], port: AddressKeys) -> Result:
    """While the key table is away the engine tries again."""
    data = call.event.data
    generation = await port.destroy(data.email_hash)
    return Done((RecordLeadKeyDestroyed(email_hash=data.email_hash, user_id=data.user_id, generation=generation),))
