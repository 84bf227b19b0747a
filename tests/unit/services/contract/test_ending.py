"""Cancelled, not signed in time, completed."""

import pytest

from contracts.contract.commands import CancelContract, CompleteContract, ExpireContractOffer, NoticeContractEnding
from contracts.contract.events import ContractCancelled, ContractCompleted, ContractEndingSoon
from contracts.contract.values import Ender, Party
from contracts.timestamps import end_of, plus
from tests.support.oracle import START
from tests.support.service_story import ADMIN
from tests.unit.services.contract.story import (
    CLIENT_ID,
    COMPANY,
    CONTRACT_ID,
    CONTRACTOR,
    CONTRACTOR_ID,
    STRANGER,
    SYSTEM,
    Story,
    signing,
)
from tests.unit.services.contract.test_signing import ABOUT, SIGN_BY
from workers.engine.decision import UNCHANGED, Accepted, Refused
from workers.services.contract.contract import Status

CANCEL = CancelContract(contract_id=CONTRACT_ID, reason="No budget")
EXPIRE = ExpireContractOffer(contract_id=CONTRACT_ID)
COMPLETE = CompleteContract(contract_id=CONTRACT_ID)
NOTICE = NoticeContractEnding(contract_id=CONTRACT_ID)
END = end_of("2026-07-31")


@pytest.mark.parametrize(
    ("story", "actor", "by", "was_active"),
    [
        (Story().drafted().confirmed(), COMPANY, Ender.CLIENT, False),
        (Story().requested(), CONTRACTOR, Ender.CONTRACTOR, False),
        (Story().offered(), ADMIN, Ender.ADMIN, False),
        (Story().half_signed(), CONTRACTOR, Ender.CONTRACTOR, False),
        (Story().active(), COMPANY, Ender.CLIENT, True),
    ],
)
def test_either_party_or_an_admin_cancels(story: Story, actor: str, by: Ender, was_active: bool) -> None:
    story.send(CANCEL, actor)
    assert story.oracle.events[-1] == ContractCancelled(**ABOUT, by=by, reason="No budget", was_active=was_active)
    assert story.oracle.timers == {}
    contract = story.contract
    assert (contract.status, contract.cancel_reason, contract.ended_by) == (Status.CANCELLED, "No budget", by)
    assert story.send(CANCEL, actor) == UNCHANGED


def test_a_draft_of_unknown_parties_is_cancelled_without_their_names() -> None:
    story = Story().drafted()
    story.send(CANCEL, COMPANY)
    assert story.oracle.events[-1] == ContractCancelled(
        contract_id=CONTRACT_ID,
        client_id=CLIENT_ID,
        contractor_id=CONTRACTOR_ID,
        title="Online shop",
        by=Ender.CLIENT,
        reason="No budget",
        was_active=False,
    )


def test_nobody_else_cancels_and_nothing_twice() -> None:
    assert Story().send(CANCEL, COMPANY) == Refused("not_found")
    assert Story().drafted().send(CANCEL, f"contractor:{STRANGER}") == Refused("forbidden")
    assert Story().drafted().send(CANCEL, SYSTEM) == Refused("forbidden")
    story = Story().active()
    story.send(COMPLETE, COMPANY)
    assert story.send(CANCEL, COMPANY) == Refused("invalid_state")


# --- the deadline --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("story", [Story().offered(), Story().half_signed()])
def test_an_offer_expires_at_its_deadline(story: Story) -> None:
    assert story.send(EXPIRE, at=plus(SIGN_BY, seconds=-1)) == UNCHANGED
    story.send(EXPIRE, at=SIGN_BY)
    assert story.oracle.events[-1] == ContractCancelled(**ABOUT, by=Ender.SYSTEM, reason="not_signed_in_time", was_active=False)
    assert story.send(EXPIRE, at=SIGN_BY) == UNCHANGED
    assert story.send(signing(Party.CLIENT), COMPANY) == Refused("invalid_state")


@pytest.mark.parametrize("story", [Story().requested(), Story().active()])
def test_what_is_not_out_does_not_expire(story: Story) -> None:
    assert story.send(EXPIRE, at=SIGN_BY) == UNCHANGED


# --- completed -----------------------------------------------------------------------------------------------------


def test_the_client_completes_at_any_time() -> None:
    story = Story().active()
    story.send(COMPLETE, COMPANY)
    assert story.oracle.events[-1] == ContractCompleted(**ABOUT, by=Ender.CLIENT)
    assert story.oracle.timers == {}
    assert story.send(COMPLETE, COMPANY) == UNCHANGED
    assert story.send(COMPLETE, at=END) == UNCHANGED


def test_the_end_date_completes_when_it_is_over() -> None:
    story = Story().active()
    assert story.send(COMPLETE, at=plus(END, seconds=-1)) == UNCHANGED
    story.send(COMPLETE, at=END)
    assert story.oracle.events[-1] == ContractCompleted(**ABOUT, by=Ender.SYSTEM)
    assert story.contract.status is Status.COMPLETED


def test_only_an_active_contract_completes() -> None:
    assert Story().send(COMPLETE, COMPANY) == Refused("not_found")
    assert Story().active().send(COMPLETE, CONTRACTOR) == Refused("forbidden")
    assert Story().half_signed().send(COMPLETE, COMPANY) == Refused("invalid_state")
    assert Story().half_signed().send(COMPLETE, at=END) == UNCHANGED
    assert Story().active(end_date=None).send(COMPLETE, at=END) == UNCHANGED


def test_the_end_is_noticed_once() -> None:
    story = Story().active()
    due = plus(END, days=-7)
    assert story.send(NOTICE, at=plus(due, seconds=-1)) == UNCHANGED
    assert isinstance(story.send(NOTICE, at=due), Accepted)
    assert story.oracle.events[-1] == ContractEndingSoon(**ABOUT, end_date="2026-07-31")
    assert story.send(NOTICE, at=END) == UNCHANGED


@pytest.mark.parametrize("story", [Story().half_signed(), Story().active(end_date=None)])
def test_no_notice_of_what_has_no_end(story: Story) -> None:
    assert story.send(NOTICE, at=END) == UNCHANGED


@pytest.mark.parametrize("timer", [EXPIRE, NOTICE])
def test_timers_come_from_our_own_senders(timer: ExpireContractOffer) -> None:
    assert Story().send(timer, at=START) == Refused("not_found")
    assert Story().active().send(timer, COMPANY) == Refused("forbidden")
