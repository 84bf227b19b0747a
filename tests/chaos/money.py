"""What must be true of every escrow after any run of chaos."""

from dataclasses import dataclass

from tests.support import verdict
from tests.support.delivery import Delivery
from workers.engine.memory import SystemClock
from workers.ops.books import Books
from workers.services.payment.service import SERVICE


@dataclass(frozen=True, slots=True)
class Money:
    commands: int
    escrows: int
    rows: int


async def judged_money(bank: Delivery, sent: set[str]) -> Money:
    """Fails when an acknowledged command is not there, a row or an event is not as it must be, or books don't balance."""
    commands, events = await bank.records(bank.commands), await bank.records(bank.events)
    names = {verdict.header(record, "ce_id") for record in commands}
    assert sent <= names, f"{len(sent - names)} of {len(sent)} acknowledged commands about money are not in the log"
    refs = list(verdict.expected(SERVICE, commands).items)
    verdict.check(SERVICE, commands, events, await bank.rows(refs))
    examined = await Books(bank.store, SystemClock()).examined()
    assert not examined.faults, f"{len(examined.faults)} faults in the books: {examined.faults[:5]}"
    return Money(len(sent), examined.escrows, examined.rows)
