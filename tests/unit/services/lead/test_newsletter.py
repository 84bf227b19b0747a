"""Double opt-in: asked, confirmed by whoever reads the mail, left with one click, or never confirmed."""

from typing import Any

import pytest

from contracts.ids import derived
from contracts.lead import (
    LapseSubscription,
    LeadErased,
    NewsletterConfirmationRequested,
    NewsletterConfirmed,
    NewsletterRequestLapsed,
    NewsletterUnsubscribed,
    UnsubscribedVia,
)
from contracts.notification.events import AddressSuppressed
from contracts.notification.values import SuppressionReason
from contracts.timestamps import plus, to_seconds
from contracts.types import CommandId, Locale, Timestamp
from schemas.lead import NEWSLETTER_SUBSCRIPTIONS
from tests.support.oracle import START
from tests.support.reacting import sent_on
from tests.support.service_story import ADMIN, USER, after, digest, link
from tests.unit.services.lead.story import (
    EMAIL,
    EMAIL_HASH,
    PUBLIC,
    SUBSCRIPTION,
    SYSTEM,
    TIMERS,
    Story,
    confirming,
    leaving,
    subscribing,
)
from workers.engine.decision import UNCHANGED, Accepted, Refused
from workers.engine.service import Send
from workers.services.lead.service import SERVICE
from workers.services.lead.subscription import SUBSCRIPTIONS, Status

WEEK = after(days=7)
LAPSING = LapseSubscription(subscription_id=SUBSCRIPTION)
NEWSLETTER = {"subscription_id": SUBSCRIPTION, "email": EMAIL, "email_hash": EMAIL_HASH, "locale": Locale.AR}


def asking(token: str = "a", valid_until: Timestamp = WEEK) -> NewsletterConfirmationRequested:
    formed = link(token)
    return NewsletterConfirmationRequested.model_validate(
        NEWSLETTER | {"nonce": formed.nonce, "kid": formed.kid, "valid_until": valid_until}
    )


def left(via: UnsubscribedVia) -> NewsletterUnsubscribed:
    return NewsletterUnsubscribed.model_validate(NEWSLETTER | {"via": via})


def found_under(story: Story) -> Any:
    return story.row(SUBSCRIPTIONS.root(SUBSCRIPTION))["statusShard"]


# --- asked -----------------------------------------------------------------------------------------------------------


def test_a_wish_is_asked_back() -> None:
    story = Story().asked()
    assert story.oracle.events == [asking()]
    assert story.timers == {"newsletter-lapse": WEEK}
    assert story.subscription.status is Status.PENDING
    assert story.subscription.expires_at == to_seconds(after(days=14))
    assert story.row(SUBSCRIPTIONS.root(SUBSCRIPTION))["verificationToken"] == digest("a")


def test_every_index_finds_it_and_only_by_its_status() -> None:
    story = Story().asked()
    keys = [key for index in NEWSLETTER_SUBSCRIPTIONS.indexes for key in (index.key.hash, index.key.range) if key is not None]
    assert {key.name for key in keys} <= story.row(SUBSCRIPTIONS.root(SUBSCRIPTION)).keys()
    shard = found_under(story).partition("#")[2]
    assert (found_under(story), shard in "0123") == (f"pending#{shard}", True)
    story.send(confirming())
    assert found_under(story) == f"verified#{shard}"


def test_the_id_follows_from_the_address() -> None:
    assert Story().send(subscribing(email_hash=digest("other@example.com"))) == Refused("id_mismatch")


def test_asked_again_the_newest_link_counts() -> None:
    story, first = Story(), CommandId(derived("first"))
    story.send(subscribing("a"), command=first)
    story.asked("b", after(hours=1))
    assert story.last == asking("b", plus(WEEK, hours=1))
    assert story.timers == {"newsletter-lapse": plus(WEEK, hours=1)}
    assert story.send(confirming("a"), at=after(hours=2)) == Refused("token_invalid")
    assert story.send(subscribing("a"), command=first, at=after(hours=2)) == UNCHANGED
    assert isinstance(story.send(confirming("b"), at=after(hours=2)), Accepted)


def test_three_mails_a_day_are_enough() -> None:
    story = Story()
    for hour, token in enumerate("abc"):
        story.asked(token, after(hours=hour))
    assert story.send(subscribing("d"), at=after(hours=23)) == Refused("too_many_requests")
    assert isinstance(story.send(subscribing("d"), at=after(hours=24)), Accepted)
    assert story.subscription.sent == (after(hours=1), after(hours=2), after(hours=24))


# --- confirmed -------------------------------------------------------------------------------------------------------


def test_whoever_reads_the_mail_confirms() -> None:
    story = Story().asked()
    story.send(confirming(), at=WEEK)
    formed = link("a")
    assert story.last == NewsletterConfirmed.model_validate(NEWSLETTER | {"source": "website", "nonce": formed.nonce, "kid": formed.kid})
    row = story.subscription
    assert (row.status, row.verified_at, row.expires_at, story.timers) == (Status.VERIFIED, WEEK, None, {})


def test_a_confirmation_is_made_once_and_a_verified_address_is_not_asked_again() -> None:
    story = Story().verified()
    assert story.send(confirming()) == UNCHANGED
    assert story.send(subscribing("b")) == UNCHANGED
    assert story.send(confirming("b")) == Refused("token_invalid")


