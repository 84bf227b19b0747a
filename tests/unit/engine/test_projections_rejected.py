"""A projection's row that the store will never take: what an operator sees is what the runbook says, and the mended fold loses nothing."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
import yaml

from contracts.notification.events import NotificationsRead
from contracts.position import Origin, Position
from contracts.topics import events_topic
from tests.support import toy
from tests.support.process import Plant, plant
from tests.support.waiting import eventually
from workers.engine.decision import Item
from workers.engine.metrics import GAUGES
from workers.engine.partitioner import partition_of
from workers.engine.projections import RejectedProjection
from workers.engine.resuming import RESUMABLE
from workers.engine.runtime import RoleName
from workers.engine.service import Change, Event, Projection

ROOT = Path(__file__).parents[3]
GROUP, EVENTS = "notification-projections", events_topic("notification")
TITLE = "## Runbook: a projections role stops at a row"
GROWN = "x" * 500_000


def growing(event: Event[NotificationsRead]) -> Sequence[Change]:
    """The toy's sums, but for a bug: the key's own row lists what nothing bounds."""
    own, everything = toy.sums(event)

    def fold(item: Item | None, shard: str) -> Item:
        return {**own.fold(item, shard), "list": GROWN}

    return [replace(own, fold=fold), everything]


GROWING = replace(toy.SERVICE, projections=(Projection(NotificationsRead, toy.TABLE, growing),))


async def stopped(made: Plant) -> str:
    process = made.start(RoleName.PROJECTIONS)
    await eventually(lambda: process.role.failure)
    with pytest.raises(RejectedProjection) as raised:
        await process.stop()
    made.processes.remove(process)
    return str(raised.value)


def runbook() -> str:
    """Its section, each run of blanks as one."""
    page = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    assert TITLE in page
    return " ".join(page.partition(TITLE)[2].partition("\n## ")[0].split())


async def test_a_new_process_stops_at_the_same_row_and_a_mended_fold_loses_nothing() -> None:
    async with plant(GROWING) as made:
        key = str(uuid4())
        where = Origin(f"commands/{partition_of(key.encode(), 8)}")
        await made.send(EVENTS, [toy.event_record(toy.read_event(key), key, Position(where, offset)) for offset in range(20)])
        for said in [await stopped(made), await stopped(made)]:
            assert f"SUM#{key}" in said, "the row is named"
            assert "item above 400 KB" in said
        assert made.open(GROUP, EVENTS) == 20
        made.service = toy.SERVICE
        mended = made.start(RoleName.PROJECTIONS)
        await made.until_settled(GROUP, EVENTS)
        await mended.stop()
        sums = [item["sum"] for ref, item in made.store.items.items() if ref.key.startswith("SUM#")]
        assert sums == [20, 20]


async def test_the_runbook_quotes_the_error() -> None:
    async with plant(GROWING) as made:
        key = str(uuid4())
        await made.send(EVENTS, [toy.event_record(toy.read_event(key), key, Position(Origin("commands/0"), 0))])
        said = await stopped(made)
    assert str(RejectedProjection.__doc__) in said
    quoted = re.search(r"analytics-projections: (ItemRef\(table='[\w-]+', key='\S+', range=None\)): [^.]+\. (.*?) ```", runbook())
    assert quoted, "no such line"
    assert quoted[2] == " ".join(str(RejectedProjection.__doc__).split())
    assert re.match(r"ItemRef\(table='[\w-]+', key='\S+', range=None\): ", said)


def test_the_runbook_names_alert_metric_and_why_resume_is_no_way() -> None:
    alerts = yaml.safe_load((ROOT / "deploy/dashboards/alerts.yaml").read_text(encoding="utf-8"))
    names = {rule["alert"] for group in alerts["groups"] for rule in group["rules"]}
    said = runbook()
    assert {"RoleStopped"} <= names & set(re.findall(r"`(\w+)`", said))
    assert "role_failed" in GAUGES
    assert "mindlinks_role_failed" in said
    assert not issubclass(RejectedProjection, RESUMABLE)
    assert "`mindlinks resume` does nothing" in said
