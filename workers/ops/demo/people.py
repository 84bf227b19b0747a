"""The parties sign up, are verified, and can be paid."""

import hashlib
import secrets

from contracts.auth import RegisterUser, UserRegistered
from contracts.client import CompanyVerified, DecideCompanyVerification, RegisterCompany
from contracts.contractor import AddBankDetails, ApplyKycOutcome, BankDetailsAttached, CreateContractorProfile
from contracts.payment.events import PayeeAccountCreated, PayeeReady
from contracts.sealed import PASSWORD_HASH, Reader
from contracts.timestamps import from_milliseconds
from contracts.types import Purpose
from contracts.user import ProfileUpdated, UpdateProfile
from workers.adapters.links import LinkKeys
from workers.adapters.sealing import MasterKeySealer
from workers.ops.demo.cast import Person
from workers.ops.demo.stage import CURRENCY, Scene, Stage
from workers.ops.dev.keys import LINK_KEY_ID, Keys

# bcrypt of nothing anybody knows: nobody signs in to the demo.
PASSWORD = "$2b$12$abcdefghijklmnopqrstuv0123456789ABCDEFGHIJKLMNOPQRSTU"  # noqa: S105


async def _sign_up(stage: Stage, person: Person) -> None:
    name = {"userId": person.user_id, "firstName": person.first_name, "lastName": person.last_name}
    # The name first, so that the first mail already greets with it.
    await stage.upstream.send(UpdateProfile, name, person.actor)
    await stage.log.until(ProfileUpdated, person.user_id)
    account = {
        "userId": person.user_id,
        "email": person.email,
        "passwordHash": MasterKeySealer(stage.keys.master_key.encode()).seal(Purpose.READER, Reader.SIGN_IN, PASSWORD_HASH, PASSWORD),
        "role": person.role,
        "locale": "en",
        "verification": _verification(stage.keys, person.user_id),
    }
    await stage.upstream.send(RegisterUser, account, "public")
    await stage.log.until(UserRegistered, person.user_id)


def _verification(keys: Keys, user_id: str) -> dict[str, str]:
    """The link of the first mail: its nonce and the hash of the token that only holders of the link key can form."""
    nonce = secrets.token_urlsafe(32)
    token = LinkKeys.parse(keys.link_keys).token("verify-email", user_id, nonce, LINK_KEY_ID) or ""
    return {"hash": hashlib.sha256(token.encode()).hexdigest(), "nonce": nonce, "kid": LINK_KEY_ID}


async def company(stage: Stage) -> None:
    cast = stage.cast
    await _sign_up(stage, cast.client)
    about = {"companyId": cast.company_id, "userId": cast.client.user_id, "legalName": "Acme Robotics GmbH", "country": "DE"}
    await stage.upstream.send(RegisterCompany, about, cast.client.actor)
    verdict = {"companyId": cast.company_id, "outcome": "verified", "reason": "Papers seen."}
    await stage.upstream.send(DecideCompanyVerification, verdict, cast.admin)
    await stage.log.until(CompanyVerified, cast.company_id)


async def contractor(stage: Stage) -> None:
    cast, person = stage.cast, stage.cast.contractor
    await _sign_up(stage, person)
    profile = {"contractorId": cast.contractor_id, "userId": person.user_id, "name": person.name, "country": "US"}
    await stage.upstream.send(CreateContractorProfile, profile, person.actor)
    verdict = {
        "contractorId": cast.contractor_id,
        "kycSessionId": cast.kyc_session_id,
        "outcome": "verified",
        "decisionTime": from_milliseconds(stage.now()).replace("Z", "000Z"),
    }
    await stage.upstream.send(ApplyKycOutcome, verdict, "system:kyc")
    await stage.log.until(PayeeAccountCreated, cast.contractor_id)


async def payout_account(stage: Stage) -> None:
    cast = stage.cast
    bank = {
        "contractorId": cast.contractor_id,
        "bankDetailsId": cast.bank_details_id,
        "bankName": "First Example Bank",
        "accountNumber": "000123456789",
        "routingNumber": "110000000",
        "currency": CURRENCY,
        "country": "US",
        "makeDefault": True,
    }
    await stage.upstream.send(AddBankDetails, bank, cast.contractor.actor)
    await stage.log.until(BankDetailsAttached, cast.contractor_id)
    account = await stage.log.until(PayeeAccountCreated, cast.contractor_id)
    await stage.stripe.enable_account(account.stripe_account_id)
    await stage.log.until(PayeeReady, cast.contractor_id)


SCENES = (
    Scene("A company signs up and is verified", company),
    Scene("A contractor signs up; identity verified; an account at the payment provider", contractor),
    Scene("Bank details go to the provider; onboarding ends; payouts are ready", payout_account),
)
