"""Recipients are gathered from several services, whose events come in any order."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.notification.commands import SyncRecipient
from contracts.notification.values import RecipientField
from contracts.timestamps import plus
from contracts.types import Locale, RecipientId, UserId
from contracts.user import NotificationChannels
from tests.support.oracle import START, Oracle
from tests.unit.services.notification.people import EMAIL, EMAIL_HASH, NAME, PHONE, SANA, USER, oracle, recipient, synced
from workers.engine.decision import UNCHANGED, Accepted, Refused
from workers.services.notification.mailbox import recipient_ref
from workers.services.notification.recipient import Recipient
from workers.services.notification.service import SERVICE

REGISTERED = SyncRecipient(recipient_id=SANA, user_id=USER, email=EMAIL, email_hash=EMAIL_HASH, locale=Locale.EN, source_at=START)
WISHES = SyncRecipient(
    recipient_id=SANA,
    locale=Locale.AR,
    timezone="Africa/Cairo",
    channels=NotificationChannels(sms=True),
    source_at=plus(START, seconds=1),
)
PROFILE = SyncRecipient(recipient_id=SANA, first_name=NAME, phone=PHONE, source_at=plus(START, seconds=2))
PHONE_GONE = SyncRecipient(recipient_id=SANA, first_name=NAME, cleared=(RecipientField.PHONE,), source_at=plus(START, seconds=3))


def test_a_recipient_is_stored_under_its_own_item() -> None:
    run = oracle(known=False)
    assert isinstance(run.send(REGISTERED), Accepted)
    item = dict(run.items[recipient_ref(SANA)])
    del item["createdBy"]
    assert item == {
        "id": f"RECIPIENT#{SANA}",
        "userId": USER,
        "email": EMAIL,
        "emailHash": EMAIL_HASH,
        "locale": "en",
        "fieldAt": {"email": START, "locale": START},
        "createdAt": START,
        "updatedAt": START,
    }


@pytest.mark.parametrize("order", list(permutations([REGISTERED, WISHES, PROFILE, PHONE_GONE])))
def test_any_order_of_sources_ends_at_the_same_recipient(order: tuple[SyncRecipient, ...]) -> None:
    run = oracle(known=False)
    for command in order:
        run.send(command)
    known = recipient(run)
    assert (known.email, known.phone, known.first_name) == (EMAIL, None, NAME)
    assert (known.locale, known.timezone, known.channels) == (Locale.AR, "Africa/Cairo", NotificationChannels(sms=True))


@given(st.lists(st.sampled_from([REGISTERED, WISHES, PROFILE, PHONE_GONE]), max_size=12))
def test_repeating_any_source_at_any_distance_changes_nothing(sent: list[SyncRecipient]) -> None:
    once, often = Oracle(SERVICE), Oracle(SERVICE)
    for command in sent:
        often.send(command)
    for known in (REGISTERED, WISHES, PROFILE, PHONE_GONE):
        if known in sent:
            once.send(known)
    assert (recipient_ref(SANA) in once.items) == (recipient_ref(SANA) in often.items) == bool(sent)
    assert not sent or unstamped(once) == unstamped(often)


def unstamped(run: Oracle) -> Recipient:
    return recipient(run).model_copy(update={"created_by": None, "created_at": None, "updated_at": None})


def test_the_same_facts_again_are_nothing_to_do() -> None:
    assert oracle().send(synced()) is UNCHANGED


def test_another_users_id_is_refused() -> None:
    other = UserId("22222222-2222-4222-8222-222222222222")
    assert oracle().send(synced().model_copy(update={"user_id": other})) == Refused("id_mismatch")


def test_an_erased_recipient_stays_erased() -> None:
    run = oracle()
    ref = recipient_ref(RecipientId(SANA))
    run.items[ref] = {"id": ref.key, "erased": True, "createdAt": START, "createdBy": USER}
    assert run.send(synced(plus(START, days=1))) == Refused("erased")


def test_of_two_facts_of_one_moment_the_first_in_the_log_stays() -> None:
    """So that both, published again in any order, change nothing."""
    run = oracle(known=False)
    run.send(REGISTERED)
    run.send(WISHES.model_copy(update={"source_at": START}))
    assert (recipient(run).locale, recipient(run).timezone) == (Locale.EN, "Africa/Cairo")