def test_a_confirmation_may_be_refused() -> None:
    assert Story().send(confirming()) == Refused("not_found")
    assert Story().asked().send(confirming("b")) == Refused("token_invalid")
    assert Story().asked().send(confirming(), at=plus(WEEK, seconds=1)) == Refused("token_expired")
    gone = Story().verified()
    gone.send(leaving(UnsubscribedVia.LINK, "a"))
    assert gone.send(confirming()) == Refused("invalid_state")


# --- left ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("via", [UnsubscribedVia.LINK, UnsubscribedVia.HEADER])
def test_one_click_is_enough(via: UnsubscribedVia) -> None:
    story = Story().verified()
    story.assert_moved_once(leaving(via, "a"), PUBLIC)
    assert story.last == left(via)
    assert (story.subscription.status, story.subscription.unsubscribed_at) == (Status.UNSUBSCRIBED, START)


@pytest.mark.parametrize("via", [UnsubscribedVia.LINK, UnsubscribedVia.HEADER])
@pytest.mark.parametrize("token", [None, "b"])
def test_a_click_needs_its_token(via: UnsubscribedVia, token: str | None) -> None:
    assert Story().verified().send(leaving(via, token)) == Refused("token_invalid")
    assert Story().send(leaving(via, token)) == Refused("not_found")


@pytest.mark.parametrize(
    ("via", "actor"),
    [(UnsubscribedVia.ADMIN, ADMIN), (UnsubscribedVia.SUPPRESSION, SYSTEM), (UnsubscribedVia.ERASURE, SYSTEM)],
)
def test_without_a_token_the_public_unsubscribes_nobody(via: UnsubscribedVia, actor: str) -> None:
    story = Story().asked()
    assert story.send(leaving(via), PUBLIC) == Refused("forbidden")
    story.send(leaving(via), actor)
    assert (story.last, story.timers, story.subscription.expires_at) == (left(via), {}, None)


def test_whom_nobody_knows_is_no_subscriber() -> None:
    assert Story().send(leaving(UnsubscribedVia.SUPPRESSION), SYSTEM) == UNCHANGED
    assert Story().send(leaving(UnsubscribedVia.ERASURE), SYSTEM) == UNCHANGED
    assert Story().send(leaving(UnsubscribedVia.ADMIN), ADMIN) == Refused("not_found")


def test_whoever_left_may_come_back_and_nothing_old_counts() -> None:
    story, old, wish = Story(), CommandId(derived("old")), CommandId(derived("wish"))
    story.send(subscribing("a"), command=wish)
    story.send(confirming("a"))
    story.send(leaving(UnsubscribedVia.ADMIN), ADMIN, command=old)
    assert story.send(subscribing("a"), command=wish) == UNCHANGED
    story.asked("b", after(days=30))
    assert story.last == asking("b", after(days=37))
    assert (story.subscription.verified_at, story.subscription.unsubscribed_at) == (None, None)
    story.send(confirming("b"), at=after(days=30))
    assert story.send(leaving(UnsubscribedVia.ADMIN), ADMIN, command=old) == UNCHANGED
    assert story.send(leaving(UnsubscribedVia.LINK, "a")) == Refused("token_invalid")
    assert story.subscription.status is Status.VERIFIED


# --- never confirmed -------------------------------------------------------------------------------------------------


def test_a_request_that_nobody_confirms_lapses_once() -> None:
    story = Story().asked()
    assert story.send(LAPSING, TIMERS, at=plus(WEEK, seconds=-1)) == UNCHANGED
    story.send(LAPSING, TIMERS, at=WEEK)
    assert story.last == NewsletterRequestLapsed(subscription_id=SUBSCRIPTION)
    assert (story.subscription.status, story.subscription.link) == (Status.PENDING, None)
    assert story.send(LAPSING, TIMERS, at=plus(WEEK, seconds=1)) == UNCHANGED
    assert story.send(confirming(), at=WEEK) == Refused("token_expired")
    assert story.send(leaving(UnsubscribedVia.LINK, "a"), at=WEEK) == Refused("token_invalid")
    assert isinstance(story.send(subscribing("b"), at=after(days=8)), Accepted)


def test_nothing_else_lapses() -> None:
    assert Story().send(LAPSING, TIMERS, at=WEEK) == UNCHANGED
    assert Story().verified().send(LAPSING, TIMERS, at=WEEK) == UNCHANGED
    assert Story().asked().send(LAPSING, PUBLIC, at=WEEK) == Refused("forbidden")


# --- reactions -------------------------------------------------------------------------------------------------------


def test_an_address_that_takes_no_mail_leaves_the_list() -> None:
    suppressed = AddressSuppressed(address_hash=EMAIL_HASH, reason=SuppressionReason.COMPLAINT)
    assert sent_on(SERVICE, suppressed) == [Send(leaving(UnsubscribedVia.SUPPRESSION))]


def test_an_erased_address_leaves_the_list() -> None:
    erased = LeadErased(email_hash=EMAIL_HASH, user_id=USER)
    assert sent_on(SERVICE, erased) == [Send(leaving(UnsubscribedVia.ERASURE))]
