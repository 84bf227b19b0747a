"""Addresses that get no more mail."""

import pytest

from contracts.notification.commands import LiftSuppression, SuppressAddress
from contracts.notification.events import AddressSuppressed, AddressSuppressionLifted
from contracts.notification.values import SuppressionReason
from contracts.timestamps import plus
from contracts.types import CommandId
from tests.support.oracle import START, Oracle
from tests.unit.services.notification.people import ADMIN, EMAIL_HASH, SANA, SOURCE
from workers.engine.decision import UNCHANGED, Accepted, Refused
from workers.services.notification.service import SERVICE
from workers.services.notification.suppression import Suppression, suppression_ref

BOUNCE, COMPLAINT, MANUAL = SuppressionReason.HARD_BOUNCE, SuppressionReason.COMPLAINT, SuppressionReason.MANUAL


def suppress(reason: SuppressionReason) -> SuppressAddress:
    return SuppressAddress(address_hash=EMAIL_HASH, reason=reason, recipient_id=SANA)


def lift(reason: str | None = None) -> LiftSuppression:
    return LiftSuppression(address_hash=EMAIL_HASH, reason=reason)


def known(run: Oracle) -> Suppression:
    return Suppression.from_item(run.items[suppression_ref(EMAIL_HASH)])


def test_an_address_is_suppressed_under_its_own_item() -> None:
    run = Oracle(SERVICE)
    run.send(suppress(BOUNCE), id=CommandId(SOURCE))
    assert run.events == [AddressSuppressed(address_hash=EMAIL_HASH, recipient_id=SANA, reason=BOUNCE)]
    item = run.items[suppression_ref(EMAIL_HASH)]
    assert (item["id"], item["reason"], item["since"]) == (f"SUPPRESS#{EMAIL_HASH}", "hard_bounce", START)


@pytest.mark.parametrize(
    ("first", "second", "ends"), [(BOUNCE, COMPLAINT, COMPLAINT), (COMPLAINT, BOUNCE, COMPLAINT), (BOUNCE, BOUNCE, BOUNCE)]
)
def test_only_a_stronger_reason_replaces_one(first: SuppressionReason, second: SuppressionReason, ends: SuppressionReason) -> None:
    run = Oracle(SERVICE)
    run.send(suppress(first))
    run.send(suppress(second), at=plus(START, days=1))
    assert (known(run).reason, known(run).since) == (ends, START)


def test_lifting_empties_the_item() -> None:
    run = Oracle(SERVICE)
    run.send(suppress(BOUNCE))
    assert isinstance(run.send(lift(), actor=ADMIN), Accepted)
    assert run.events[1:] == [AddressSuppressionLifted(address_hash=EMAIL_HASH)]
    assert (known(run).reason, known(run).recipient_id, known(run).since) == (None, None, None)
    assert run.send(lift(), actor=ADMIN) is UNCHANGED


def test_old_commands_published_again_undo_nothing() -> None:
    run = Oracle(SERVICE)
    bounced, lifted = CommandId(SOURCE), CommandId("00000000-0000-4000-8000-000000000001")
    run.send(suppress(BOUNCE), id=bounced)
    run.send(lift(), actor=ADMIN, id=lifted)
    assert run.send(suppress(BOUNCE), id=bounced) is UNCHANGED
    run.send(suppress(BOUNCE))
    assert run.send(lift(), actor=ADMIN, id=lifted) is UNCHANGED
    assert known(run).reason is BOUNCE


def test_refusals() -> None:
    run = Oracle(SERVICE)
    assert run.send(lift(), actor=ADMIN) == Refused("not_found")
    assert run.send(suppress(MANUAL)) == Refused("forbidden")
    assert isinstance(run.send(suppress(MANUAL), actor=ADMIN), Accepted)
    assert run.send(lift()) == Refused("forbidden")
    run.send(suppress(COMPLAINT))
    assert run.send(lift(), actor=ADMIN) == Refused("reason_required")
    assert isinstance(run.send(lift("asked for it by telephone"), actor=ADMIN), Accepted)
