"""From the registration to the verdict: commands and effects on the engine, the adapter, and the fake registry."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from contracts.clear import Clear, Redacted
from contracts.timestamps import to_milliseconds
from contracts.topics import commands_topic
from contracts.types import Timestamp
from tests.support.process import Plant, plant
from tests.support.under_faults import outgoing
from tests.support.waiting import eventually
from tests.unit.services.client.story import COMPANY, OWNER, registering
from workers.adapters.opencorporates import OpenCorporates
from workers.engine.calling import TRIES_A_CLAIM
from workers.engine.ledger import EFFECTS, LEASE
from workers.engine.runtime import RoleName
from workers.ops.fakes.opencorporates import TOKEN, Fault, OpenCorporatesFake
from workers.services.client.service import SERVICE
from workers.services.client.state import CLIENTS

COMMANDS = commands_topic("client")
DAY = 24 * 3600


class Reader:
    """Opens what the story sealed."""

    async def open(self, sealed: str) -> Clear | Redacted:
        return Clear(bytes.fromhex(sealed.rpartition(".")[2]).decode())


@asynccontextmanager
async def registered(fake: OpenCorporatesFake) -> AsyncIterator[Plant]:
    port = OpenCorporates(TOKEN, Reader(), transport=httpx.ASGITransport(fake))
    async with port, plant(SERVICE, ports={"opencorporates": port}) as made:
        made.start()
        made.start(RoleName.EFFECTS)
        await made.send(COMMANDS, [outgoing(registering(), OWNER, "registering")])
        yield made


def row(made: Plant) -> dict[str, Any]:
    return dict(made.store.items.get(CLIENTS.root(COMPANY), {}))


async def settled(made: Plant) -> dict[str, Any]:
    """The row, once somebody or something has decided, or has to."""
    await eventually(lambda: row(made).get("verificationStatus", "pending") != "pending" or "reviewState" in row(made))
    return row(made)


def put_off(made: Plant) -> bool:
    """The look-up is to be taken up again later than any try's own pause or lease would be."""
    (effect,) = [item for ref, item in made.store.items.items() if ref.table == EFFECTS] or [{}]
    return effect.get("state") == "planned" and to_milliseconds(Timestamp(effect["dueAt"])) > made.clock.now() + LEASE


def registry() -> OpenCorporatesFake:
    fake = OpenCorporatesFake()
    fake.register("eg", "204518", "NILE DESIGN L.L.C.")
    return fake


@pytest.mark.parametrize("trouble", [None, Fault.RATE_LIMITED, Fault.QUOTA, Fault.SERVER_ERROR, Fault.OUT_OF_SERVICE])
async def test_a_company_is_verified_whatever_the_registry_stumbles_over(trouble: Fault | None) -> None:
    fake = registry()
    if trouble:
        fake.fail(trouble, times=3)
    async with registered(fake) as made:
        found = await settled(made)
    assert (found["verificationStatus"], found["businessRegistryData"]["name"]) == ("verified", "NILE DESIGN L.L.C.")
    assert fake.calls["eg/204518"] == (4 if trouble else 1)


async def test_a_dissolved_company_is_rejected() -> None:
    fake = registry()
    fake.dissolve("eg", "204518")
    async with registered(fake) as made:
        found = await settled(made)
    assert (found["verificationStatus"], found["verificationReason"]) == ("rejected", "company_inactive")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [(Fault.FORBIDDEN, "forbidden"), (Fault.BROKEN, "malformed_answer"), (Fault.WEB_PAGE, "malformed_answer")],
)
async def test_what_waiting_does_not_mend_is_for_people_at_once(fault: Fault, reason: str) -> None:
    fake = registry()
    fake.fail(fault)
    async with registered(fake) as made:
        found = await settled(made)
    assert (found["verificationStatus"], found["reviewState"], found["verificationReason"]) == ("pending", "manual", reason)
    assert fake.calls["eg/204518"] == 1


async def test_a_used_up_quota_is_waited_for_a_day_and_no_longer() -> None:
    fake = registry()
    fake.fail(Fault.QUOTA, times=1000)
    async with registered(fake) as made:
        for claims in (1, 2, 3):
            await eventually(lambda: put_off(made))
            assert fake.calls["eg/204518"] == claims * TRIES_A_CLAIM
            assert "reviewState" not in row(made)
            made.clock.advance(DAY / 4)
        made.clock.advance(DAY / 2)
        found = await settled(made)
    assert (found["reviewState"], found["verificationReason"]) == ("manual", "quota_exceeded")
