"""Requests, appointments and subscriptions on the engine under faults."""

from random import Random

import pytest

from contracts.lead import ContactStatus, ConvertContact, UnsubscribedVia
from contracts.message import CommandData
from tests.support.service_story import ADMIN, USER, after
from tests.support.under_faults import assert_ends_as_without_faults, numbered
from tests.unit.services.lead.story import (
    CANCELLING,
    COMPLETING,
    CONTACT,
    PUBLIC,
    REQUESTING,
    SUBMITTING,
    SYSTEM,
    advancing,
    confirming,
    leaving,
    noting,
    scheduling,
    subscribing,
)
from workers.services.lead.service import SERVICE

STEPS: list[tuple[CommandData, str]] = [
    (SUBMITTING, PUBLIC),
    (advancing(ContactStatus.CONTACTED), ADMIN),
    (advancing(ContactStatus.QUALIFIED), PUBLIC),
    (ConvertContact(contact_id=CONTACT, user_id=USER), SYSTEM),
    (REQUESTING, PUBLIC),
    (scheduling(), ADMIN),
    (scheduling(after(days=20)), ADMIN),
    (noting("one"), ADMIN),
    (COMPLETING, ADMIN),
    (CANCELLING, ADMIN),
    (subscribing("a"), PUBLIC),
    (subscribing("b"), PUBLIC),
    (confirming("a"), PUBLIC),
    (confirming("b"), PUBLIC),
    (leaving(UnsubscribedVia.HEADER, "a"), PUBLIC),
    (leaving(UnsubscribedVia.SUPPRESSION), SYSTEM),
]


@pytest.mark.parametrize("seed", range(5))
async def test_under_faults_it_ends_as_without(seed: int) -> None:
    await assert_ends_as_without_faults(SERVICE, numbered(Random(seed).choices(STEPS, k=60)), seed)
