"""The look-up at the registry, over a registry in memory."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from contracts.clear import Clear, Redacted
from contracts.client import CompanyVerificationRequested, RecordRegistryResult, RecordRegistryUnavailable
from contracts.ids import effect_id
from contracts.types import EventId, Purpose, Timestamp
from tests.support.oracle import START
from tests.support.service_story import USER
from tests.unit.services.client.story import (
    COMPANY,
    NAME,
    OWNER,
    SYSTEM,
    Story,
)
from workers.engine.decision import Accepted
from workers.engine.service import Call, Done, Event, Result, Retryable
from workers.services.client.ports import NoAnswer, NotRegistered, Refusal, RegisteredCompany, RegistryAnswer
from workers.services.client.service import SERVICE

(LOOK_UP,) = SERVICE.effects
REQUESTED = CompanyVerificationRequested(company_id=COMPANY, attempt=3, jurisdiction="eg", company_number="204518", legal_name=NAME)


@dataclass
class Registry:
    """Answers as it is told, and shows what it was asked."""

    answer: RegistryAnswer
    erased: bool = False
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def find(self, jurisdiction: str, number: str) -> RegistryAnswer:
        self.asked.append((jurisdiction, number))
        return self.answer

    async def open(self, sealed: str) -> Clear | Redacted:
        return Redacted.ERASED if self.erased else Clear(bytes.fromhex(sealed.rpartition(".")[2]).decode())


def registered(**other: Any) -> RegisteredCompany:
    return replace(RegisteredCompany("NILE DESIGN L.L.C.", "eg", "0204518", inactive=False), **other)


async def looked_up(registry: Registry, *, stale: bool = False) -> Result:
    event = Event(EventId(USER), "client", COMPANY, START, OWNER, REQUESTED)
    assert LOOK_UP.when(event)
    assert LOOK_UP.attempt(event) == 3
    return await LOOK_UP.run(Call(effect_id(event.id, LOOK_UP.name), event, "test", stale=stale), {}, registry)


async def test_what_the_registry_has_is_recorded_and_the_names_compared() -> None:
    registry = Registry(
        registered(
            current_status="Active",
            incorporation_date="1871-03-09",
            registered_address="12 Tahrir Square",
            url="https://opencorporates.com/companies/eg/0204518",
            retrieved_at=Timestamp("2026-01-02T00:00:00.000Z"),
        )
    )
    assert await looked_up(registry) == Done(
        (
            RecordRegistryResult(
                company_id=COMPANY,
                attempt=3,
                found=True,
                name_matches=True,
                name="NILE DESIGN L.L.C.",
                jurisdiction="eg",
                company_number="0204518",
                inactive=False,
                current_status="Active",
                incorporation_date="1871-03-09",
                registered_address="12 Tahrir Square",
                opencorporates_url="https://opencorporates.com/companies/eg/0204518",
                retrieved_at=Timestamp("2026-01-02T00:00:00.000Z"),
            ),
        ),
        reference="https://opencorporates.com/companies/eg/0204518",
    )
    assert registry.asked == [("eg", "204518")]


@pytest.mark.parametrize("inactive", [True, None])
async def test_what_it_does_not_know_stays_unknown(inactive: bool | None) -> None:
    result = await looked_up(Registry(registered(name="Delta LLC", inactive=inactive)))
    assert isinstance(result, Done)
    (record,) = result.commands
    assert isinstance(record, RecordRegistryResult)
    assert (record.name_matches, record.inactive) == (False, inactive)


async def test_long_texts_are_compared_whole_and_recorded_cut() -> None:
    long = registered(name="N" * 300, current_status=" " + "x" * 300, registered_address="y" * 600, url="https://" + "z" * 600)
    result = await looked_up(Registry(long))
    assert isinstance(result, Done)
    (record,) = result.commands
    assert isinstance(record, RecordRegistryResult)
    assert (record.name, record.registered_address, record.opencorporates_url) == ("N" * 200, "y" * 500, None)


async def test_a_number_nobody_has_is_recorded() -> None:
    result = await looked_up(Registry(NotRegistered()))
    assert result == Done((RecordRegistryResult(company_id=COMPANY, attempt=3, found=False, name_matches=False),))


async def test_a_registry_that_does_not_answer_is_asked_for_a_day() -> None:
    silent = NoAnswer("quota_exceeded", "403", 600.0)
    assert await looked_up(Registry(silent)) == Retryable("403", 600.0)
    unavailable = RecordRegistryUnavailable(company_id=COMPANY, attempt=3, code="quota_exceeded")
    assert await looked_up(Registry(silent), stale=True) == Done((unavailable,))
    assert LOOK_UP.key_lifetime.total_seconds() == 24 * 3600
    assert LOOK_UP.repeatable


async def test_a_registry_that_refuses_is_asked_once() -> None:
    unavailable = RecordRegistryUnavailable(company_id=COMPANY, attempt=3, code="unauthorized")
    assert await looked_up(Registry(Refusal("unauthorized"))) == Done((unavailable,))


async def test_of_somebody_erased_nothing_is_asked() -> None:
    registry = Registry(registered(), erased=True)
    assert await looked_up(registry) == Done()
    assert registry.asked == []


async def test_the_name_is_all_it_opens() -> None:
    assert LOOK_UP.name == "client.registry-lookup"
    assert LOOK_UP.opens == frozenset({Purpose.SUBJECT})
    assert not LOOK_UP.seals


@pytest.mark.parametrize("answer", [registered(), registered(inactive=True), NotRegistered(), Refusal("forbidden")])
async def test_every_answer_is_one_the_company_takes(answer: RegistryAnswer) -> None:
    story = Story().registered()
    event = Event(EventId(USER), "client", COMPANY, START, OWNER, story.last)
    result = await LOOK_UP.run(Call(effect_id(event.id, LOOK_UP.name), event, "test"), {}, Registry(answer))
    assert isinstance(result, Done)
    (command,) = result.commands
    assert isinstance(story.send(command, SYSTEM), Accepted)
