"""Administration of tables: brings an endpoint to what `schemas/` declares, or says where it differs. Never drops anything."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

from schemas.render import attribute_definitions, create_table_request, index_request, stream_specification
from schemas.table import Table
from workers.adapters.dynamodb_differences import (
    Description,
    Difference,
    DifferenceKind,
    indexes_of,
    stream_of,
    structural_differences,
)

__all__ = ["Difference", "DifferenceKind", "Progress", "TableNotReady", "apply", "diff"]

# aioboto3 builds its clients at run time from service models, so they have no static type.
Client = Any

READY_WITHIN: Final = 600.0  # seconds a table may take; an index over many rows may need longer: apply again
_AT_ONCE: Final = 8  # tables worked on side by side; the control plane throttles more
_FIRST_WAIT: Final = 0.02  # seconds between looks at a table that is not ready, doubled up to the longest
_LONGEST_WAIT: Final = 2.0
_BUSY_WAIT: Final = 0.25  # seconds to leave a table alone that somebody else is changing
_UNKNOWN_OPERATION: Final = frozenset({"UnknownOperationException", "UnknownOperation"})

Result = TypeVar("Result")


class TableNotReady(RuntimeError):
    """A table or one of its indexes did not become active in time. Nothing is lost: applying again goes on from there."""

    def __init__(self, name: str, seconds: float) -> None:
        super().__init__(
            f"{name} is not active after {seconds:g} s: DynamoDB is still creating it or building an index. "
            "Wait for the table to be ACTIVE, then run `mindlinks tables apply` again: it goes on from there."
        )


@dataclass(frozen=True, slots=True)
class Progress:
    """One step is done, of `total`: each table has two, its structure and then its settings.

    `done` says what the step took; empty: nothing was missing.
    """

    table: str
    done: tuple[str, ...]
    finished: int
    total: int


async def apply(
    client: Client,
    environment: str,
    tables: Iterable[Table],
    on_progress: Callable[[Progress], None] = lambda _: None,
    ready_within: float = READY_WITHIN,
) -> None:
    """Creates what is missing and returns when all of it is active. Idempotent, safe beside another apply, drops nothing.

    A failing table does not stop the others; the first failure is raised when all have ended. An index, TTL or key
    that exists but differs is left as it is: `diff` names it. Structures come first, settings second: see _make_room_for_indexes.
    """
    declared = tuple(tables)
    recovery = await _answers_recovery(client, environment, declared)
    if not recovery:
        await _make_room_for_indexes(client, environment, declared)
    finished = 0

    async def step(work: Callable[..., Awaitable[tuple[str, ...]]], table: Table) -> None:
        nonlocal finished
        done = await _in_time(work(client, environment, table), table.name_in(environment), ready_within)
        finished += 1
        on_progress(Progress(table.name_in(environment), done, finished, 2 * len(declared)))

    structures = await _side_by_side(partial(step, _bring_structure), declared)
    standing = [table for table, outcome in zip(declared, structures, strict=True) if outcome is None]
    settings = await _side_by_side(partial(step, partial(_bring_settings, recovery=recovery)), standing)
    _raise_first((*structures, *settings))


async def diff(
    client: Client,
    environment: str,
    tables: Iterable[Table],
    on_unchecked: Callable[[str], None] = lambda _: None,
) -> list[Difference]:
    """Names what differs, sorted by table; empty when nothing does. Changes nothing.

    What the endpoint can't tell (DynamoDB Local knows no point-in-time recovery) goes to `on_unchecked` as a sentence.
    """
    declared = tuple(tables)
    recovery = await _answers_recovery(client, environment, declared)
    if declared and not recovery:
        on_unchecked("point-in-time recovery: not checked, this endpoint does not know the operation")
    present = {name async for name in _table_names(client, f"{environment}-")}

    async def compare(table: Table) -> list[Difference]:
        name = table.name_in(environment)
        live = await _describe(client, name) if name in present else None
        if live is None:
            return [Difference(DifferenceKind.MISSING_TABLE, name, declared="a table")]
        return [*structural_differences(table, environment, live), *await _settings(client, table, name, recovery)]

    groups = await _side_by_side(compare, declared)
    found = [difference for group in _raise_first(groups) for difference in group]
    unknown = present - {table.name_in(environment) for table in declared}
    found.extend(Difference(DifferenceKind.UNKNOWN_TABLE, name, found="a table") for name in unknown)
    return sorted(found, key=lambda difference: (difference.table, difference.kind, difference.subject))


# --- applying


async def _in_time(work: Awaitable[Result], name: str, seconds: float) -> Result:
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError as late:
        raise TableNotReady(name, seconds) from late


async def _bring_structure(client: Client, environment: str, table: Table) -> tuple[str, ...]:
    name = table.name_in(environment)
    done = ["created"] if await _create(client, name, create_table_request(table, environment)) else []
    done += await _add_indexes(client, name, table)
    if await _add_stream(client, name, table):
        done.append("stream enabled")
    return tuple(done)


async def _bring_settings(client: Client, environment: str, table: Table, *, recovery: bool) -> tuple[str, ...]:
    name = table.name_in(environment)
    done = []
    if await _enable_ttl(client, name, table):
        done.append(f"ttl {table.ttl} enabled")
    if recovery and await _enable_recovery(client, name, table):
        done.append("point-in-time recovery enabled")
    return tuple(done)


async def _create(client: Client, name: str, request: dict[str, object]) -> bool:
    if await _describe(client, name) is not None:
        return False
    try:
        await client.create_table(**request)
    except client.exceptions.ResourceInUseException:
        return False  # another apply was faster
    return True


async def _add_indexes(client: Client, name: str, table: Table) -> list[str]:
    """DynamoDB builds one index of a table at a time."""
    done: list[str] = []
    live = await _until_active(client, name)
    while missing := [index for index in table.indexes if index.name not in indexes_of(live)]:
        index = missing[0]
        changes = {
            "AttributeDefinitions": attribute_definitions(index.key.attributes),
            "GlobalSecondaryIndexUpdates": [{"Create": index_request(index)}],
        }
        if await _update(client, name, changes):
            done.append(f"{index.name} added")
        live = await _until_active(client, name)
    return done


async def _lacks_index(client: Client, environment: str, table: Table) -> bool:
    live = await _describe(client, table.name_in(environment))
    return live is not None and any(index.name not in indexes_of(live) for index in table.indexes)


async def _make_room_for_indexes(client: Client, environment: str, tables: Sequence[Table]) -> None:
    """DynamoDB Local only: takes TTL off while an index is missing; the settings that follow put it back.

    Its ten threads serve three schedulers and each table with TTL for good: from seven such tables on, no index is ever built.
    """
    if not any([await _lacks_index(client, environment, table) for table in tables]):
        return
    for table in tables:
        name = table.name_in(environment)
        if table.ttl is not None and await _describe(client, name) is not None and await _live_ttl(client, name) == table.ttl:
            specification = {"Enabled": False, "AttributeName": table.ttl}
            await client.update_time_to_live(TableName=name, TimeToLiveSpecification=specification)


async def _add_stream(client: Client, name: str, table: Table) -> bool:
    live = await _until_active(client, name)
    if not table.stream or stream_of(live) is not None:
        return False
    added = await _update(client, name, {"StreamSpecification": stream_specification()})
    await _until_active(client, name)
    return added


async def _update(client: Client, name: str, changes: dict[str, object]) -> bool:
    """False when the table is just being changed by somebody else; the caller looks again."""
    try:
        await client.update_table(TableName=name, **changes)
    except (client.exceptions.ResourceInUseException, client.exceptions.LimitExceededException):
        await asyncio.sleep(_BUSY_WAIT)
        return False
    return True


async def _enable_ttl(client: Client, name: str, table: Table) -> bool:
    if table.ttl is None or await _live_ttl(client, name) is not None:
        return False
    specification = {"Enabled": True, "AttributeName": table.ttl}
    try:
        await client.update_time_to_live(TableName=name, TimeToLiveSpecification=specification)
    except client.exceptions.ClientError:
        # Enabling twice is a ValidationException: with another apply beside this one it is no failure.
        if await _live_ttl(client, name) != table.ttl:
            raise
        return False
    return True


async def _enable_recovery(client: Client, name: str, table: Table) -> bool:
    if not table.point_in_time_recovery or await _live_recovery(client, name):
        return False
    specification = {"PointInTimeRecoveryEnabled": True}
    await client.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=specification)
    return True


async def _until_active(client: Client, name: str) -> Description:
    """Looks until the table and all its indexes are active. Ends only by success or by the caller's deadline."""
    wait = _FIRST_WAIT
    while True:
        live = await _describe(client, name)
        if live is not None and _active(live):
            return live
        await asyncio.sleep(wait)
        wait = min(2 * wait, _LONGEST_WAIT)


