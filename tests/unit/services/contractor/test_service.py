"""contractor as declared: every kind has its place, every reaction sends its command; on the engine, faults change nothing."""

from random import Random
from typing import Any

import pytest

from contracts.auth import ErasureRequested
from contracts.catalogue import event_models
from contracts.client import InvitationAccepted
from contracts.contract.events import ContractActivated, ContractPartyCheckRequested
from contracts.contractor import (
    ApplyKycOutcome,
    ConfirmContractContractor,
    EraseContractor,
    KycOutcome,
    LinkContractorToClient,
    NoteContractClosed,
    NoteContractOpened,
    RecordBankDetailsFailed,
    RecordBankDetailsSynced,
    RecordPayoutReadiness,
)
from contracts.kyc import KycSessionExpired, KycSessionFailed, KycSessionRejected, KycSessionVerified
from contracts.message import CommandData, EventData
from contracts.payment.events import EscrowClosed, PayeeBankFailed, PayeeBankSynced, PayeeBlocked, PayeeReady
from tests.contracts.test_examples import example
from tests.support.reacting import sent_on
from tests.support.service_story import ADMIN
from tests.support.under_faults import assert_ends_as_without_faults, numbered, outgoing
from tests.unit.services.contractor.story import (
    CONFIRMING,
    ERASING,
    EXPIRED,
    FIRST,
    OWNER,
    REJECTED,
    REQUESTING,
    SECOND,
    SYSTEM,
    VERIFIED,
    Story,
    adding,
    closing,
    creating,
    ended,
    failed,
    linking,
    opening,
    preferring,
    readiness,
    removing,
    renaming,
    synced,
    updating,
)
from workers.engine.decision import Accepted
from workers.engine.service import Send
from workers.services.contractor.service import SERVICE

# --- reactions -----------------------------------------------------------------------------------------------------

COPIED: dict[type[EventData], tuple[type[CommandData], dict[str, str], dict[str, Any], str | None]] = {
    InvitationAccepted: (
        LinkContractorToClient,
        {"contractorId": "contractorId", "clientId": "clientId", "invitationId": "invitationId"},
        {},
        "invitationId",
    ),
    PayeeBankSynced: (
        RecordBankDetailsSynced,
        {
            "contractorId": "contractorId",
            "bankDetailsId": "bankDetailsId",
            "action": "action",
            "stripeExternalAccountId": "externalAccountId",
        },
        {},
        "bankDetailsId",
    ),
    PayeeBankFailed: (
        RecordBankDetailsFailed,
        {"contractorId": "contractorId", "bankDetailsId": "bankDetailsId", "code": "code"},
        {},
        "bankDetailsId",
    ),
    PayeeReady: (RecordPayoutReadiness, {"contractorId": "contractorId", "asOf": "asOf"}, {"ready": True}, None),
    PayeeBlocked: (
        RecordPayoutReadiness,
        {"contractorId": "contractorId", "asOf": "asOf", "reason": "reason"},
        {"ready": False},
        None,
    ),
    ContractPartyCheckRequested: (
        ConfirmContractContractor,
        {"contractorId": "contractorId", "contractId": "contractId", "checkNo": "checkNo"},
        {},
        None,
    ),
    ContractActivated: (NoteContractOpened, {"contractorId": "contractorId", "contractId": "contractId"}, {}, None),
    EscrowClosed: (NoteContractClosed, {"contractorId": "contractorId", "contractId": "contractId"}, {}, None),
    ErasureRequested: (EraseContractor, {"contractorId": "contractorId", "userId": "userId"}, {}, None),
}
"""Event -> command, its fields by the event's, what is said beside, and which field names the row."""

_ENDED = {"contractorId": "contractorId", "kycSessionId": "kycSessionId", "decisionTime": "decisionTime"}
OUTCOMES: dict[type[EventData], tuple[KycOutcome, str | None]] = {
    KycSessionVerified: (KycOutcome.VERIFIED, None),
    KycSessionRejected: (KycOutcome.REJECTED, "reason"),
    KycSessionExpired: (KycOutcome.EXPIRED, "reason"),
    KycSessionFailed: (KycOutcome.FAILED, "code"),
}


def sent(event: type[EventData]) -> tuple[list[Send], dict[str, Any]]:
    """What the reaction makes of the event's example, and the example."""
    told = example(event.kind())["data"]
    return sent_on(SERVICE, event.model_validate(told)), told


@pytest.mark.parametrize("event", COPIED)
def test_what_others_say_is_passed_on(event: type[EventData]) -> None:
    command, fields, beside, target = COPIED[event]
    (send,), told = sent(event)
    assert send.command == command.model_validate({name: told[source] for name, source in fields.items()} | beside)
    assert send.target == (told[target] if target else None)


