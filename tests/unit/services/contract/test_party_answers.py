"""A check of a party is answered once: a party asked twice may say two things."""

from contracts.contract.commands import RefreshContractParties
from contracts.contract.values import Party
from tests.unit.services.contract.story import COMPANY, CONTRACT_ID, Story, confirming, refusing
from workers.engine.decision import UNCHANGED


def test_the_first_answer_to_a_check_stands() -> None:
    story = Story().drafted()
    story.send(refusing(Party.CONTRACTOR))
    assert story.send(confirming(Party.CONTRACTOR)) is UNCHANGED
    assert story.contract.parties.contractor is not None
    assert not story.contract.parties.contractor.ok


def test_the_next_check_is_answered_anew() -> None:
    story = Story().drafted()
    story.send(refusing(Party.CONTRACTOR))
    story.send(RefreshContractParties(contract_id=CONTRACT_ID), COMPANY)
    story.send(confirming(Party.CONTRACTOR, check_no=2))
    assert story.contract.parties.contractor is not None
    assert story.contract.parties.contractor.ok
