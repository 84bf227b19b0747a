"""A person with an account, a company and requests of their own is erased, in whatever order the services hear and answer."""

from collections.abc import Sequence
from random import Random

from contracts import analytics, auth, client, lead
from contracts.analytics import VisitId
from contracts.ids import derived
from contracts.message import CommandData
from contracts.types import ClientId
from tests.simulation.draws import ADMIN, CONTRACTS, SYSTEM
from tests.simulation.draws_auth import LINKS, PUBLIC, USERS, registering, sealed
from tests.simulation.draws_client import NAME
from tests.simulation.draws_lead import CONTACTS, WRITTEN, submitting, subscribing
from tests.simulation.draws_user import draw_user

PERSON, ADDRESS = USERS[0], WRITTEN[0]
COMPANY = ClientId(derived(f"company:{PERSON}"))
VISITS = [VisitId(derived(f"sim:visit-{n}")) for n in range(3)]


def draw_erasure(random: Random) -> tuple[CommandData, str]:
    match random.choice("qqquuunncclsvdre"):
        case "q":
            return auth.RequestErasure(user_id=PERSON), ADMIN
        case "u":
            return draw_user(random)
        case "n":
            return client.NoteContractOpened(company_id=COMPANY, contract_id=random.choice(CONTRACTS)), SYSTEM
        case "c":
            return client.NoteContractClosed(company_id=COMPANY, contract_id=random.choice(CONTRACTS)), SYSTEM
        case "d":
            return auth.DestroyLegalKey(user_id=PERSON), SYSTEM
        case "r":
            return registering(USERS[1], ADDRESS), PUBLIC
        case "v":
            return auth.VerifyEmail(user_id=PERSON, token_hash=LINKS[0].hash), PUBLIC
    return _elsewhere(random)


def _elsewhere(random: Random) -> tuple[CommandData, str]:
    match random.choice("lse"):
        case "l":
            return submitting(random.choice(CONTACTS)), PUBLIC
        case "s":
            return subscribing(ADDRESS, random), PUBLIC
    return lead.EraseLead(email_hash=ADDRESS), ADMIN


def before_erasure() -> Sequence[CommandData]:
    company = client.RegisterCompany(
        company_id=COMPANY,
        user_id=PERSON,
        legal_name=sealed(PERSON, NAME),
        name_legal=sealed(PERSON, NAME, "legal"),
        country="EG",
        jurisdiction="eg",
        company_number="204518",
    )
    return [registering(PERSON, ADDRESS), company, submitting(CONTACTS[0]), subscribing(ADDRESS, Random(1))]


# --- visitors alone ------------------------------------------------------------------------------------------------


def draw_visitors(random: Random) -> tuple[CommandData, str]:
    person = random.choice(USERS)
    match random.choice("eeeerrvv"):
        case "e":
            return analytics.EraseVisitor(user_id=person), random.choice((SYSTEM, SYSTEM, ADMIN, PUBLIC))
        case "r":
            return analytics.RecordVisitorErased(user_id=person, visits=random.randrange(3), events=random.randrange(5)), SYSTEM
    return analytics.EraseVisit(session_id=random.choice(VISITS)), SYSTEM
