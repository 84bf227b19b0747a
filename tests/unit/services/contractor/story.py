"""A contractor's way, command by command, as the tests of its parts need it."""

from collections.abc import Callable
from typing import Any, TypeAlias

from contracts.contractor import (
    AddBankDetails,
    ApplyKycOutcome,
    BankAction,
    ConfirmContractContractor,
    CreateContractorProfile,
    EraseContractor,
    KycOutcome,
    LinkContractorToClient,
    NoteContractClosed,
    NoteContractOpened,
    RecordBankDetailsFailed,
    RecordBankDetailsSynced,
    RecordPayoutReadiness,
    RemoveBankDetails,
    RequestContractorKyc,
    SetDefaultBankDetails,
    UpdateContractorProfile,
)
from contracts.ids import derived, within
from contracts.timestamps import decision_time, plus
from contracts.types import BankDetailsId, CommandId, ContractId, ContractorId, DecisionTime, KycSessionId, UserId
from tests.support.oracle import START
from tests.support.service_story import USER, ServiceStory, digest, sealed
from workers.engine.decision import Item
from workers.services.contractor.contractor import Contractor, ErasedContractor, contractor_in
from workers.services.contractor.kyc_requests import session_id
from workers.services.contractor.service import SERVICE
from workers.services.contractor.state import CONTRACTORS, bank_ref

OTHER = UserId("22222222-2222-4222-8222-222222222222")
CONTRACTOR = ContractorId(derived(f"contractor:{USER}"))
OTHER_CONTRACTOR = ContractorId(derived(f"contractor:{OTHER}"))

OWNER, STRANGER = f"contractor:{USER}", f"contractor:{OTHER}"
SYSTEM = "system:contractor"


def named(name: str) -> CommandId:
    return CommandId(within(USER, name))


NAME, NAME_LEGAL = sealed("Amina Hassan"), sealed("Amina Hassan", "legal")
NUMBER, ROUTING = "s1.reader.sync-bank.1.TnVtYmVy", "s1.reader.sync-bank.1.Um91dGluZw"


def creating(user: UserId = USER, **other: Any) -> CreateContractorProfile:
    values = {
        "contractor_id": derived(f"contractor:{user}"),
        "user_id": user,
        "name": NAME,
        "name_legal": NAME_LEGAL,
        "country": "EG",
    }
    return CreateContractorProfile.model_validate(values | other)


def updating(**fields: Any) -> UpdateContractorProfile:
    return UpdateContractorProfile(contractor_id=CONTRACTOR, **fields)


def renaming(name: str) -> UpdateContractorProfile:
    return updating(name=sealed(name), name_legal=sealed(name, "legal"))


def linking(number: int = 1) -> LinkContractorToClient:
    client, invitation = derived(f"company:{number}"), derived(f"invitation:{number}")
    return LinkContractorToClient.model_validate({"contractor_id": CONTRACTOR, "client_id": client, "invitation_id": invitation})


# --- identity checks -----------------------------------------------------------------------------------------------

FIRST, SECOND = named("first check"), named("second check")
"""Ids of commands that ask for an identity check, and so say which session it is."""


def instant(hours: int = 0) -> DecisionTime:
    return decision_time(plus(START, hours=hours))


def ended(outcome: KycOutcome, hours: int = 0, command: CommandId = FIRST, **other: Any) -> ApplyKycOutcome:
    """``command``: the one that asked for the session."""
    values = {
        "contractor_id": CONTRACTOR,
        "kyc_session_id": session_id(command),
        "outcome": outcome,
        "decision_time": instant(hours),
    }
    return ApplyKycOutcome.model_validate(values | other)


REQUESTING = RequestContractorKyc(contractor_id=CONTRACTOR)
VERIFIED, EXPIRED, FAILED = ended(KycOutcome.VERIFIED), ended(KycOutcome.EXPIRED), ended(KycOutcome.FAILED)
REJECTED = ended(KycOutcome.REJECTED, reason="Document expired")
UNKNOWN_SESSION = KycSessionId("99999999-9999-4999-8999-999999999999")


# --- bank details --------------------------------------------------------------------------------------------------