def _active(live: Description) -> bool:
    return live["TableStatus"] == "ACTIVE" and all(index["IndexStatus"] == "ACTIVE" for index in indexes_of(live).values())


async def _settings(client: Client, table: Table, name: str, recovery: bool) -> list[Difference]:
    found: list[Difference] = []
    ttl = await _live_ttl(client, name)
    if ttl != table.ttl:
        kind = DifferenceKind.MISSING_TTL if ttl is None else DifferenceKind.TTL
        found.append(Difference(kind, name, "ttl", table.ttl or "nothing", ttl or "nothing"))
    if recovery and (enabled := await _live_recovery(client, name)) != table.point_in_time_recovery:
        kind = DifferenceKind.RECOVERY if enabled else DifferenceKind.MISSING_RECOVERY
        words = {True: "enabled", False: "disabled"}
        found.append(Difference(kind, name, "point-in-time recovery", words[not enabled], words[enabled]))
    return found


# --- asking the endpoint


async def _describe(client: Client, name: str) -> Description | None:
    try:
        return (await client.describe_table(TableName=name))["Table"]
    except client.exceptions.ResourceNotFoundException:
        return None


async def _live_ttl(client: Client, name: str) -> str | None:
    answer = (await client.describe_time_to_live(TableName=name))["TimeToLiveDescription"]
    return answer["AttributeName"] if answer["TimeToLiveStatus"] in {"ENABLED", "ENABLING"} else None


