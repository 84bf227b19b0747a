"""client as declared: reactions; on the engine, faults change nothing."""

from random import Random
from typing import Any

import pytest

from contracts.auth import ErasureRequested
from contracts.catalogue import command_models, event_models
from contracts.client import (
    CompanyErased,
    ConfirmContractClient,
    EraseCompany,
    NoteContractClosed,
    NoteContractOpened,
    RevokeInvitation,
)
from contracts.contract.events import ContractActivated, ContractPartyCheckRequested
from contracts.envelope import Envelope
from contracts.ids import within
from contracts.message import CommandData, EventData
from contracts.payment.events import EscrowClosed
from contracts.platform import SHARED
from contracts.topics import commands_topic, events_topic
from contracts.types import EventId
from tests.contracts.test_examples import example
from tests.support import verdict
from tests.support.faults import MANY
from tests.support.oracle import START
from tests.support.process import plant
from tests.unit.services.client.story import (
    ADMIN,
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
    USER,
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
from workers.engine.record import Outgoing
from workers.engine.service import Event, Query, Send
from workers.services.client.service import SERVICE

GROUP, COMMANDS, EVENTS = "client-commands", commands_topic("client"), events_topic("client")


def test_every_command_has_its_handler() -> None:
    assert set(SERVICE.handler_of) == {model.kind() for model in command_models("client")}


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


def event_of(data: EventData) -> Event[Any]:
    return Event(EventId(USER), data.service, USER, START, SYSTEM, data)


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
    (reaction,) = [found for found in SERVICE.reactions if found.event is type(data)]
    assert reaction.query is None
    assert list(reaction.react(event_of(data), ())) == [Send(command)]


def test_an_erased_company_takes_back_its_pending_invitations() -> None:
    (reaction,) = [found for found in SERVICE.reactions if found.event is CompanyErased]
    event = event_of(CompanyErased(company_id=COMPANY, user_id=USER, existed=True))
    assert reaction.query is not None
    assert reaction.query(event) == Query("client-invitations", "clientId-index", COMPANY)
    rows = [{"id": INVITATION, "status": "pending"}, {"id": USER, "status": "accepted"}, {"id": COMPANY, "status": "expired"}]
    assert list(reaction.react(event, rows)) == [Send(RevokeInvitation(company_id=COMPANY, invitation_id=INVITATION), INVITATION)]


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


def outgoing(data: CommandData, actor: str, name: str) -> Outgoing:
    envelope = Envelope(
        id=within(USER, name),
        kind=data.kind(),
        source="/mindlinks/test/commands",
        subject=data.key,
        time=START,
        correlation_id=name,
        causation_id=name,
        actor=actor,
    )
    return Outgoing(data.key.encode(), data.to_json(), envelope.headers())


@pytest.mark.parametrize("seed", range(10))
async def test_a_company_under_faults_ends_as_without(seed: int) -> None:
    chance = Random(seed)
    begun, done = chance.choices(STEPS, k=5), chance.choices(STEPS, k=40)
    steps = [*begun, (registering(), OWNER), *done, (ERASING, SYSTEM), *chance.choices(STEPS, k=5)]
    async with plant(SERVICE, seed) as made:
        process = made.start(rates=MANY)
        records = [outgoing(data, actor, f"{seed} {number}") for number, (data, actor) in enumerate(steps)]
        for start in range(0, len(records), 10):
            await made.send(COMMANDS, records[start : start + 10])
        await made.until_settled(GROUP, COMMANDS)
        await process.stop()
        verdict.check(SERVICE, made.records(COMMANDS), made.records(EVENTS), made.store.items)
