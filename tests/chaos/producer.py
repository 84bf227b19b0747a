"""Publishes commands steadily, and again under the same ids until the log has acknowledged them."""

import asyncio
from collections import Counter
from collections.abc import Sequence

from workers.adapters.kafka import KafkaLog
from workers.engine.ports import LogUnavailable
from workers.engine.record import Outgoing

EVERY = 0.25
AGAIN = 0.5
"""Seconds."""
MOST = 200
"""Records of one append: repeated, they lie within the commands a root remembers."""


async def publish(log: KafkaLog, topic: str, records: Sequence[Outgoing], seconds: float, figures: Counter[str]) -> None:
    """Evenly over ``seconds`` of the clock, as clients come: they wait for nobody. What an outage has held up follows it as fast as it
    goes."""
    loop, done = asyncio.get_running_loop(), 0
    began = loop.time()
    while done < len(records):
        due = min(len(records), int(len(records) * (loop.time() - began + EVERY) / seconds), done + MOST)
        if due > done:
            await _acknowledged(log, topic, records[done:due], figures)
            done = due
        behind = loop.time() - began - done / len(records) * seconds
        await asyncio.sleep(max(0.0, EVERY - behind))


async def _acknowledged(log: KafkaLog, topic: str, records: Sequence[Outgoing], figures: Counter[str]) -> None:
    while True:
        try:
            await log.append_keyed(topic, records)
        except LogUnavailable:
            figures["appends repeated"] += 1
            await asyncio.sleep(AGAIN)
        else:
            return