def bank(number: int = 1) -> BankDetailsId:
    return BankDetailsId(derived(f"bank {number}"))


def adding(number: int = 1, **other: Any) -> AddBankDetails:
    values = {
        "contractor_id": CONTRACTOR,
        "bank_details_id": bank(number),
        "bank_name": "First Example Bank",
        "account_number": NUMBER,
        "routing_number": ROUTING,
        "currency": "USD",
        "country": "US",
        "last4": f"678{number}",
        "fingerprint": digest(f"bank {number}"),
        "make_default": False,
    }
    return AddBankDetails.model_validate(values | other)


def preferring(number: int = 1) -> SetDefaultBankDetails:
    return SetDefaultBankDetails(contractor_id=CONTRACTOR, bank_details_id=bank(number))


def removing(number: int = 1) -> RemoveBankDetails:
    return RemoveBankDetails(contractor_id=CONTRACTOR, bank_details_id=bank(number))


def synced(number: int = 1, action: BankAction = BankAction.ATTACH) -> RecordBankDetailsSynced:
    return RecordBankDetailsSynced(
        contractor_id=CONTRACTOR, bank_details_id=bank(number), action=action, stripe_external_account_id=f"ba_{number}"
    )


def failed(number: int = 1, code: str = "account_number_invalid") -> RecordBankDetailsFailed:
    return RecordBankDetailsFailed(contractor_id=CONTRACTOR, bank_details_id=bank(number), code=code)


def readiness(*, ready: bool, hours: int = 0) -> RecordPayoutReadiness:
    reason = None if ready else "transfers_inactive"
    return RecordPayoutReadiness(contractor_id=CONTRACTOR, ready=ready, reason=reason, as_of=plus(START, hours=hours))


# --- contracts -----------------------------------------------------------------------------------------------------


def contract(number: int = 1) -> ContractId:
    return ContractId(derived(f"contract {number}"))


def opening(number: int = 1) -> NoteContractOpened:
    return NoteContractOpened(contractor_id=CONTRACTOR, contract_id=contract(number))


def closing(number: int = 1) -> NoteContractClosed:
    return NoteContractClosed(contractor_id=CONTRACTOR, contract_id=contract(number))


CONFIRMING = ConfirmContractContractor(contractor_id=CONTRACTOR, contract_id=contract(), check_no=2)
ERASING = EraseContractor(contractor_id=CONTRACTOR, user_id=USER)


class Story(ServiceStory):
    """Brings a contractor to where a test begins."""

    service, actor = SERVICE, OWNER

    @property
    def row(self) -> Contractor | ErasedContractor:
        return contractor_in(self.oracle.items[CONTRACTORS.root(CONTRACTOR)])

    @property
    def contractor(self) -> Contractor:
        assert isinstance(self.row, Contractor)
        return self.row

    def bank(self, number: int = 1) -> Item:
        return self.oracle.items[bank_ref(bank(number))]

    def created(self, **other: Any) -> "Story":
        self.send(creating(**other))
        return self

    def waiting(self) -> "Story":
        """An identity check is under way."""
        self.created().send(REQUESTING, command=FIRST)
        return self

    def verified(self) -> "Story":
        self.waiting().send(VERIFIED, SYSTEM)
        return self

    def rejected(self) -> "Story":
        self.waiting().send(REJECTED, SYSTEM)
        return self

    def banked(self, *numbers: int) -> "Story":
        """Bank details added, none of them attached yet."""
        self.created()
        for number in numbers or (1,):
            self.send(adding(number))
        return self

    def attached(self, *numbers: int) -> "Story":
        self.banked(*numbers)
        for number in numbers or (1,):
            self.send(synced(number), SYSTEM)
        return self

    def leaving(self) -> "Story":
        """Erasure asked for while a contract is open."""
        self.verified().send(opening(), SYSTEM)
        self.send(adding())
        self.send(ERASING, SYSTEM)
        return self

    def gone(self) -> "Story":
        self.verified().send(ERASING, SYSTEM)
        return self


Beginning: TypeAlias = Callable[[Story], Story]
"""Told with a story of its own by each test: ``begin(Story())``."""


def nobody(story: Story) -> Story:
    return story
