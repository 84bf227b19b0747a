"""Where stories about people and companies begin: registered, verified, invited, checked, leaving."""

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from contracts.auth import (
    ErasurePart,
    KeyScope,
    OpenSession,
    RecordErasurePart,
    RecordSubjectKeyDestroyed,
    RegisterUser,
    RequestErasure,
    RequestPasswordReset,
)
from contracts.client import InviteContractor, NoteContractOpened, RecordRegistryResult, RegisterCompany
from contracts.contractor import AddBankDetails, BankAction, CreateContractorProfile, RecordBankDetailsSynced, RequestContractorKyc
from contracts.ids import derived
from contracts.kyc import (
    DocumentId,
    KycProvider,
    ProviderOutcome,
    RecordKycDecision,
    RecordKycProgress,
    RecordKycSessionCreated,
    RegisterKycDocument,
    ReviewKycDocument,
    StartKycSession,
)
from contracts.message import CommandData
from contracts.types import BankDetailsId, ClientId, ContractId, ContractorId, DecisionTime, KycSessionId, UserId
from contracts.user import CreatePreferences, CreateProfile
from tests.contracts.test_examples import example
from tests.fuzz.inventing import ACTORS, COMPANIES, CONTRACTORS, HASHES, IDS, NONCE, USERS

Opening: TypeAlias = Sequence[tuple[str, CommandData]]

SYSTEM, COMPANY, CONTRACTOR, ADMIN, PUBLIC = ACTORS[0], ACTORS[1], ACTORS[2], ACTORS[3], "public"
OWNER, PERSON = UserId(USERS[0]), UserId(USERS[1])
CLIENT_ID, CONTRACTOR_ID = ClientId(COMPANIES[0]), ContractorId(CONTRACTORS[1])
SESSION = KycSessionId(IDS[0])
DOCUMENT = DocumentId(IDS[1])
LINK: Final = {"hash": HASHES[0], "nonce": NONCE, "kid": "k1"}


def _registered() -> Opening:
    registering = RegisterUser.model_validate(example("mindlinks.auth.RegisterUser.v1")["data"])
    first = registering.model_copy(update={"user_id": OWNER, "email_hash": HASHES[0]})
    second = registering.model_copy(update={"user_id": PERSON, "email_hash": HASHES[1]})
    return ((PUBLIC, first), (PUBLIC, second))


def _people() -> Opening:
    """Two accounts, one of them signed in, with a profile, and with a link to reset its password."""
    signing_in = OpenSession.model_validate(example("mindlinks.auth.OpenSession.v1")["data"])
    reset = RequestPasswordReset.model_validate({"userId": OWNER, "reset": LINK})
    return (
        *_registered(),
        (PUBLIC, signing_in.model_copy(update={"user_id": OWNER, "session_id": IDS[0], "refresh_token_hash": HASHES[0]})),
        (SYSTEM, CreateProfile(user_id=OWNER)),
        (SYSTEM, CreatePreferences.model_validate({"userId": OWNER, "language": "en"})),
        (PUBLIC, reset),
    )


def _leaving() -> Opening:
    """All that answer have erased their parts of a person, and its key is destroyed."""
    asked = RequestErasure(user_id=OWNER, verified_epoch=1)
    return (
        *_registered(),
        (COMPANY, asked),
        *((SYSTEM, RecordErasurePart(user_id=OWNER, part=part)) for part in ErasurePart),
        (SYSTEM, RecordSubjectKeyDestroyed(user_id=OWNER, scope=KeyScope.SUBJECT)),
    )


def _company() -> Opening:
    """Found in the registry, with an invitation out and a contract open."""
    registering = RegisterCompany.model_validate(example("mindlinks.client.RegisterCompany.v1")["data"])
    verified = RecordRegistryResult.model_validate(example("mindlinks.client.RecordRegistryResult.v1")["data"])
    inviting = InviteContractor.model_validate(
        {
            **example("mindlinks.client.InviteContractor.v1")["data"],
            "companyId": CLIENT_ID,
            "invitationId": derived(f"invitation:{CLIENT_ID}:{HASHES[0]}"),
            "emailHash": HASHES[0],
            "token": LINK,
        }
    )
    return (
        (COMPANY, registering.model_copy(update={"company_id": CLIENT_ID, "user_id": OWNER})),
        (SYSTEM, verified.model_copy(update={"company_id": CLIENT_ID})),
        (COMPANY, inviting),
        (SYSTEM, NoteContractOpened(company_id=CLIENT_ID, contract_id=ContractId(IDS[0]))),
    )


def _contractor() -> Opening:
    """With bank details, and an identity check going on."""
    profile = CreateContractorProfile.model_validate(example("mindlinks.contractor.CreateContractorProfile.v1")["data"])
    synced = RecordBankDetailsSynced(
        contractor_id=CONTRACTOR_ID, bank_details_id=BankDetailsId(IDS[0]), action=BankAction.ATTACH, stripe_external_account_id="one"
    )
    bank = AddBankDetails.model_validate(example("mindlinks.contractor.AddBankDetails.v1")["data"])
    return (
        (CONTRACTOR, profile.model_copy(update={"contractor_id": CONTRACTOR_ID, "user_id": PERSON})),
        (CONTRACTOR, bank.model_copy(update={"contractor_id": CONTRACTOR_ID, "bank_details_id": IDS[0]})),
        (SYSTEM, synced),
        (CONTRACTOR, RequestContractorKyc(contractor_id=CONTRACTOR_ID)),
    )


def _checks() -> Opening:
    """A session at its provider, with a document, and approved."""
    start = StartKycSession.model_validate(example("mindlinks.kyc.StartKycSession.v1")["data"])
    created = RecordKycSessionCreated.model_validate(example("mindlinks.kyc.RecordKycSessionCreated.v1")["data"])
    document = {**example("mindlinks.kyc.RegisterKycDocument.v1")["data"], "kycSessionId": SESSION, "documentId": DOCUMENT}
    document["file"] = {**document["file"], "key": f"kyc/{SESSION}/one"}
    approved = RecordKycDecision(
        kyc_session_id=SESSION,
        provider=KycProvider.VERIFF,
        veriff_session_id="one",
        outcome=ProviderOutcome.APPROVED,
        decision_time=DecisionTime("2026-01-30T00:00:00.000000Z"),
        raw_key="one",
    )
    return (
        (SYSTEM, start.model_copy(update={"kyc_session_id": SESSION, "contractor_id": CONTRACTOR_ID, "user_id": PERSON})),
        (SYSTEM, created.model_copy(update={"kyc_session_id": SESSION, "veriff_session_id": "one"})),
        (CONTRACTOR, RegisterKycDocument.model_validate(document)),
        (SYSTEM, RecordKycProgress(kyc_session_id=SESSION, veriff_session_id="one", code="7002")),
        (SYSTEM, approved),
        (ADMIN, ReviewKycDocument.model_validate({"kycSessionId": SESSION, "documentId": DOCUMENT, "status": "verified"})),
    )


OPENINGS_OF_PEOPLE: Final[Mapping[str, Opening]] = {
    "people": _people(),
    "leaving": _leaving(),
    "company": _company(),
    "contractor": _contractor(),
    "checks": _checks(),
}