async def _live_recovery(client: Client, name: str) -> bool:
    answer = (await client.describe_continuous_backups(TableName=name))["ContinuousBackupsDescription"]
    return bool(answer.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") == "ENABLED")


async def _answers_recovery(client: Client, environment: str, tables: Sequence[Table]) -> bool:
    """Whether the endpoint knows point-in-time recovery: asked once, for a table that need not exist yet."""
    if not tables:
        return False
    try:
        await client.describe_continuous_backups(TableName=tables[0].name_in(environment))
    except client.exceptions.TableNotFoundException:
        return True
    except client.exceptions.ClientError as error:
        if error.response["Error"]["Code"] in _UNKNOWN_OPERATION:
            return False
        raise
    return True


async def _table_names(client: Client, prefix: str) -> AsyncIterator[str]:
    async for page in client.get_paginator("list_tables").paginate():
        for name in page["TableNames"]:
            if name.startswith(prefix):
                yield name


async def _side_by_side(act: Callable[[Table], Awaitable[Result]], tables: Sequence[Table]) -> list[Result | BaseException]:
    """Acts on all tables, a few at a time, and lets every one end: a failure is an outcome, in its table's place."""
    slots = asyncio.Semaphore(_AT_ONCE)

    async def in_a_slot(table: Table) -> Result:
        async with slots:
            try:
                return await act(table)
            except Exception as error:
                error.add_note(f"while working on table {table.name}")
                raise

    return await asyncio.gather(*map(in_a_slot, tables), return_exceptions=True)


def _raise_first(outcomes: Iterable[Result | BaseException]) -> list[Result]:
    results: list[Result] = []
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
        results.append(outcome)
    return results
