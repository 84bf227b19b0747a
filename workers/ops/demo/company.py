"""Section 16, steps 1 to 4: a company comes, is verified, and invites somebody."""

from contracts.client import CompanyVerified, InvitationSent, InviteContractor, RegisterCompany
from workers.ops.demo.accounts import enter, sign_up
from workers.ops.demo.stage import Scene, Stage


async def signed_up(stage: Stage) -> None:
    await sign_up(stage, stage.cast.client)


async def entered(stage: Stage) -> None:
    await enter(stage, stage.cast.client)


async def verified(stage: Stage) -> None:
    cast = stage.cast
    await stage.registry.register(cast.jurisdiction, cast.company_number, cast.registered_name)
    about = {
        "companyId": cast.company_id,
        "userId": cast.client.user_id,
        "legalName": cast.legal_name,
        "taxId": cast.tax_id,
        "country": "DE",
        "jurisdiction": cast.jurisdiction,
        "companyNumber": cast.company_number,
    }
    await stage.upstream.send(RegisterCompany, about, cast.client.actor)
    await stage.log.until(CompanyVerified, cast.company_id)


async def invited(stage: Stage) -> None:
    cast = stage.cast
    wish = {"companyId": cast.company_id, "contractorEmail": cast.contractor.email, "locale": "en", "message": "We look for a controller."}
    await stage.upstream.send(InviteContractor, wish, cast.client.actor)
    await stage.log.until(InvitationSent, cast.company_id)


SCENES = (
    Scene("A person signs up for a company", signed_up),
    Scene("The link in the mail proves the address; the person signs in", entered),
    Scene("The company is registered; the business registry knows it", verified),
    Scene("The company invites a contractor by mail", invited),
)
