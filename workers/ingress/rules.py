"""The steps that declarations of ``translators`` are written in. Each makes some wire fields of a command's clear ones, and leaves
alone what the caller sealed or hashed himself."""

import hashlib
from collections.abc import Callable
from typing import Final, TypeAlias

from pydantic import TypeAdapter

from contracts.clear import Clear
from contracts.ids import derived
from contracts.links import LinkPurpose, Token
from contracts.types import Purpose
from workers.ingress.clear_fields import PASSWORD, Context, Fields, ToHash, Wire, checked, is_sealed
from workers.ingress.problems import Problem

Step: TypeAlias = Callable[[Fields, Context], Wire]
Subject: TypeAlias = Callable[[Fields, Context], str]

YEAR: Final = 4
"""Characters of a timestamp: the pepper of people's network addresses changes yearly (domain.md 0.4)."""
TOKEN: Final[TypeAdapter[str]] = TypeAdapter(Token)


# --- whose value it is ---------------------------------------------------------------------------------------------


def named_user(fields: Fields, context: Context) -> str:
    """The data's ``userId``."""
    return context.user(fields.get("userId"))


def actor(_: Fields, context: Context) -> str:
    return context.user()


def owner(prefix: str, key: str) -> Subject:
    """The user whose company or profile ``key`` names: the actor, or the one whom an admin names as ``userId``."""

    def subject(fields: Fields, context: Context) -> str:
        user = context.user(fields.get("userId"))
        if key in fields and fields[key] != derived(f"{prefix}:{user}"):
            raise Problem("invalid_payload", f"userId: name the user whom {key} belongs to.", field="userId")
        return user

    return subject


# --- what is made --------------------------------------------------------------------------------------------------


def person(*fields: str, of: Subject) -> Step:
    """Values of one person, sealed under the purpose that the model's mark says."""

    def step(given: Fields, context: Context) -> Wire:
        clear = [field for field in fields if context.is_clear(given, field)]
        if not clear:
            return {}
        subject = of(given, context)
        return {field: context.to_seal(field, given[field], subject) for field in clear}

    return step


def lasting_name(field: str, of: Subject) -> Step:
    """A name that contracts will show: also sealed under the key that outlives an erasure."""

    def step(given: Fields, context: Context) -> Wire:
        if not context.is_clear(given, field):
            return {}
        subject = of(given, context)
        twice = {"nameLegal": context.to_seal("nameLegal", given[field], subject, name=field)}
        return twice | {field: context.to_seal(field, given[field], subject)}

    return step


def address_hash(field: str, hashed: str) -> Step:
    def step(given: Fields, context: Context) -> Wire:
        address = given.get(field)
        return {} if address is None or is_sealed(address, Purpose.SUBJECT) else {hashed: context.address_hash(field, address)}

    return step


def password(given: Fields, _: Context) -> Wire:
    return {} if given.get("password") is None else {"passwordHash": ToHash(Clear(checked("password", given["password"], PASSWORD)))}


def token(given: Fields, _: Context) -> Wire:
    """Of a token out of a link."""
    if given.get("token") is None:
        return {}
    return {"tokenHash": hashlib.sha256(checked("token", given["token"], TOKEN).encode()).hexdigest()}


def link(field: str, purpose: LinkPurpose, of: str) -> Step:
    """A new link for the aggregate or row that the field ``of`` names."""

    def step(given: Fields, context: Context) -> Wire:
        return {} if given.get(field) is not None else {field: context.new_link(purpose, str(given.get(of)))}

    return step


def ip_hash(given: Fields, context: Context) -> Wire:
    return {} if "ipHash" in given else {"ipHash": context.ip_hash(given, YEAR)}
