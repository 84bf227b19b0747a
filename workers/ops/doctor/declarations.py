"""Topics and tables against their declarations, and books against their rows."""

from workers.ops.books import Books
from workers.ops.doctor.finding import Answer, Finding, Kind
from workers.ops.doctor.system import System

MOST_NAMED = 5


async def topics(system: System) -> Answer:
    found = [
        Finding(
            Kind.TOPIC,
            each.topic,
            f"{each.what}: declared {each.declared or 'nothing'}, found {each.found or 'nothing'}.",
            "Producers and consumers rely on what is declared: partitions for the order of a key, append times for decisions.",
            "mindlinks topics apply creates what is missing; settings are changed by hand, partition counts never.",
        )
        for each in await system.declared.topics()
    ]
    return Answer("every declared topic", found)


async def tables(system: System) -> Answer:
    found = [
        Finding(
            Kind.TABLE,
            each.table,
            f"{each.kind}{f' {each.subject}' if each.subject else ''}: declared {each.declared}, found {each.found}.",
            "Whatever reads or writes it as declared fails or misses rows.",
            "mindlinks tables apply mends what is missing; for the rest a person decides (mindlinks tables diff).",
        )
        for each in await system.declared.tables()
    ]
    return Answer("every declared table", found)


async def books(system: System) -> Answer:
    examined = await Books(system.store, system.clock).examined()
    wrong = sorted({fault.contract_id for fault in examined.faults})
    looked = f"{examined.escrows:,} escrows, {examined.rows:,} rows"
    if not wrong:
        return Answer(looked)
    named = ", ".join(wrong[:MOST_NAMED]) + (f" and {len(wrong) - MOST_NAMED} more" if len(wrong) > MOST_NAMED else "")
    finding = Finding(
        Kind.BOOKS,
        "payment",
        f"{len(wrong)} escrows don't add up: {named}.",
        "What an escrow says it holds is not what its rows say: money could be paid out twice, or not at all.",
        f"Hold their money (PlaceHold); mindlinks doctor books; mindlinks statement {wrong[0]}",
    )
    return Answer(looked, [finding])
