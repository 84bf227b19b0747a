"""Commands of lead: contacts and demo requests of few addresses, their subscriptions, and erasures between them; then with the accounts
that come of them and the addresses that turn out dead."""

from collections.abc import Sequence
from random import Random

from contracts import auth, lead
from contracts.ids import derived
from contracts.lead import CompanySize, Consent, ContactId, ContactSource, ContactStatus, DemoId, NewsletterSource, UnsubscribedVia
from contracts.message import CommandData
from contracts.notification import commands as notification
from contracts.notification.values import SuppressionReason
from contracts.timestamps import from_milliseconds
from contracts.types import Hash, Locale, Timestamp
from tests.simulation.draws import ADMIN, HASHES, SYSTEM, before_notification
from tests.simulation.draws_auth import LINKS, PUBLIC, USERS, registering, sealed
from tests.simulation.log import EPOCH
from workers.services.lead.subscription import subscription_id

CONTACTS = [ContactId(derived(f"sim:contact-{n}")) for n in range(3)]
DEMOS = [DemoId(derived(f"sim:demo-{n}")) for n in range(2)]
APPOINTMENTS = (150, 700, 1300, 2100, 3200)
"""Milliseconds into the run: past ones, ones too near for a reminder, and ones whose reminder comes within it."""
FORWARD = (ContactStatus.CONTACTED, ContactStatus.CONTACTED, ContactStatus.QUALIFIED, ContactStatus.QUALIFIED, ContactStatus.CONVERTED)
WRITTEN = (HASHES[0], HASHES[1])
"""Hashes of the addresses that write to us. The first one is an account's, too."""
CONSENT = Consent(text_version="2026-01", ip_hash=HASHES[2], at=from_milliseconds(EPOCH))


def draw_lead(random: Random) -> tuple[CommandData, str]:
    match random.choice("ccccddddddddnnnnnnee"):
        case "c":
            return _contact(random)
        case "d":
            return _demo(random)
        case "n":
            return _newsletter(random)
    return _erasure(random)


# --- contacts ------------------------------------------------------------------------------------------------------


def _contact(random: Random) -> tuple[CommandData, str]:
    contact = random.choice((CONTACTS[0], CONTACTS[0], *CONTACTS))
    match random.choice("ssaaaaac"):
        case "s":
            return submitting(contact), PUBLIC
        case "a":
            return lead.AdvanceContact(contact_id=contact, status=random.choice(FORWARD)), random.choice((ADMIN, ADMIN, ADMIN, PUBLIC))
    return lead.ConvertContact(contact_id=contact, user_id=random.choice(USERS)), SYSTEM


def submitting(contact: ContactId) -> lead.SubmitContact:
    """The third one writes from the address of the first."""
    hashed = WRITTEN[CONTACTS.index(contact) % 2]
    return lead.SubmitContact(
        contact_id=contact,
        name=_sealed(hashed, "Hana"),
        email=_sealed(hashed, hashed),
        email_hash=hashed,
        message=_sealed(hashed, "How much is it?"),
        source=ContactSource.REFERRAL,
        locale=Locale.EN,
    )


def _sealed(hashed: Hash, text: str) -> str:
    return sealed(f"lead:{hashed}", text)


# --- demos ---------------------------------------------------------------------------------------------------------


def _demo(random: Random) -> tuple[CommandData, str]:
    number = random.choice((0, 0, 0, 1))
    demo, by = {"demo_id": DEMOS[number]}, random.choice((ADMIN,) * 7 + (PUBLIC,))
    match random.choice("rhhhhhhhcxnnm"):
        case "r":
            return requesting(number, random.choice((-1000, 60_000, 60_000))), PUBLIC
        case "h":
            return lead.ScheduleDemo(**demo, scheduled_at=_appointment(random)), by
        case "c":
            return lead.CompleteDemo(**demo), by
        case "x" if random.random() < 0.6:
            return lead.CancelDemo(**demo, reason="no longer wanted"), by
        case "m":
            return lead.SendDemoReminder(**demo, scheduled_at=_appointment(random)), SYSTEM
    about = WRITTEN[random.choice((number, number, number, 1 - number))]
    return lead.SetDemoNotes(**demo, notes=_sealed(about, str(random.randrange(3)))), by


