"""``mindlinks timers`` over a store in memory that the role has filled."""

import asyncio
import json
from typing import Any

import pytest

from contracts.timestamps import from_milliseconds
from tests.support.command_context import CommandContext, invoked
from tests.support.timer_station import BEGIN, DAY, HOUR, NAME, SERVICE, MovedClock, Station, cancelling, contract, scheduling, timer
from workers.engine.memory import MemoryStore
from workers.ops import timers
from workers.ops.terminal import console

NOW = BEGIN + HOUR
DUES = {1: NOW + HOUR, 2: NOW + 30 * HOUR, 3: NOW + 2 * HOUR, 4: BEGIN + 60_000, 5: NOW + 300 * DAY}
"""Timer -> due time; the role of the fourth stopped before it was due."""


async def _filled() -> MemoryStore:
    station = Station(partitions=8)
    await station.start()
    for number, due in DUES.items():
        await station.say(number, scheduling(number, due))
    await station.say(6, scheduling(6, NOW + HOUR))
    await station.say(6, cancelling(6))
    await station.stop()
    return station.store


@pytest.fixture(scope="module")
def store() -> MemoryStore:
    return asyncio.run(_filled())


def run(store: MemoryStore, *arguments: str) -> Any:
    return invoked(timers.add, CommandContext(store, clock=MovedClock(NOW)), "timers", *arguments)


def listed(store: MemoryStore, *arguments: str) -> list[dict[str, Any]]:
    answer = run(store, "--json", *arguments)
    assert answer.exit_code == 0
    found: list[dict[str, Any]] = json.loads(answer.stdout)
    return found


def test_waiting_timers_come_in_order_of_due_time_overdue_first(store: MemoryStore) -> None:
    found = listed(store)
    assert [each["id"] for each in found] == [timer(4), timer(1), timer(3)]
    assert [each["overdue"] for each in found] == [True, False, False]
    assert found[1] | {"partition": 0} == {
        "service": SERVICE,
        "due": from_milliseconds(DUES[1]),
        "timer": NAME,
        "key": contract(1),
        "command": "ExpireContractOffer",
        "id": timer(1),
        "partition": 0,
        "overdue": False,
    }


@pytest.mark.parametrize(("hours", "expected"), [(0, [4]), (1, [4, 1]), (31, [4, 1, 3, 2]), (301 * 24, [4, 1, 3, 2, 5])])
def test_hours_say_how_far_ahead(store: MemoryStore, hours: int, expected: list[int]) -> None:
    assert [each["id"] for each in listed(store, "--hours", str(hours))] == [timer(number) for number in expected]


def test_a_limit_keeps_the_first(store: MemoryStore) -> None:
    assert [each["id"] for each in listed(store, "--limit", "2")] == [timer(4), timer(1)]


def test_a_service_without_timers_has_none(store: MemoryStore) -> None:
    assert listed(store, "payment") == []
    answer = run(store, "payment")
    assert (answer.exit_code, answer.stdout) == (0, "")


def test_a_service_that_is_not_there_is_wrong_use(store: MemoryStore) -> None:
    assert run(store, "billing").exit_code == 2


def test_a_person_sees_names_and_times(store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(console, "print", lambda *what, **_: shown.extend(what))
    assert run(store, SERVICE).exit_code == 0
    (table,) = shown
    assert [list(column.cells) for column in table.columns][:3] == [
        [SERVICE] * 3,
        [f"{from_milliseconds(DUES[4])} overdue", from_milliseconds(DUES[1]), from_milliseconds(DUES[3])],
        [NAME] * 3,
    ]
