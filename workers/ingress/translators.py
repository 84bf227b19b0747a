"""One translator per kind that carries clear fields. Kinds without one pass as they are."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from pydantic import TypeAdapter

from contracts.ids import derived
from contracts.sealed import VALUE, Reader, bank_number, lead
from contracts.types import Purpose
from workers.ingress.problems import Problem
from workers.ingress.sealing import BANK_NUMBER, EMAIL, PHONE, Clear, Context, Wire, checked, is_sealed, text

Translator: TypeAlias = Callable[[Clear, Context], Wire]

YEAR: Final = 4
"""Characters of a timestamp: the pepper of signers' addresses changes yearly (domain.md 0.4)."""
MAXIMUM_VARIABLES: Final = 50
MAXIMUM_CLEAR_VARIABLES: Final = 32 * 1024
"""UTF-8 bytes of all names and values, before sealing."""
_HASH: Final = re.compile(r"[0-9a-f]{64}")
GIVEN_NAME: Final = text(80)
PARTY_NAME: Final = text(200)
VARIABLE: Final = text(2000)


def translate_clear(kind: str, clear: Clear, context: Context) -> Wire:
    """Raises Problem ``invalid_payload`` with the field. What it makes may differ from call to call: compare requests, not results."""
    translator = TRANSLATORS.get(kind)
    return translator(clear, context) if translator else dict(clear)


def _sealed(clear: Clear, context: Context, purpose: Purpose, subject: str, shapes: Mapping[str, TypeAdapter[str]]) -> Wire:
    """The named fields that are there, sealed as values of a person."""
    present = {field: shape for field, shape in shapes.items() if clear.get(field) is not None}
    return {field: context.seal(purpose, subject, VALUE, field, clear[field], shape) for field, shape in present.items()}


def _email_hash(clear: Clear, context: Context) -> Wire:
    email = clear.get("email")
    return {} if email is None or is_sealed(email, Purpose.SUBJECT) else {"emailHash": context.address_hash("email", email)}


def _register_user(clear: Clear, context: Context) -> Wire:
    subject = context.user(clear.get("userId"))
    return {**clear, **_email_hash(clear, context), **_sealed(clear, context, Purpose.SUBJECT, subject, {"email": EMAIL})}


def _update_profile(clear: Clear, context: Context) -> Wire:
    shapes = {"firstName": GIVEN_NAME, "lastName": GIVEN_NAME, "phone": PHONE}
    return {**clear, **_sealed(clear, context, Purpose.SUBJECT, context.user(clear.get("userId")), shapes)}


def _register_company(clear: Clear, context: Context) -> Wire:
    subject = context.user(clear.get("userId"))
    sealed = _sealed(clear, context, Purpose.SUBJECT, subject, {"legalName": PARTY_NAME, "taxId": text(40)})
    return {**clear, **_name_twice(clear, context, subject, "legalName"), **sealed}


def _create_contractor_profile(clear: Clear, context: Context) -> Wire:
    subject = context.user(clear.get("userId"))
    sealed = _sealed(clear, context, Purpose.SUBJECT, subject, {"name": PARTY_NAME})
    return {**clear, **_name_twice(clear, context, subject, "name"), **sealed}


def _name_twice(clear: Clear, context: Context, subject: str, field: str) -> Wire:
    """A name that contracts will show is also sealed under the key that outlives an erasure."""
    name = clear.get(field)
    if name is None or is_sealed(name, Purpose.SUBJECT):
        return {}
    return {"nameLegal": context.seal(Purpose.LEGAL, subject, VALUE, field, name, PARTY_NAME)}


def _add_bank_details(clear: Clear, context: Context) -> Wire:
    account = clear.get("accountNumber")
    if account is None or is_sealed(account, Purpose.READER):
        return dict(clear)
    field_class = bank_number(str(clear.get("contractorId")))
    plain = {field: _plain_number(clear, field) for field in ("accountNumber", "routingNumber") if clear.get(field) is not None}
    sealed = {
        field: context.seal(Purpose.READER, Reader.BANK_SYNC, field_class, field, number, BANK_NUMBER) for field, number in plain.items()
    }
    identity = "/".join((str(clear.get("country")), plain.get("routingNumber", ""), plain["accountNumber"]))
    return {**clear, **sealed, "last4": plain["accountNumber"][-4:], "fingerprint": context.keyed_hash("bank", identity)}


