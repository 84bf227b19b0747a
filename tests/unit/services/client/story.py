"""A company's way, command by command, as the tests of its parts need it."""

from typing import Any

from contracts.client import (
    AcceptInvitation,
    ConfirmContractClient,
    DecideCompanyVerification,
    EraseCompany,
    ExpireInvitation,
    InviteContractor,
    NoteContractClosed,
    NoteContractOpened,
    RecordRegistryResult,
    RecordRegistryUnavailable,
    RegisterCompany,
    RemindInvitation,
    RequestCompanyVerification,
    ResendInvitation,
    RevokeInvitation,
    UpdateCompanyDetails,
    VerificationOutcome,
)
from contracts.ids import derived
from contracts.types import ClientId, ContractId, ContractorId, Timestamp, UserId
from tests.support.service_story import USER, ServiceStory, after, digest, link, sealed
from workers.services.client.company import Company, ErasedCompany, company_in
from workers.services.client.invitation import Invitation, invitation_id
from workers.services.client.service import SERVICE
from workers.services.client.state import CLIENTS, invitation_ref

WORKER = UserId("22222222-2222-4222-8222-222222222222")
OTHER = UserId("55555555-5555-4555-8555-555555555555")
COMPANY = ClientId(derived(f"company:{USER}"))
CONTRACTOR = ContractorId(derived(f"contractor:{WORKER}"))

OWNER, STRANGER = f"company:{USER}", f"company:{OTHER}"
INVITED = f"contractor:{WORKER}"
SYSTEM, TIMERS = "system:client", "system:timers"


NAME, NAME_LEGAL, TAX_ID = sealed("Nile Design LLC"), sealed("Nile Design LLC", "legal"), sealed("123-456")
ADDRESS = "lukasz@example.com"
EMAIL_HASH = digest(ADDRESS)
EMAIL = sealed(ADDRESS, subject=f"lead:{EMAIL_HASH}")
INVITATION = invitation_id(COMPANY, EMAIL_HASH)
MESSAGE = "Come and work with us."


def registering(user: UserId = USER, **other: Any) -> RegisterCompany:
    values = {
        "company_id": derived(f"company:{user}"),
        "user_id": user,
        "legal_name": NAME,
        "name_legal": NAME_LEGAL,
        "country": "EG",
        "tax_id": TAX_ID,
        "jurisdiction": "eg",
        "company_number": "204518",
    }
    return RegisterCompany.model_validate(values | other)


def updating(**fields: Any) -> UpdateCompanyDetails:
    return UpdateCompanyDetails(company_id=COMPANY, **fields)


def registry_says(attempt: int = 1, **other: Any) -> RecordRegistryResult:
    values = {
        "company_id": COMPANY,
        "attempt": attempt,
        "found": True,
        "name_matches": True,
        "name": "NILE DESIGN LLC",
        "jurisdiction": "eg",
        "company_number": "204518",
        "inactive": False,
        "current_status": "Active",
        "incorporation_date": "1871-03-09",
        "registered_address": "12 Tahrir Square, Cairo",
        "opencorporates_url": "https://opencorporates.com/companies/eg/204518",
        "retrieved_at": "2026-01-02T00:00:00.000Z",
    }
    return RecordRegistryResult.model_validate(values | other)


def unknown_to_registry(attempt: int = 1) -> RecordRegistryResult:
    return RecordRegistryResult(company_id=COMPANY, attempt=attempt, found=False, name_matches=False)


def registry_silent(attempt: int = 1) -> RecordRegistryUnavailable:
    return RecordRegistryUnavailable(company_id=COMPANY, attempt=attempt, code="quota_exceeded")


def deciding(outcome: VerificationOutcome, reason: str = "Papers seen.") -> DecideCompanyVerification:
    return DecideCompanyVerification(company_id=COMPANY, outcome=outcome, reason=reason)


def inviting(token: str = "first", **other: Any) -> InviteContractor:
    values = {
        "company_id": COMPANY,
        "invitation_id": INVITATION,
        "contractor_email": EMAIL,
        "email_hash": EMAIL_HASH,
        "token": link(token),
        "locale": "ar",
        "message": MESSAGE,
    }
    return InviteContractor.model_validate(values | other)


def resending(token: str = "second") -> ResendInvitation:
    return ResendInvitation(company_id=COMPANY, invitation_id=INVITATION, token=link(token))


def accepting(token: str = "first", user: UserId = WORKER, **other: Any) -> AcceptInvitation:
    values = {
        "company_id": COMPANY,
        "invitation_id": INVITATION,
        "token_hash": digest(token),
        "user_id": user,
        "contractor_id": derived(f"contractor:{user}"),
        "email_hash": EMAIL_HASH,
    }
    return AcceptInvitation.model_validate(values | other)


def contract(number: int) -> ContractId:
    return ContractId(derived(f"contract {number}"))


def opening(number: int) -> NoteContractOpened:
    return NoteContractOpened(company_id=COMPANY, contract_id=contract(number))


def closing(number: int) -> NoteContractClosed:
    return NoteContractClosed(company_id=COMPANY, contract_id=contract(number))


ASKING = RequestCompanyVerification(company_id=COMPANY)
VERIFYING, REJECTING = deciding(VerificationOutcome.VERIFIED), deciding(VerificationOutcome.REJECTED)
REVOKING = RevokeInvitation(company_id=COMPANY, invitation_id=INVITATION)
EXPIRING = ExpireInvitation(company_id=COMPANY, invitation_id=INVITATION)
REMINDING = RemindInvitation(company_id=COMPANY, invitation_id=INVITATION)
CONFIRMING = ConfirmContractClient(company_id=COMPANY, contract_id=contract(1), check_no=2)
ERASING = EraseCompany(company_id=COMPANY, user_id=USER)
LAST_DAY = after(days=7)
"""Of an invitation from the start."""


class Story(ServiceStory):
    """Brings a company to where a test begins."""

    service, actor = SERVICE, OWNER

    @property
    def row(self) -> Company | ErasedCompany:
        return company_in(self.oracle.items[CLIENTS.root(COMPANY)])

    @property
    def company(self) -> Company:
        assert isinstance(self.row, Company)
        return self.row

    @property
    def invitation(self) -> Invitation:
        return Invitation.from_item(self.oracle.items[invitation_ref(INVITATION)])

    @property
    def timers(self) -> dict[str, Timestamp]:
        assert {owner for _, owner in self.oracle.timers} <= {INVITATION}
        return super().timers

    def registered(self, **other: Any) -> "Story":
        self.send(registering(**other))
        return self

    def verified(self) -> "Story":
        self.registered().send(registry_says(), SYSTEM)
        return self

    def invited(self) -> "Story":
        self.verified().send(inviting())
        return self

    def accepted(self) -> "Story":
        self.invited().send(accepting(), INVITED)
        return self

    def revoked(self) -> "Story":
        self.invited().send(REVOKING)
        return self

    def expired(self) -> "Story":
        self.invited().send(EXPIRING, TIMERS, LAST_DAY)
        return self

    def leaving(self) -> "Story":
        """Erasure asked for while a contract is open."""
        self.verified().send(opening(1), SYSTEM)
        self.send(ERASING, SYSTEM)
        return self

    def gone(self) -> "Story":
        self.verified().send(ERASING, SYSTEM)
        return self