def requesting(number: int, wished: int) -> lead.RequestDemo:
    """``wished``: milliseconds into the run."""
    hashed = WRITTEN[number]
    return lead.RequestDemo(
        demo_id=DEMOS[number],
        name=_sealed(hashed, "Hana"),
        email=_sealed(hashed, hashed),
        email_hash=hashed,
        company=_sealed(hashed, "Nile Design LLC"),
        company_size=CompanySize.TEN,
        use_case="Contractors in three countries",
        preferred_date=from_milliseconds(EPOCH + wished),
        locale=Locale.EN,
    )


def _appointment(random: Random) -> Timestamp:
    return from_milliseconds(EPOCH + random.choice(APPOINTMENTS))


# --- newsletter ----------------------------------------------------------------------------------------------------


def _newsletter(random: Random) -> tuple[CommandData, str]:
    hashed, token = random.choice((WRITTEN[0], *WRITTEN)), random.choice((LINKS[0], *LINKS)).hash
    subscription = {"subscription_id": subscription_id(hashed)}
    match random.choice("ssssssccccculap"):
        case "s":
            return subscribing(hashed, random), PUBLIC
        case "c":
            return lead.ConfirmSubscription(**subscription, token_hash=token), PUBLIC
        case "u":
            via = random.choice((UnsubscribedVia.LINK, UnsubscribedVia.HEADER))
            return lead.Unsubscribe(**subscription, via=via, token_hash=token), PUBLIC
        case "a":
            return lead.Unsubscribe(**subscription, via=UnsubscribedVia.ADMIN), random.choice((ADMIN, PUBLIC))
        case "p":
            return lead.Unsubscribe(**subscription, via=random.choice((UnsubscribedVia.SUPPRESSION, UnsubscribedVia.ERASURE))), SYSTEM
    return lead.LapseSubscription(**subscription), SYSTEM


def subscribing(hashed: Hash, random: Random) -> lead.SubscribeNewsletter:
    """One in a while names a subscription of another address."""
    named = subscription_id(hashed if random.random() < 0.95 else HASHES[2])
    return lead.SubscribeNewsletter(
        subscription_id=named,
        email=_sealed(hashed, hashed),
        email_hash=hashed,
        source=NewsletterSource.WEBSITE,
        locale=Locale.EN,
        verification=random.choice((LINKS[0], *LINKS)),
        consent=CONSENT,
    )


# --- erasure -------------------------------------------------------------------------------------------------------


def _erasure(random: Random) -> tuple[CommandData, str]:
    address = {"email_hash": random.choice((WRITTEN[0], *WRITTEN)), "user_id": random.choice((None, None, USERS[0]))}
    match random.choice("ek"):
        case "e":
            return lead.EraseLead(**address), random.choice((ADMIN, SYSTEM, SYSTEM, PUBLIC))
    return lead.RecordLeadKeyDestroyed(**address, generation=random.randint(1, 3)), SYSTEM


def before_lead() -> Sequence[CommandData]:
    """A contact and a demo request are there, and a subscription that nobody confirmed in time."""
    return [submitting(CONTACTS[0]), requesting(0, 60_000), subscribing(WRITTEN[1], Random(1))]


# --- with accounts and messages ------------------------------------------------------------------------------------


def draw_leads(random: Random) -> tuple[CommandData, str]:
    """What an address is told of in other services: an account proves it, mail to it bounces, its person is erased."""
    number = random.choice((0, 0, 0, 1))
    user, hashed = USERS[number], WRITTEN[number]
    match random.choice("llllllllllllrvvvbbfe"):
        case "l":
            return draw_lead(random)
        case "r":
            return registering(user, hashed), PUBLIC
        case "v":
            return auth.VerifyEmail(user_id=user, token_hash=random.choice((LINKS[0], *LINKS)).hash), PUBLIC
        case "b":
            return notification.SuppressAddress(address_hash=hashed, reason=SuppressionReason.HARD_BOUNCE), SYSTEM
        case "f":
            return notification.LiftSuppression(address_hash=hashed), ADMIN
    return auth.RequestErasure(user_id=user), ADMIN


def before_leads() -> Sequence[CommandData]:
    return [*before_lead(), registering(USERS[0], WRITTEN[0]), *before_notification()]
