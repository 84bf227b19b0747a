"""The parties sign up, are verified, and can be paid."""

from contracts.auth import RegisterUser, UserRegistered
from contracts.client import CompanyVerified, DecideCompanyVerification, RegisterCompany
from contracts.contractor import AddBankDetails, ApplyKycOutcome, BankDetailsAttached, CreateContractorProfile
from contracts.payment.events import PayeeAccountCreated, PayeeReady
from contracts.timestamps import from_milliseconds
from contracts.user import ProfileUpdated, UpdateProfile
from workers.ops.demo.cast import Person
from workers.ops.demo.stage import CURRENCY, Scene, Stage


async def _sign_up(stage: Stage, person: Person) -> None:
    name = {"userId": person.user_id, "firstName": person.first_name, "lastName": person.last_name, "phone": person.phone}
    # The name first, so that the first mail already greets with it.
    await stage.upstream.send(UpdateProfile, name, person.actor)
    await stage.log.until(ProfileUpdated, person.user_id)
    account = {
        "userId": person.user_id,
        "email": person.email,
        "password": person.password,
        "role": person.role,
        "locale": "en",
    }
    await stage.upstream.send(RegisterUser, account, "public")
    await stage.log.until(UserRegistered, person.user_id)


async def company(stage: Stage) -> None:
    cast = stage.cast
    await _sign_up(stage, cast.client)
    about = {
        "companyId": cast.company_id,
        "userId": cast.client.user_id,
        "legalName": cast.legal_name,
        "taxId": cast.tax_id,
        "country": "DE",
    }
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
        "accountNumber": cast.account_number,
        "routingNumber": cast.routing_number,
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
