"""An address is erased: its key goes, whoever asked is answered, and one that nobody knows is no exception."""

from random import Random
from typing import Any

import pytest

from contracts.auth import ErasureRequested
from contracts.ids import derived, effect_id
from contracts.lead import EraseLead, LeadErased, LeadKeyDestructionRequested, RecordLeadKeyDestroyed
from contracts.message import CommandData
from contracts.types import ClientId, CommandId, ContractorId, UserId
from schemas.lead import CONTACTS
from tests.support.reacting import event_of, sent_on
from tests.support.service_story import ADMIN, USER, ServiceStory, digest
from tests.support.under_faults import assert_ends_as_without_faults, numbered
from workers.engine.decision import UNCHANGED, ItemRef, Refused
from workers.engine.service import Call, Done, Send
from workers.services.lead.address import ADDRESSES, ErasedAddress
from workers.services.lead.service import SERVICE

ADDRESS = digest("amina@example.com")
OTHER = UserId("22222222-2222-4222-8222-222222222222")
OWNER, SYSTEM = f"company:{USER}", "system:lead"

FOR_PERSON = EraseLead(email_hash=ADDRESS, user_id=USER)
BY_LETTER = EraseLead(email_hash=ADDRESS)


def destroyed(user: UserId | None = USER, generation: int = 1) -> RecordLeadKeyDestroyed:
    return RecordLeadKeyDestroyed(email_hash=ADDRESS, user_id=user, generation=generation)


class Story(ServiceStory):
    service, actor = SERVICE, SYSTEM

    @property
    def item(self) -> Any:
        return self.oracle.items[ADDRESSES.root(ADDRESS)]

    @property
    def address(self) -> ErasedAddress:
        return ErasedAddress.from_item(self.item)


def test_an_address_that_nobody_knows_is_erased_all_the_same() -> None:
    story = Story()
    story.send(FOR_PERSON)
    assert story.last == LeadKeyDestructionRequested(email_hash=ADDRESS, user_id=USER)
    story.send(destroyed())
    assert story.last == LeadErased(email_hash=ADDRESS, user_id=USER)
    assert (story.address.email_hash, story.address.generation, story.address.waiting) == (ADDRESS, 1, ())


def test_the_mark_is_listed_among_no_contacts() -> None:
    story = Story()
    story.send(FOR_PERSON)
    assert story.oracle.items.keys() == {ItemRef(CONTACTS.name, f"ERASED#{ADDRESS}")}
    assert {index.key.hash.name for index in CONTACTS.indexes}.isdisjoint(story.item)


@pytest.mark.parametrize(("command", "record", "actor"), [(FOR_PERSON, destroyed(), SYSTEM), (BY_LETTER, destroyed(None), ADMIN)])
def test_every_step_is_made_once(command: EraseLead, record: RecordLeadKeyDestroyed, actor: str) -> None:
    story = Story()
    story.send(command, actor, command=CommandId(derived("asked")))
    assert story.send(command, actor) == UNCHANGED
    story.assert_moved_once(record, SYSTEM)
    assert story.send(command, actor, command=CommandId(derived("asked"))) == UNCHANGED


def test_everybody_who_asks_is_answered() -> None:
    story = Story()
    for user in (USER, OTHER, None):
        story.send(EraseLead(email_hash=ADDRESS, user_id=user))
    for user in (OTHER, None, USER):
        story.send(destroyed(user))
    assert story.oracle.emitted(LeadErased) == [LeadErased(email_hash=ADDRESS, user_id=user) for user in (OTHER, None, USER)]


def test_an_address_that_appeared_again_is_erased_again() -> None:
    story = Story()
    for generation in (1, 2):
        story.send(BY_LETTER, ADMIN)
        story.send(destroyed(None, generation))
    assert len(story.oracle.emitted(LeadErased)) == 2
    assert story.address.generation == 2


def test_an_answer_published_again_ends_no_later_erasure() -> None:
    story, old = Story(), CommandId(derived("old"))
    story.send(BY_LETTER, ADMIN)
    story.send(destroyed(None), command=old)
    story.send(BY_LETTER, ADMIN)
    assert story.send(destroyed(None), command=old) == UNCHANGED


def test_the_refusals() -> None:
    assert Story().send(FOR_PERSON, OWNER) == Refused("forbidden")
    assert Story().send(destroyed(), OWNER) == Refused("forbidden")
    assert Story().send(destroyed()) == Refused("not_found")
    story = Story()
    story.send(BY_LETTER, ADMIN)
    assert story.send(destroyed(OTHER)) == UNCHANGED


def test_a_wish_to_be_erased_leads_to_the_address() -> None:
    wish = ErasureRequested(
        user_id=USER, company_id=ClientId(derived("company")), contractor_id=ContractorId(derived("contractor")), email_hash=ADDRESS
    )
    assert sent_on(SERVICE, wish) == [Send(FOR_PERSON)]


class Keys:
    def __init__(self) -> None:
        self.destroyed: list[str] = []

    async def destroy(self, email_hash: str) -> int:
        self.destroyed.append(email_hash)
        return 3


async def test_destroy_key_says_which_generation_is_gone() -> None:
    (effect,), keys = SERVICE.effects, Keys()
    event = event_of(LeadKeyDestructionRequested(email_hash=ADDRESS, user_id=USER))
    answer = await effect.run(Call(effect_id(event.id, "lead.destroy-key"), event, "test"), {}, keys)
    assert answer == Done((destroyed(generation=3),))
    assert keys.destroyed == [ADDRESS]


STEPS: list[tuple[CommandData, str]] = [
    (FOR_PERSON, SYSTEM),
    (BY_LETTER, ADMIN),
    (FOR_PERSON, OWNER),
    (destroyed(), SYSTEM),
    (destroyed(None, 2), SYSTEM),
    (destroyed(OTHER), SYSTEM),
]


@pytest.mark.parametrize("seed", range(5))
async def test_under_faults_it_ends_as_without(seed: int) -> None:
    await assert_ends_as_without_faults(SERVICE, numbered(Random(seed).choices(STEPS, k=40)), seed)
