"""The whole way of a contract, and its reactions; any order and any repetition end in a state that holds together."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.client import ContractClientConfirmed, ContractClientRefused
from contracts.contract import events
from contracts.contract.commands import (
    CancelContract,
    CompleteContract,
    ExpireContractOffer,
    RecallContract,
    RefreshContractParties,
    RemindContractSigning,
    SendContract,
    UpdateContractDraft,
)
from contracts.contract.values import Party
from contracts.contractor import ContractContractorConfirmed, ContractContractorRefused
from contracts.message import EventData
from contracts.timestamps import end_of, plus
from tests.support.oracle import START
from tests.support.reacting import sent_on
from tests.unit.services.contract.story import (
    CLIENT_ID,
    CLIENT_NAME,
    CLIENT_USER,
    COMPANY,
    CONTRACT_ID,
    CONTRACTOR,
    CONTRACTOR_ID,
    CONTRACTOR_NAME,
    CONTRACTOR_USER,
    SYSTEM,
    Story,
    confirming,
    drafting,
    refusing,
    signing,
)
from workers.engine.decision import Accepted
from workers.engine.service import Send
from workers.services.contract.contract import OFFERED, Contract, Status
from workers.services.contract.service import SERVICE

COMPLETE = CompleteContract(contract_id=CONTRACT_ID)
SENDING = SendContract(contract_id=CONTRACT_ID)


def test_a_contract_from_draft_to_end() -> None:
    story = Story().active()
    story.send(COMPLETE, SYSTEM, end_of("2026-07-31"))
    assert [type(event) for event in story.oracle.events] == [
        events.ContractTemplatePublished,
        events.ContractDrafted,
        events.ContractPartyCheckRequested,
        events.ContractPartyRecorded,
        events.ContractPartyRecorded,
        events.ContractPdfRequested,
        events.ContractSent,
        events.ContractSigned,
        events.ContractSigned,
        events.ContractActivated,
        events.ContractCompleted,
    ]
    assert Contract.from_item(story.contract.to_item()) == story.contract


# --- reactions -----------------------------------------------------------------------------------------------------

ASKED: dict[str, Any] = {"contract_id": CONTRACT_ID, "check_no": 1}


@pytest.mark.parametrize(
    ("data", "command"),
    [
        (
            ContractClientConfirmed(**ASKED, client_id=CLIENT_ID, user_id=CLIENT_USER, name=CLIENT_NAME, country="EG", verified=True),
            confirming(Party.CLIENT),
        ),
        (
            ContractContractorConfirmed(
                **ASKED, contractor_id=CONTRACTOR_ID, user_id=CONTRACTOR_USER, name=CONTRACTOR_NAME, country="PL", verified=False
            ),
            confirming(Party.CONTRACTOR, verified=False),
        ),
        (ContractClientRefused(**ASKED, client_id=CLIENT_ID, reason="erased"), refusing(Party.CLIENT)),
        (ContractContractorRefused(**ASKED, contractor_id=CONTRACTOR_ID, reason="erased"), refusing(Party.CONTRACTOR)),
    ],
)
def test_an_answer_is_recorded_with_the_contract(data: EventData, command: Any) -> None:
    assert sent_on(SERVICE, data) == [Send(command)]


# --- any order, any repetition -------------------------------------------------------------------------------------

MOVES: list[tuple[Any, str]] = [
    (drafting(), COMPANY),
    (UpdateContractDraft(contract_id=CONTRACT_ID, rate=200_000), COMPANY),
    (UpdateContractDraft(contract_id=CONTRACT_ID, title="Shop"), COMPANY),
    (RefreshContractParties(contract_id=CONTRACT_ID), COMPANY),
    (SENDING, COMPANY),
    (signing(Party.CLIENT), COMPANY),
    (signing(Party.CONTRACTOR), CONTRACTOR),
    (RecallContract(contract_id=CONTRACT_ID, reason="Again"), COMPANY),
    (CancelContract(contract_id=CONTRACT_ID, reason="No"), CONTRACTOR),
    (RemindContractSigning(contract_id=CONTRACT_ID), SYSTEM),
    (ExpireContractOffer(contract_id=CONTRACT_ID), SYSTEM),
    (COMPLETE, COMPANY),
    *[(confirming(party, check), SYSTEM) for party in Party for check in (1, 2)],
]
RENDERED = "the renderer answers the last request"


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([*MOVES, RENDERED]), st.integers(0, 40)), max_size=25))
def test_no_order_of_commands_breaks_a_contract(moves: list[tuple[Any, int]]) -> None:
    story, day = Story().drafted().confirmed(), 0
    for move, days in moves:
        day += days
        if move == RENDERED:
            if story.oracle.emitted(events.ContractPdfRequested):
                story.send(story.recording(), at=plus(START, days=day))
        else:
            command, actor = move
            story.send(command, actor, plus(START, days=day))
        _holds_together(story)


def _holds_together(story: Story) -> None:
    contract = story.contract
    signed = {party for party in Party if contract.signatures.of(party)}
    offered = contract.status in OFFERED
    assert (contract.status is Status.ACTIVE) <= (len(signed) == 2)
    assert (contract.status in (Status.DRAFT, Status.PENDING)) <= (not signed)
    assert offered <= (contract.content_sha256 == contract.digest())
    expired = contract.cancel_reason == "not_signed_in_time"
    assert (("contract-signing-deadline", CONTRACT_ID) in story.oracle.timers) == (offered or expired)
    assert len(story.oracle.emitted(events.ContractActivated)) <= 1


@pytest.mark.parametrize("index", range(len(MOVES)))
def test_a_command_published_twice_changes_nothing_the_second_time(index: int) -> None:
    data, actor = MOVES[index]
    for story in (Story().drafted().confirmed(), Story().offered(), Story().half_signed(), Story().active()):
        story.send(data, actor)
        before = story.contract
        if isinstance(data, RefreshContractParties):
            continue  # each one asks again; answers to former ones no longer count
        assert not isinstance(story.send(data, actor), Accepted)
        assert story.contract == before
