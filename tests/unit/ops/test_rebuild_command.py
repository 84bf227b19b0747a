"""``mindlinks rebuild`` before it has read anything: are its tables there."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from schemas.registry import tables_of
from schemas.table import Owner
from tests.support.command_context import CommandContext, invoked
from workers.adapters.dynamodb_differences import Difference, DifferenceKind
from workers.engine.bookmarks import AUDIT
from workers.engine.decision import Item, ItemRef
from workers.engine.memory import MemoryStore
from workers.engine.parking import PARKED
from workers.engine.ports import StoreMisconfigured
from workers.engine.quarantine import FAILURES
from workers.ops import declared
from workers.ops.rebuild import commands
from workers.ops.rebuild.commands import Report, Request
from workers.ops.rebuild.rerun import Rerun
from workers.ops.rebuild.shelf import Waits
from workers.ops.terminal import console
from workers.settings import Settings

TABLES = [table.name for table in tables_of(Owner.PAYMENT)]
WHY = ("--restore", "--why", "tables deleted")


class Lacking(MemoryStore):
    """DynamoDB has one answer for every way in which it can't get at a table."""

    def __init__(self, *lacking: str) -> None:
        super().__init__()
        self.lacking = lacking

    async def get(self, refs: Sequence[ItemRef]) -> Mapping[ItemRef, Item]:
        if any(ref.table in self.lacking for ref in refs):
            raise StoreMisconfigured("ResourceNotFoundException: Cannot do operations on a non-existent table")
        return await super().get(refs)


class Read(Exception):
    """The log was begun."""


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a person reads. No log is read: whoever begins to is stopped."""
    lines: list[str] = []

    async def begins(*_: object) -> None:
        raise Read

    monkeypatch.setattr(console, "print", lambda *what, **_: lines.extend(map(str, what)))
    monkeypatch.setattr(Rerun, "catch_up", begins)
    return lines


def differ(monkeypatch: pytest.MonkeyPatch, *missing: str) -> None:
    async def found(settings: Settings) -> list[Any]:
        others = [Difference(DifferenceKind.MISSING_INDEX, f"{settings.environment}-{TABLES[0]}", "an-index")]
        absent = (f"{settings.environment}-{name}" for name in missing)
        return others + [Difference(DifferenceKind.MISSING_TABLE, table, declared="a table") for table in absent]

    monkeypatch.setattr(declared, "diff_tables", found)


def rebuilt(store: MemoryStore, *arguments: str) -> int:
    code: int = invoked(commands.add, CommandContext(store), "rebuild", "payment", *arguments).exit_code
    return code


@pytest.mark.parametrize("arguments", [(), ("--json",), WHY])
def test_missing_tables_are_named_with_the_way_back(said: list[str], monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]) -> None:
    differ(monkeypatch, *TABLES, "lead-contacts")
    assert rebuilt(Lacking(*TABLES), *arguments) == 1
    (line,) = said
    environment = Settings().environment
    assert all(f"{environment}-{name}" in line for name in TABLES)
    assert "lead-contacts" not in line, "another service's are not in its way"
    for words in (
        "`mindlinks tables apply`",
        "`mindlinks rebuild payment --restore --why ...`",
        "The log was not read",
        "MINDLINKS_ENVIRONMENT",
    ):
        assert words in line


def test_the_audit_trail_is_needed_by_whoever_writes_alone(said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    differ(monkeypatch, AUDIT)
    assert rebuilt(Lacking(AUDIT)) == 1
    assert said == ["Read: "]
    assert rebuilt(Lacking(AUDIT), *WHY) == 1
    assert f"-{AUDIT}. " in said[-1]


@pytest.mark.parametrize("lacking", [PARKED, FAILURES])
def test_what_waits_and_what_is_in_quarantine_must_be_known(said: list[str], monkeypatch: pytest.MonkeyPatch, lacking: str) -> None:
    differ(monkeypatch, lacking)
    assert rebuilt(Lacking(lacking)) == 1
    assert f"-{lacking}. " in said[-1]


def reported(waits: Waits, **refused: str) -> Report:
    return Report(verdicts={"applied": 3}, rows=4, drifts=[], repaired=[], refused=refused, published=0, restored=4, waits=waits)


def test_what_waits_is_told_and_no_fault(said: list[str]) -> None:
    report = reported(Waits(5, 1))
    commands._show(Request("payment"), report)
    assert said[1].startswith("waits: 5 commands of 1 key not yet processed")
    assert (report.healthy, report.told()["waits"]) == (True, {"commands": 5, "keys": 1})


def test_a_key_that_is_refused_is_told_and_a_fault(said: list[str]) -> None:
    report = reported(Waits(), key="the world was told otherwise")
    commands._show(Request("payment", restore=True), report)
    assert said[1:3] == ["4 rows restored", "not repaired: key: the world was told otherwise"]
    assert said[3].endswith("; 1 key not put back: start no worker")
    assert not report.healthy


def test_a_table_that_is_there_and_may_not_be_read_is_not_called_missing(said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    differ(monkeypatch)
    assert rebuilt(Lacking(TABLES[-1])) == 1
    assert said[0].startswith("StoreMisconfigured: ResourceNotFoundException")


def test_with_its_tables_it_reads_the_log(said: list[str]) -> None:
    assert rebuilt(MemoryStore()) == 1
    assert said == ["Read: "]
