"""Commands of client: two companies, checked and invited from, and their contracts."""

from collections.abc import Sequence
from random import Random

from contracts import client
from contracts.ids import derived
from contracts.message import CommandData
from contracts.types import ClientId, ContractId, Country, Locale, UserId
from tests.simulation.draws import ADMIN, CONTRACTS, HASHES, SYSTEM
from tests.simulation.draws_auth import LINKS, sealed

OWNERS = [UserId(derived(f"sim:owner-{n}")) for n in range(2)]
COMPANIES = [ClientId(derived(f"company:{owner}")) for owner in OWNERS]
INVITED = [UserId(derived(f"sim:invited-{n}")) for n in range(2)]
NAME = "Nile Design LLC"


def draw_client(random: Random) -> tuple[CommandData, str]:
    number = random.choice((0, 0, 0, 1))
    owner, company = f"company:{OWNERS[number]}", COMPANIES[number]
    match random.choice("rucqqggndddiiiiiiiiiiiiii"):
        case "r":
            return registering(number), owner
        case "u":
            country: Country = random.choice(("EG", "DE"))
            return client.UpdateCompanyDetails(company_id=company, country=country), owner
        case "c":
            return client.UpdateCompanyDetails(company_id=company, tax_id=sealed(OWNERS[number], str(random.randrange(3)))), owner
        case "q":
            return client.RequestCompanyVerification(company_id=company), owner
        case "g":
            return _result(company, random), SYSTEM
        case "n":
            return client.RecordRegistryUnavailable(company_id=company, attempt=random.randint(1, 3), code="away"), SYSTEM
        case "d":
            outcome = random.choice((client.VerificationOutcome.VERIFIED,) * 3 + (client.VerificationOutcome.REJECTED,))
            return client.DecideCompanyVerification(company_id=company, outcome=outcome, reason="looked into"), ADMIN
    return _invitation_or_contract(number, random)


def _invitation_or_contract(number: int, random: Random) -> tuple[CommandData, str]:
    owner, company, invited = f"company:{OWNERS[number]}", COMPANIES[number], random.randrange(2)
    hashed = HASHES[invited]
    named = {"company_id": company, "invitation_id": client.InvitationId(derived(f"invitation:{company}:{hashed}"))}
    match random.choice("iiiiissaaaaaakxmpoze"):
        case "i":
            inviting = client.InviteContractor(
                **named,
                contractor_email=sealed(f"lead:{hashed}", hashed),
                email_hash=hashed,
                token=random.choice(LINKS),
                locale=Locale.EN,
            )
            return inviting, owner
        case "s":
            return client.ResendInvitation(**named, token=random.choice(LINKS)), owner
        case "a":
            return _accepting(named, invited, random), f"contractor:{INVITED[invited]}"
        case "k":
            return client.RevokeInvitation(**named), owner
        case "x":
            return client.ExpireInvitation(**named), SYSTEM
        case "m":
            return client.RemindInvitation(**named), SYSTEM
        case "p":
            return client.ConfirmContractClient(company_id=company, contract_id=CONTRACTS[0], check_no=1), SYSTEM
        case "e" if random.random() < 0.3:
            return client.EraseCompany(company_id=company, user_id=OWNERS[number]), SYSTEM
        case letter:
            return _noted(company, random.choice(CONTRACTS), opened=letter != "z"), SYSTEM


def _accepting(named: dict[str, str], invited: int, random: Random) -> CommandData:
    user = INVITED[invited]
    return client.AcceptInvitation.model_validate(
        {
            **named,
            "token_hash": random.choice(LINKS).hash,
            "user_id": user,
            "contractor_id": derived(f"contractor:{user}"),
            "email_hash": HASHES[invited],
        }
    )


def _noted(company: ClientId, contract: ContractId, *, opened: bool) -> CommandData:
    noted = client.NoteContractOpened if opened else client.NoteContractClosed
    return noted(company_id=company, contract_id=contract)


def _result(company: ClientId, random: Random) -> CommandData:
    return client.RecordRegistryResult(
        company_id=company,
        attempt=random.randint(1, 3),
        found=random.random() < 0.8,
        name_matches=random.random() < 0.8,
        name=NAME,
        jurisdiction="eg",
        company_number="204518",
        inactive=random.choice((False, False, True, None)),
    )


def registering(number: int) -> client.RegisterCompany:
    owner = OWNERS[number]
    return client.RegisterCompany(
        company_id=COMPANIES[number],
        user_id=owner,
        legal_name=sealed(owner, NAME),
        name_legal=sealed(owner, NAME, "legal"),
        country="EG",
        jurisdiction="eg",
        company_number="204518",
    )


def before_client() -> Sequence[CommandData]:
    """One of the two is there and verified."""
    verified = client.DecideCompanyVerification(company_id=COMPANIES[0], outcome=client.VerificationOutcome.VERIFIED, reason="looked into")
    return [registering(0), verified]
