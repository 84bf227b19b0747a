"""A person gets an account, proves the address, signs in, says how to be called."""

from contracts.auth import EmailVerified, RegisterUser, SessionOpened, UserRegistered, VerifyEmail
from contracts.links import LinkPurpose
from contracts.user import PreferencesUpdated, ProfileCreated, ProfileUpdated, UpdateProfile
from workers.ops.demo.cast import Person
from workers.ops.demo.stage import Stage


async def sign_up(stage: Stage, person: Person) -> None:
    """The password leaves in the clear; the ingress hashes it."""
    account = {"userId": person.user_id, "email": person.email, "password": person.password, "role": person.role, "locale": "en"}
    await stage.upstream.send(RegisterUser, account, "public")
    for event in (UserRegistered, ProfileCreated, PreferencesUpdated):
        await stage.log.until(event, person.user_id)


async def enter(stage: Stage, person: Person) -> None:
    """By the link in the mail."""
    link = await stage.mailbox.link(person.email, LinkPurpose.VERIFY_EMAIL)
    await stage.upstream.send(VerifyEmail, {"userId": link.id, "token": link.token}, "public")
    await stage.log.until(EmailVerified, person.user_id)
    session = await stage.upstream.sign_in(person)
    await stage.log.until(SessionOpened, person.user_id, lambda event: event.session_id == session)
    name = {"userId": person.user_id, "firstName": person.first_name, "lastName": person.last_name, "phone": person.phone}
    await stage.upstream.send(UpdateProfile, name, person.actor)
    await stage.log.until(ProfileUpdated, person.user_id)
