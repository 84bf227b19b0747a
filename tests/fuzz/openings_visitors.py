"""Where stories about people without an account begin: they have written to us, want to see it, read the newsletter, were erased."""

from collections.abc import Mapping
from typing import Final

from contracts.analytics import EraseVisitor
from contracts.lead import (
    ConfirmSubscription,
    EraseLead,
    RequestDemo,
    ScheduleDemo,
    SubmitContact,
    SubscribeNewsletter,
)
from contracts.message import CommandData
from contracts.timestamps import plus
from contracts.types import UserId
from tests.contracts.test_examples import example
from tests.fuzz.inventing import ACTORS, HASHES, IDS, USERS
from tests.fuzz.openings_people import LINK, Opening
from tests.support.oracle import START
from workers.services.lead.subscription import subscription_id

SYSTEM, ADMIN, PUBLIC = ACTORS[0], ACTORS[3], "public"
SUBSCRIPTION = subscription_id(HASHES[0])


def _wire(model: type[CommandData], **changes: object) -> dict[str, object]:
    return {**example(model.kind())["data"], "emailHash": HASHES[0], **changes}


def _requests() -> Opening:
    """A contact, a demo with its appointment, a subscription that nobody has confirmed."""
    return (
        (PUBLIC, SubmitContact.model_validate(_wire(SubmitContact, contactId=IDS[0]))),
        (PUBLIC, RequestDemo.model_validate(_wire(RequestDemo, demoId=IDS[0]))),
        (ADMIN, ScheduleDemo.model_validate({"demoId": IDS[0], "scheduledAt": plus(START, days=5)})),
        (PUBLIC, SubscribeNewsletter.model_validate(_wire(SubscribeNewsletter, subscriptionId=SUBSCRIPTION, verification=LINK))),
    )


def _gone() -> Opening:
    """A reader of the newsletter, and a visitor, who are both to be erased."""
    asked, confirmed = _requests()[-1], ConfirmSubscription(subscription_id=SUBSCRIPTION, token_hash=HASHES[0])
    return (
        asked,
        (PUBLIC, confirmed),
        (SYSTEM, EraseLead(email_hash=HASHES[0], user_id=UserId(USERS[0]))),
        (SYSTEM, EraseVisitor(user_id=UserId(USERS[0]))),
    )


OPENINGS_OF_VISITORS: Final[Mapping[str, Opening]] = {"requests": _requests(), "gone": _gone()}
