"""client as declared: reactions; on the engine, faults change nothing."""

from random import Random
from typing import Any

import pytest

from contracts.auth import ErasureRequested
from contracts.catalogue import event_models
from contracts.client import (
    CompanyErased,
    ConfirmContractClient,
    EraseCompany,
    NoteContractClosed,
    NoteContractOpened,
    RevokeInvitation,
)
from contracts.contract.events import ContractActivated, ContractPartyCheckRequested
from contracts.message import CommandData, EventData
from contracts.payment.events import EscrowClosed
from contracts.platform import SHARED
from tests.contracts.test_examples import example
from tests.support.reacting import event_of, reaction_to, sent_on
from tests.support.service_story import ADMIN, USER
from tests.support.under_faults import assert_ends_as_without_faults, numbered
from tests.unit.services.client.story import (
    ASKING,
    COMPANY,
    CONFIRMING,
    CONTRACTOR,
    EMAIL_HASH,
    ERASING,
    EXPIRING,
    INVITATION,
    INVITED,
    OWNER,
    REJECTING,
    REMINDING,
    REVOKING,
    SYSTEM,
    TIMERS,
    VERIFYING,
    Story,
    accepting,
    closing,
    contract,
    inviting,
    opening,
    registering,
    registry_says,
    registry_silent,
    resending,
    unknown_to_registry,
    updating,
)
from workers.engine.service import Query, Send
from workers.services.client.service import SERVICE


def test_every_event_is_emitted_by_some_story() -> None:
    emitted: set[type[EventData]] = set()
    stories = [Story().accepted(), Story().gone(), Story().leaving(), Story().registered(jurisdiction=None)]
    stories[0].send(updating(country="AE"))
    stories[3].send(REJECTING, ADMIN)
    for command, actor in ((CONFIRMING, SYSTEM), (closing(1), SYSTEM), (CONFIRMING, SYSTEM)):
        stories[2].send(command, actor)
    revoked, expired = Story().invited(), Story().invited()
    revoked.send(REVOKING)
    for due in (REMINDING, EXPIRING):
        expired.send(due, TIMERS, expired.timers["invitation-expiry"])
    stories[1].send(CONFIRMING, SYSTEM)
    confirmed = Story().verified()
    confirmed.send(CONFIRMING, SYSTEM)
    for story in (*stories, revoked, expired, confirmed):
        emitted |= {type(event) for event in story.oracle.events}
    assert emitted == {model for model in event_models("client") if model not in SHARED}


# --- reactions -----------------------------------------------------------------------------------------------------


def said(kind: type[EventData], **changes: Any) -> EventData:
    """As the kind's example has it, but for what matters here."""
    found = kind.model_validate(example(kind.kind())["data"])
    return found.model_copy(update=changes)


CHECK = said(ContractPartyCheckRequested, client_id=COMPANY, contract_id=contract(1), check_no=2)
ACTIVATED = said(ContractActivated, client_id=COMPANY, contract_id=contract(1))
CLOSED = said(EscrowClosed, client_id=COMPANY, contract_id=contract(1))
LEAVING = ErasureRequested(user_id=USER, company_id=COMPANY, contractor_id=CONTRACTOR, email_hash=EMAIL_HASH)


@pytest.mark.parametrize(
    ("data", "command"),
    [
        (CHECK, ConfirmContractClient(company_id=COMPANY, contract_id=contract(1), check_no=2)),
        (ACTIVATED, NoteContractOpened(company_id=COMPANY, contract_id=contract(1))),
        (CLOSED, NoteContractClosed(company_id=COMPANY, contract_id=contract(1))),
        (LEAVING, EraseCompany(company_id=COMPANY, user_id=USER)),
    ],
)
def test_what_others_say_is_acted_on(data: EventData, command: CommandData) -> None:
    assert reaction_to(SERVICE, type(data)).query is None
    assert sent_on(SERVICE, data) == [Send(command)]


def test_an_erased_company_takes_back_its_pending_invitations() -> None:
    erased = CompanyErased(company_id=COMPANY, user_id=USER, existed=True)
    query = reaction_to(SERVICE, CompanyErased).query
    assert query is not None
    assert query(event_of(erased)) == Query("client-invitations", "clientId-index", COMPANY)
    rows = [{"id": INVITATION, "status": "pending"}, {"id": USER, "status": "accepted"}, {"id": COMPANY, "status": "expired"}]
    assert sent_on(SERVICE, erased, rows) == [Send(RevokeInvitation(company_id=COMPANY, invitation_id=INVITATION), INVITATION)]


# --- on the engine -------------------------------------------------------------------------------------------------

STEPS: list[tuple[CommandData, str]] = [
    (registering(), OWNER),
    *((says(attempt), SYSTEM) for attempt in (1, 2) for says in (registry_says, registry_silent, unknown_to_registry)),
    (ASKING, OWNER),
    (updating(country="AE"), OWNER),
    (updating(tax_id=None, company_number="7"), OWNER),
    (VERIFYING, ADMIN),
    (VERIFYING, ADMIN),
    (REJECTING, ADMIN),
    (inviting(), OWNER),
    (inviting("anew"), OWNER),
    (resending(), OWNER),
    (accepting(), INVITED),
    (accepting("second"), INVITED),
    (REVOKING, OWNER),
    (EXPIRING, TIMERS),
    (REMINDING, TIMERS),
    (CONFIRMING, SYSTEM),
    (opening(1), SYSTEM),
    (closing(1), SYSTEM),
]


@pytest.mark.parametrize("seed", range(10))
async def test_a_company_under_faults_ends_as_without(seed: int) -> None:
    chance = Random(seed)
    begun, done = chance.choices(STEPS, k=5), chance.choices(STEPS, k=40)
    steps = [*begun, (registering(), OWNER), *done, (ERASING, SYSTEM), *chance.choices(STEPS, k=5)]
    await assert_ends_as_without_faults(SERVICE, numbered(steps), seed)
