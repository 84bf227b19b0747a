"""Random commands of the toy service."""

from collections.abc import Callable, Sequence
from random import Random
from uuid import UUID

from contracts.message import CommandData
from contracts.notification.commands import RecordNotificationSent, RecordNotificationSuppressed
from tests.support import toy
from workers.engine.decision import ItemRef
from workers.engine.record import Outgoing


def story(chance: Random, keys: int, commands: int) -> list[CommandData]:
    """Of every shape: root only, several events, side rows, timers, claims taken and released, refusals, nothing to do."""

    def name() -> str:
        return str(UUID(int=chance.getrandbits(128)))

    names = [name() for _ in range(keys)]
    rows = {key: [name() for _ in range(3)] for key in names}
    makers: Sequence[Callable[[str], CommandData]] = (
        lambda key: toy.tally_of(key, name()),
        lambda key: toy.tally_of(key, name(), name()),
        lambda key: toy.side_row_of(key, chance.choice(rows[key])),
        lambda key: toy.side_row_of(key, chance.choice(rows[key]), toy.TIMER),
        lambda key: toy.side_row_of(key, name(), toy.SILENT),
        lambda key: toy.claiming_of(key, name()),
        lambda key: toy.releasing_of(key),
        lambda key: toy.nothing_of(key),
    )
    return [chance.choice(makers)(chance.choice(names)) for _ in range(commands)]


def refs_of(commands: Sequence[CommandData]) -> list[ItemRef]:
    """Every row these commands may have made."""
    refs = {toy.root_ref(each.key) for each in commands}
    refs |= {toy.row_ref(each.notification_id) for each in commands if isinstance(each, RecordNotificationSuppressed)}
    refs |= {toy.claim_ref(each.provider_message_id) for each in commands if isinstance(each, RecordNotificationSent)}
    return list(refs)


def with_repeats(records: Sequence[Outgoing], every: int = 20, later: int = 5) -> list[Outgoing]:
    """Some records a second time soon after the first: within what a root remembers."""
    result: list[Outgoing] = []
    for index, record in enumerate(records):
        result.append(record)
        if index >= later and index % every == 0:
            result.append(records[index - later])
    return result
