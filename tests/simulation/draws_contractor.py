"""Commands of contractor: profiles, bank details, identity checks asked for and decided in any order, contracts."""

from collections.abc import Sequence
from random import Random

from contracts import contractor
from contracts.client import InvitationId
from contracts.contractor import KycOutcome
from contracts.ids import derived, within
from contracts.message import CommandData
from contracts.types import (
    BankDetailsId,
    CommandId,
    ContractorId,
    DecisionTime,
    KycSessionId,
    PayoutCurrency,
)
from tests.simulation.draws import ADMIN, CONTRACTS, HASHES, SYSTEM
from tests.simulation.draws_auth import sealed
from tests.simulation.draws_client import COMPANIES, INVITED

CONTRACTORS = [ContractorId(derived(f"contractor:{user}")) for user in INVITED]
CHECK = KycSessionId(within(CommandId(within("00000000-0000-4000-8000-000000000000", "command-2")), "kyc"))
"""Asked for before the run, by the oracle's second command."""
MOST = 24


def draw_contractor(random: Random) -> tuple[CommandData, str]:
    number = random.choice((0, 0, 0, 1))
    own, contractor_id = f"contractor:{INVITED[number]}", CONTRACTORS[number]
    match random.choice("puulllqqqqkkkkkkkkbbbbbbbbbbbbcoozze"):
        case "p":
            return creating(number), own
        case "u":
            country = random.choice(("EG", "DE"))
            return contractor.UpdateContractorProfile(contractor_id=contractor_id, country=country), random.choice((own, ADMIN))
        case "l":
            return linking(number, random.randrange(2)), SYSTEM
        case "q":
            return contractor.RequestContractorKyc(contractor_id=contractor_id), random.choice((own, own, ADMIN))
        case "k":
            return _decided(contractor_id, random), SYSTEM
        case "b":
            return _bank(contractor_id, own, random)
        case "c":
            return contractor.ConfirmContractContractor(contractor_id=contractor_id, contract_id=CONTRACTS[0], check_no=1), SYSTEM
        case "e" if random.random() < 0.3:
            return contractor.EraseContractor(contractor_id=contractor_id, user_id=INVITED[number]), SYSTEM
        case letter:
            note = contractor.NoteContractClosed if letter == "z" else contractor.NoteContractOpened
            return note(contractor_id=contractor_id, contract_id=random.choice(CONTRACTS)), SYSTEM


def _decided(contractor_id: ContractorId, random: Random) -> CommandData:
    """Of the check before the run, of one that a command of the run asked for, maybe."""
    asked = CommandId(derived(f"command-{random.randrange(MOST)}"))
    session = CHECK if random.random() < 0.6 else KycSessionId(within(asked, "kyc"))
    return contractor.ApplyKycOutcome(
        contractor_id=contractor_id,
        kyc_session_id=session,
        outcome=random.choice((*KycOutcome, KycOutcome.VERIFIED, KycOutcome.REJECTED)),
        decision_time=decided_at(random),
    )


def decided_at(random: Random) -> DecisionTime:
    """Few moments, so that two decisions are of the same one at times."""
    return DecisionTime(f"2026-01-01T00:00:{random.randrange(6):02d}.000000Z")


def _bank(contractor_id: ContractorId, own: str, random: Random) -> tuple[CommandData, str]:
    bank = BankDetailsId(derived(f"sim:bank-{contractor_id}-{random.randrange(3)}"))
    named = {"contractor_id": contractor_id, "bank_details_id": bank}
    match random.choice("aaaadrrssfy"):
        case "a":
            return _adding(contractor_id, bank, random), own
        case "d":
            return contractor.SetDefaultBankDetails(**named), own
        case "r":
            return contractor.RemoveBankDetails(**named), own
        case "s":
            external = f"ba_{random.randrange(2)}"
            synced = contractor.RecordBankDetailsSynced(**named, action=contractor.BankAction.ATTACH, stripe_external_account_id=external)
            return synced, SYSTEM
        case "f":
            return contractor.RecordBankDetailsFailed(**named, code=random.choice(("one", "two"))), SYSTEM
    as_of = f"2026-01-01T00:00:0{random.randrange(4)}.000Z"
    ready = {"contractor_id": contractor_id, "ready": random.random() < 0.5, "as_of": as_of}
    return contractor.RecordPayoutReadiness.model_validate(ready), SYSTEM


def _adding(contractor_id: ContractorId, bank: BankDetailsId, random: Random) -> CommandData:
    currency: PayoutCurrency = "USD"
    return contractor.AddBankDetails(
        contractor_id=contractor_id,
        bank_details_id=bank,
        bank_name="Bank",
        account_number=sealed("sync-bank", bank, "reader"),
        currency=currency,
        country="US",
        last4="6789",
        fingerprint=random.choice(HASHES),
        make_default=random.random() < 0.5,
    )


def linking(number: int, company: int) -> contractor.LinkContractorToClient:
    invitation = InvitationId(derived(f"invitation:{COMPANIES[company]}:{HASHES[number]}"))
    return contractor.LinkContractorToClient(contractor_id=CONTRACTORS[number], client_id=COMPANIES[company], invitation_id=invitation)


def creating(number: int) -> contractor.CreateContractorProfile:
    user = INVITED[number]
    return contractor.CreateContractorProfile(
        contractor_id=CONTRACTORS[number],
        user_id=user,
        name=sealed(user, "Omar"),
        name_legal=sealed(user, "Omar", "legal"),
        country="EG",
    )


def before_contractor() -> Sequence[CommandData]:
    """One of the two is there, with an identity check under way."""
    return [creating(0), contractor.RequestContractorKyc(contractor_id=CONTRACTORS[0])]
