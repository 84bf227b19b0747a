"""What must be told to the world before a key's rows say it; and which keys cannot be given rows at all."""

from collections.abc import Mapping, Sequence

from contracts.topics import events_topic
from workers.engine.outcome import Outcome
from workers.engine.ports import Log
from workers.ops.rebuild.judging import Stuck
from workers.ops.rebuild.shadow import Difference

SAY_PUBLISH = "With --publish they go out now, under the ids they always had; rows without them would be known to nobody."


class NotRepaired(Exception):
    """Nothing of the key was changed, or what was changed is right and the rest is not: run the rebuild again and look."""


def untold(differences: Sequence[Difference], stuck: Stuck | None, owed: Mapping[str, str], *, publish: bool) -> list[tuple[str, Outcome]]:
    """What is to be published, each with its key. ``owed``: by position what the live root's outcomes say, which its worker tells or has
    told. Raises NotRepaired."""
    if stuck:
        at = f"at {stuck.position}: " if stuck.position else ""
        raise NotRepaired(f"{at}{stuck.why}, so what is right can't be said. {stuck.advice}")
    missing: list[tuple[str, Outcome]] = []
    for each in differences:
        said = owed.get(each.position, each.told)
        if said == each.rebuilt:
            continue
        if each.contradicts or each.position in owed or each.outcome is None:
            raise NotRepaired(
                f"at {each.position} the world was told {said!r} and the log makes {each.rebuilt or 'nothing'!r}. Rows that say "
                "the second would contradict what others acted on: correct it with a new command (mindlinks replay --mode redo)."
            )
        missing.append((each.key, each.outcome._replace(late=True)))
    if missing and not publish:
        where = missing[0][1].position
        raise NotRepaired(f"of {len(missing)} commands, the first at {where}, events never went out. {SAY_PUBLISH}")
    return missing


async def publish_late(log: Log, service: str, outcomes: Sequence[tuple[str, Outcome]]) -> int:
    """Before the rows: a rebuild that died in between finds the key again, and the ids are the same. Answers how many events."""
    source = f"/mindlinks/{service}/commands"
    messages = [message for key, outcome in outcomes for message in outcome.messages(key, source, 0)]
    if messages:
        await log.append_keyed(events_topic(service), messages)
    return len(messages)