@pytest.mark.parametrize("event", OUTCOMES)
def test_the_end_of_an_identity_check_is_passed_on(event: type[EventData]) -> None:
    outcome, reason = OUTCOMES[event]
    (send,), told = sent(event)
    said = {name: told[source] for name, source in _ENDED.items()} | {"outcome": outcome}
    assert send == Send(ApplyKycOutcome.model_validate(said | ({"reason": told[reason]} if reason else {})))


def test_there_is_no_other_reaction() -> None:
    assert {reaction.event for reaction in SERVICE.reactions} == COPIED.keys() | OUTCOMES.keys()
    assert (SERVICE.effects, SERVICE.timers) == ((), False)


# --- repetition ----------------------------------------------------------------------------------------------------

AGAIN: list[tuple[CommandData, str]] = [
    (creating(), OWNER),
    (updating(country="AE"), OWNER),
    (linking(), SYSTEM),
    (REQUESTING, OWNER),
    (VERIFIED, SYSTEM),
    (REJECTED, SYSTEM),
    (EXPIRED, SYSTEM),
    (adding(), OWNER),
    (preferring(2), OWNER),
    (removing(), OWNER),
    (synced(), SYSTEM),
    (failed(), SYSTEM),
    (readiness(ready=True), SYSTEM),
    (opening(), SYSTEM),
    (closing(), SYSTEM),
    (ERASING, SYSTEM),
]


@pytest.mark.parametrize("index", range(len(AGAIN)))
def test_a_command_sent_twice_changes_nothing_the_second_time(index: int) -> None:
    data, actor = AGAIN[index]
    for story in (Story(), Story().waiting(), Story().rejected(), Story().attached(1, 2), Story().leaving(), Story().gone()):
        story.assert_moved_once(data, actor)


LIFE: list[tuple[CommandData, str]] = [
    (CONFIRMING, SYSTEM),
    (creating(), OWNER),
    (renaming("Amina"), OWNER),
    (linking(), SYSTEM),
    (VERIFIED, SYSTEM),
    (adding(), OWNER),
    (synced(), SYSTEM),
    (adding(2), OWNER),
    (failed(2), SYSTEM),
    (synced(2), SYSTEM),
    (preferring(2), OWNER),
    (removing(1), OWNER),
    (readiness(ready=True), SYSTEM),
    (CONFIRMING, SYSTEM),
    (opening(), SYSTEM),
    (ERASING, SYSTEM),
    (closing(), SYSTEM),
]


def test_a_life_from_the_profile_to_its_erasure_tells_every_event_there_is() -> None:
    story = Story()
    for data, actor in LIFE:
        command = FIRST if isinstance(data, LinkContractorToClient) else None
        assert isinstance(story.send(data, actor, command=command), Accepted), data
    assert {type(event) for event in story.oracle.events} == set(event_models("contractor"))


# --- on the engine -------------------------------------------------------------------------------------------------

STEPS: list[tuple[CommandData, str]] = [
    (updating(country="AE"), OWNER),
    (renaming("Amina"), ADMIN),
    *[(linking(number), SYSTEM) for number in (1, 2)],
    (REQUESTING, OWNER),
    (REQUESTING, ADMIN),
    *[(ended(outcome, hours, asked), SYSTEM) for hours, outcome in enumerate(KycOutcome) for asked in (FIRST, SECOND)],
    *[(adding(number), OWNER) for number in (1, 2, 3)],
    *[(change(number), OWNER) for number in (1, 2, 3) for change in (preferring, removing)],
    *[(fact(number), SYSTEM) for number in (1, 2, 3) for fact in (synced, failed)],
    (readiness(ready=True, hours=1), SYSTEM),
    (readiness(ready=False), SYSTEM),
    (CONFIRMING, SYSTEM),
    *[(note(number), SYSTEM) for number in (1, 2) for note in (opening, closing)],
]


@pytest.mark.parametrize("seed", range(10))
async def test_a_contractor_under_faults_ends_as_without(seed: int) -> None:
    """The first two identity checks have the ids that the outcomes among the steps are about."""
    chance = Random(seed)
    last = chance.choice([1, 3])
    leaving = [(opening(last), SYSTEM), (ERASING, SYSTEM), *chance.choices(STEPS, k=8)]
    steps = [*chance.choices(STEPS, k=60), *leaving, *((closing(number), SYSTEM) for number in (1, 2, 3))]
    named = [
        (creating(), OWNER, "created"),
        (linking(3), SYSTEM, "first check"),
        (EXPIRED, SYSTEM, "no verdict"),
        (REQUESTING, ADMIN, "second check"),
    ]
    await assert_ends_as_without_faults(SERVICE, [*(outgoing(*each) for each in named), *numbered(steps)], seed)
