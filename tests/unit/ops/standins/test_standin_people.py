"""The stand-ins of auth and user: people have addresses and names."""

import pytest

from contracts.auth import Link, RegisterUser, Role, UserRegistered
from contracts.timestamps import plus
from contracts.types import CommandId, Locale, UserId
from contracts.user import ProfileField, ProfileUpdated, UpdateProfile
from tests.support.oracle import START, Oracle
from workers.engine.decision import UNCHANGED, ItemRef, Refused
from workers.ops.standins import SERVICES, auth, user

USER = UserId("11111111-1111-4111-8111-111111111111")
OTHER = UserId("22222222-2222-4222-8222-222222222222")
ID = CommandId("66666666-6666-4666-8666-666666666666")
EMAIL, FIRST, PHONE = (f"s1.subject.{USER}.1.{text}" for text in ("TWFpbA", "Rmlyc3Q", "UGhvbmU"))
HASH = "a" * 64
LINK = Link(hash="b" * 64, nonce="n" * 43, kid="k1")
REGISTER = RegisterUser(
    user_id=USER,
    email=EMAIL,
    email_hash=HASH,
    password_hash="s1.reader.sign-in.1.SGFzaA",
    role=Role.COMPANY,
    locale=Locale.EN,
    verification=LINK,
)
ACTOR = f"user:{USER}"


def test_a_person_registers_once() -> None:
    oracle = Oracle(auth.SERVICE)
    oracle.send(REGISTER, actor="public", id=ID)
    expected = UserRegistered(
        user_id=USER,
        email=EMAIL,
        email_hash=HASH,
        role=Role.COMPANY,
        locale=Locale.EN,
        nonce=LINK.nonce,
        kid="k1",
        expires_on=plus(START, days=7),
    )
    assert oracle.events == [expected]
    assert oracle.items[ItemRef("auth-users", f"EMAIL#{HASH}")]["ownerId"] == USER
    assert oracle.items[ItemRef("auth-users", USER)]["status"] == "active"
    assert oracle.send(REGISTER, actor="public", id=ID) is UNCHANGED
    assert oracle.send(REGISTER, actor="public") == Refused("id_conflict")


def test_an_address_belongs_to_one_account() -> None:
    oracle = Oracle(auth.SERVICE)
    oracle.send(REGISTER, actor="public")
    assert oracle.send(REGISTER.model_copy(update={"user_id": OTHER}), actor="public") == Refused("email_taken")
    assert ItemRef("auth-users", OTHER) not in oracle.items


@pytest.mark.parametrize(
    ("actor", "allowed"), [("public", False), (f"company:{OTHER}", False), (f"admin:{OTHER}", True), ("system:seed", True)]
)
def test_only_admins_and_the_seed_make_admins(actor: str, allowed: bool) -> None:
    decision = Oracle(auth.SERVICE).send(REGISTER.model_copy(update={"role": Role.ADMIN}), actor=actor)
    assert (decision == Refused("role_not_allowed")) is not allowed


def test_a_profile_says_what_changed() -> None:
    oracle = Oracle(user.SERVICE)
    oracle.send(UpdateProfile(user_id=USER, first_name=FIRST), actor=ACTOR)
    oracle.send(UpdateProfile(user_id=USER, phone=PHONE), actor=ACTOR)
    assert oracle.events == [
        ProfileUpdated(user_id=USER, first_name=FIRST, changed=(ProfileField.FIRST_NAME,)),
        ProfileUpdated(user_id=USER, first_name=FIRST, phone=PHONE, changed=(ProfileField.PHONE,)),
    ]
    assert oracle.send(UpdateProfile(user_id=USER, phone=PHONE), actor=ACTOR) is UNCHANGED


def test_a_profile_is_its_persons_own() -> None:
    assert Oracle(user.SERVICE).send(UpdateProfile(user_id=USER, first_name=FIRST), actor=f"user:{OTHER}") == Refused("forbidden")


def test_each_stand_in_speaks_for_its_own_service() -> None:
    assert [service.name for service in SERVICES] == ["auth", "user", "client", "contractor"]
    for service in SERVICES:
        assert {handler.command.service for handler in service.handlers} == {service.name}
