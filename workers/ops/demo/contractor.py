"""Section 16, steps 5 and 6: the invited person comes, and accepts."""

from contracts.client import AcceptInvitation, InvitationAccepted
from contracts.contractor import ContractorKycRequested, ContractorLinkedToClient, ContractorProfileCreated, CreateContractorProfile
from contracts.links import LinkPurpose
from contracts.user import PreferencesUpdated, UpdatePreferences
from workers.ops.demo.accounts import enter, sign_up
from workers.ops.demo.cast import Person
from workers.ops.demo.stage import Scene, Stage


async def came(stage: Stage) -> None:
    cast, person = stage.cast, stage.cast.contractor
    await sign_up(stage, person)
    await enter(stage, person)
    await _by_sms_too(stage, person)
    profile = {"contractorId": cast.contractor_id, "userId": person.user_id, "name": person.name, "country": "US"}
    await stage.upstream.send(CreateContractorProfile, profile, person.actor)
    await stage.log.until(ContractorProfileCreated, cast.contractor_id)


async def _by_sms_too(stage: Stage, person: Person) -> None:
    wish = {"userId": person.user_id, "notifications": {"sms": True}}
    await stage.upstream.send(UpdatePreferences, wish, person.actor)
    await stage.log.until(PreferencesUpdated, person.user_id, count=2)


async def accepted(stage: Stage) -> None:
    cast, person = stage.cast, stage.cast.contractor
    link = await stage.mailbox.link(person.email, LinkPurpose.INVITATION)
    answer = {
        "companyId": cast.company_id,
        "invitationId": link.id,
        "token": link.token,
        "userId": person.user_id,
        "contractorId": cast.contractor_id,
        "email": person.email,
    }
    await stage.upstream.send(AcceptInvitation, answer, person.actor)
    await stage.log.until(InvitationAccepted, cast.company_id)
    await stage.log.until(ContractorLinkedToClient, cast.contractor_id)
    await stage.log.until(ContractorKycRequested, cast.contractor_id)


SCENES = (
    Scene("The invited person signs up, proves the address, signs in, makes a profile", came),
    Scene("The link in the invitation accepts it; an identity check is asked for", accepted),
)
