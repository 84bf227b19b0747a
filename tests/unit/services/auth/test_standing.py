"""Suspended, reinstated, inactive."""

from typing import Any

import pytest

from contracts.auth import ReinstateUser, UserDeactivated, UserReinstated, UserSuspended
from contracts.ids import within
from contracts.types import CommandId
from tests.support.service_story import ADMIN, USER, after
from tests.unit.services.auth.story import (
    DEACTIVATING,
    OWNER,
    STRANGER,
    SUSPENDING,
    SYSTEM,
    Story,
)
from workers.engine.decision import UNCHANGED, Refused
from workers.services.auth.user import Status

FIRST, SECOND = CommandId(within(USER, "first")), CommandId(within(USER, "second"))
REINSTATING = ReinstateUser(user_id=USER)


def test_an_admin_suspends_and_reinstates() -> None:
    story = Story().verified()
    story.send(SUSPENDING, ADMIN, after(days=1))
    assert story.last == UserSuspended(user_id=USER, reason="Under investigation")
    assert (story.user.status, story.user.sessions_valid_from) == (Status.SUSPENDED, after(days=1))
    assert story.send(SUSPENDING, ADMIN) == UNCHANGED
    story.send(REINSTATING, ADMIN)
    assert story.last == UserReinstated(user_id=USER)
    assert story.user.status is Status.ACTIVE
    assert story.send(REINSTATING, ADMIN) == UNCHANGED


def test_an_old_verdict_published_again_undoes_no_newer() -> None:
    story = Story().verified()
    story.send(SUSPENDING, ADMIN, command=FIRST)
    story.send(REINSTATING, ADMIN, command=SECOND)
    assert story.send(SUSPENDING, ADMIN, command=FIRST) == UNCHANGED
    story.send(SUSPENDING, ADMIN)
    assert story.send(REINSTATING, ADMIN, command=SECOND) == UNCHANGED


@pytest.mark.parametrize("actor", [OWNER, ADMIN])
def test_inactive_is_final(actor: str) -> None:
    story = Story().verified()
    story.send(DEACTIVATING, actor, after(days=1))
    assert story.last == UserDeactivated(user_id=USER)
    assert (story.user.status, story.user.sessions_valid_from) == (Status.INACTIVE, after(days=1))
    assert story.send(DEACTIVATING, actor) == UNCHANGED
    assert story.send(REINSTATING, ADMIN) == Refused("invalid_state")
    assert story.send(SUSPENDING, ADMIN) == Refused("invalid_state")


def test_the_suspended_may_leave() -> None:
    story = Story().verified()
    story.send(SUSPENDING, ADMIN)
    story.send(DEACTIVATING)
    assert story.user.status is Status.INACTIVE


@pytest.mark.parametrize(
    ("command", "actors"), [(SUSPENDING, (OWNER, SYSTEM)), (REINSTATING, (OWNER, SYSTEM)), (DEACTIVATING, (STRANGER, SYSTEM))]
)
def test_standing_is_refused(command: Any, actors: tuple[str, ...]) -> None:
    assert Story().send(command, ADMIN) == Refused("not_found")
    assert Story().gone().send(command, ADMIN) == Refused("erased")
    for actor in actors:
        assert Story().verified().send(command, actor) == Refused("forbidden")