def _plain_number(clear: Clear, field: str) -> str:
    """Without the spaces and hyphens by which people group digits."""
    value = clear[field]
    return checked(field, value.replace(" ", "").replace("-", "").upper() if isinstance(value, str) else value, BANK_NUMBER)


def _sync_recipient(clear: Clear, context: Context) -> Wire:
    wire, shapes = {**clear, **_email_hash(clear, context)}, {"email": EMAIL, "phone": PHONE, "firstName": GIVEN_NAME}
    if all(clear.get(field) is None or is_sealed(clear[field], Purpose.SUBJECT) for field in shapes):
        return wire
    subject = context.user(clear["userId"]) if clear.get("userId") is not None else _lead(wire.get("emailHash"))
    return wire | _sealed(clear, context, Purpose.SUBJECT, subject, shapes)


def _lead(email_hash: Any) -> str:
    if not isinstance(email_hash, str) or not _HASH.fullmatch(email_hash):
        raise Problem("invalid_payload", "emailHash: whose personal data this is must be told, by it or by userId.", field="emailHash")
    return lead(email_hash)


def _suppressed_address(clear: Clear, context: Context) -> Wire:
    address = clear.get("address")
    return dict(clear) if address is None else {**clear, "addressHash": context.address_hash("address", address)}


def _contract_draft(clear: Clear, context: Context) -> Wire:
    """Variables are sealed for the client's user: the actor, or the one whom an admin names as ``clientUserId``."""
    variables = clear.get("variables")
    if not isinstance(variables, Mapping) or not variables:
        return dict(clear)
    subject = context.user(clear.get("clientUserId"))
    if "clientUserId" in clear and "clientId" in clear and clear["clientId"] != derived(f"company:{subject}"):
        raise Problem("invalid_payload", "clientUserId: is not the user of clientId.", field="clientUserId")
    _require_size(variables)
    sealed = {name: context.seal(Purpose.LEGAL, subject, VALUE, f"variables.{name}", value, VARIABLE) for name, value in variables.items()}
    return {**clear, "variables": sealed}


def _require_size(variables: Mapping[str, Any]) -> None:
    if len(variables) > MAXIMUM_VARIABLES:
        raise Problem("invalid_payload", f"variables: at most {MAXIMUM_VARIABLES}.", field="variables")
    clear = {name: value for name, value in variables.items() if isinstance(value, str) and not is_sealed(value, Purpose.LEGAL)}
    if sum(len(name.encode()) + len(value.encode()) for name, value in clear.items()) > MAXIMUM_CLEAR_VARIABLES:
        raise Problem("invalid_payload", f"variables: at most {MAXIMUM_CLEAR_VARIABLES} bytes in all.", field="variables")


def _sign_contract(clear: Clear, context: Context) -> Wire:
    wire = {**clear, **_sealed(clear, context, Purpose.LEGAL, context.user(), {"signatureName": text(120)})}
    return wire if "ipHash" in clear else {**wire, "ipHash": context.ip_hash(clear, YEAR)}


TRANSLATORS: Final[Mapping[str, Translator]] = {
    "mindlinks.auth.RegisterUser.v1": _register_user,
    "mindlinks.user.UpdateProfile.v1": _update_profile,
    "mindlinks.client.RegisterCompany.v1": _register_company,
    "mindlinks.contractor.CreateContractorProfile.v1": _create_contractor_profile,
    "mindlinks.contractor.AddBankDetails.v1": _add_bank_details,
    "mindlinks.notification.SyncRecipient.v1": _sync_recipient,
    "mindlinks.notification.SuppressAddress.v1": _suppressed_address,
    "mindlinks.notification.LiftSuppression.v1": _suppressed_address,
    "mindlinks.contract.CreateContractDraft.v1": _contract_draft,
    "mindlinks.contract.UpdateContractDraft.v1": _contract_draft,
    "mindlinks.contract.SignContract.v1": _sign_contract,
}
