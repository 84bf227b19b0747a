"""(b) One transaction of inbox, state and outbox per command: what the field's books say. Each of the three items costs twice."""

from typing import Any

from faststream.kafka.annotations import KafkaMessage

from contracts.payment.commands import SyncPayee
from tests.bench.ground import INBOX, OUTBOX
from tests.bench.naive import NaiveWorker, appended, decided
from tests.bench.sizes import write_units
from workers.adapters.dynamodb_values import item_to_wire

TWICE = 2
"""Write units of an item in a transaction."""


class TransactionalWorker(NaiveWorker):
    """Publishes at once and leaves the clearing of the outbox to a relay that is not measured."""

    name = "b: one transaction a command"

    async def work(self, data: SyncPayee, message: KafkaMessage) -> None:
        command = str(message.headers["ce_id"])
        before = await self.read(data)
        after, events = decided(before, data, command, appended(message))
        inbox, outbox = {"id": command, "key": data.key}, {"id": command, "events": [event.to_item() for event in events]}
        self.transaction_units += TWICE * (write_units(None, inbox) + write_units(before, after) + write_units(None, outbox))
        await self.dynamodb.transact_write_items(
            TransactItems=[self._put(INBOX, inbox), {"Put": self.conditional_put(before, after)}, self._put(OUTBOX, outbox)]
        )
        await self.publish(data, message, events)

    def _put(self, table: str, row: dict[str, Any]) -> dict[str, Any]:
        return {
            "Put": {
                "TableName": f"{self.environment}-{table}",
                "Item": item_to_wire(row),
                "ConditionExpression": "attribute_not_exists(id)",
            }
        }
