"""Per kind of command that carries clear fields: how they become wire fields. Kinds without a declaration pass as they are.

A declaration may stand here before its kind does: an unknown kind is refused earlier. Pure; sealing and hashing come after it.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from contracts.clear import Clear
from contracts.ids import derived
from contracts.links import LinkPurpose
from contracts.sealed import VALUE, Reader, bank_number, lead
from contracts.types import Purpose
from workers.ingress.clear_fields import Context, Fields, ToSeal, Wire, checked, is_sealed
from workers.ingress.problems import Problem
from workers.ingress.rules import YEAR, Step, actor, address_hash, ip_hash, lasting_name, link, named_user, owner, password, person, token

Translator: TypeAlias = Callable[[Fields, Context], Wire]

MAXIMUM_VARIABLES: Final = 50
MAXIMUM_CLEAR_VARIABLES: Final = 32 * 1024
"""UTF-8 bytes of all names and values, before sealing."""
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_VERIFICATION: Final = link("verification", LinkPurpose.VERIFY_EMAIL, of="userId")
_COMPANY: Final = owner("company", "companyId")
_CONTRACTOR: Final = owner("contractor", "contractorId")


def translate_clear(kind: str, fields: Fields, context: Context) -> Wire:
    """Raises Problem ``invalid_payload`` with the field. What it makes may differ from call to call: compare requests, not results."""
    if translator := TRANSLATORS.get(kind):
        return translator(fields, context)
    wire = dict(fields)
    for step in DECLARED.get(kind, ()):
        wire |= step(fields, context)
    return wire


def _invite_contractor(fields: Fields, context: Context) -> Wire:
    """Whoever invites cannot know the hash that the invitation's id is made of."""
    wire = {**fields, **address_hash("contractorEmail", "emailHash")(fields, context)}
    wire.setdefault("invitationId", derived(f"invitation:{wire.get('companyId')}:{wire.get('emailHash')}"))
    wire |= link("token", LinkPurpose.INVITATION, of="invitationId")(wire, context)
    return wire | person("contractorEmail", of=lambda *_: _lead(wire.get("emailHash")))(fields, context)


def _add_bank_details(fields: Fields, context: Context) -> Wire:
    if not context.is_clear(fields, "accountNumber"):
        return dict(fields)
    plain = {field: _without_groups(fields[field]) for field in ("accountNumber", "routingNumber") if fields.get(field) is not None}
    field_class = bank_number(str(fields.get("contractorId")))
    sealed = {field: context.to_seal(field, number, Reader.BANK_SYNC, field_class) for field, number in plain.items()}
    identity = "/".join((str(fields.get("country")), plain.get("routingNumber", ""), plain["accountNumber"]))
    return {**fields, **sealed, "last4": plain["accountNumber"][-4:], "fingerprint": context.keyed_hash("bank", identity)}


def _without_groups(number: Any) -> Any:
    """Without the spaces and hyphens by which people group digits."""
    return number.replace(" ", "").replace("-", "").upper() if isinstance(number, str) else number


def _sync_recipient(fields: Fields, context: Context) -> Wire:
    wire = {**fields, **address_hash("email", "emailHash")(fields, context)}

    def subject(*_: object) -> str:
        return context.user(fields["userId"]) if fields.get("userId") is not None else _lead(wire.get("emailHash"))

    return wire | person("email", "phone", "firstName", of=subject)(fields, context)


def _asker(fields: Fields, context: Context) -> str:
    """Whoever reads mail at ``email``. One that is sealed already brings its hash along."""
    return _lead({**fields, **address_hash("email", "emailHash")(fields, context)}.get("emailHash"))


def _demo_of(fields: Fields, _context: Context) -> str:
    """An admin, who knows the request, names whose it is."""
    return _lead(fields.get("emailHash"))


def _subscribe_newsletter(fields: Fields, context: Context) -> Wire:
    """Whoever subscribes cannot know the hash that the subscription's id is made of."""
    wire = {**fields, **address_hash("email", "emailHash")(fields, context)}
    wire.setdefault("subscriptionId", derived(f"newsletter:{wire.get('emailHash')}"))
    wire |= link("verification", LinkPurpose.NEWSLETTER, of="subscriptionId")(wire, context)
    if isinstance(consent := fields.get("consent"), Mapping) and "ipHash" not in consent:
        wire["consent"] = {**consent, "ipHash": context.ip_hash(fields, YEAR)}
    return wire | person("email", "name", of=_asker)(fields, context)


def _lead(email_hash: Any) -> str:
    if not isinstance(email_hash, str) or not _HASH.fullmatch(email_hash):
        told = "by the address or its hash, or by userId where the command has one"
        raise Problem("invalid_payload", f"emailHash: whose personal data this is must be told, {told}.", field="emailHash")
    return lead(email_hash)


def _contract_draft(fields: Fields, context: Context) -> Wire:
    """Variables are sealed for the client's user: the actor, or the one whom an admin names as ``clientUserId``."""
    variables = fields.get("variables")
    if not isinstance(variables, Mapping) or not variables:
        return dict(fields)
    subject = context.user(fields.get("clientUserId"))
    if "clientUserId" in fields and "clientId" in fields and fields["clientId"] != derived(f"company:{subject}"):
        raise Problem("invalid_payload", "clientUserId: is not the user of clientId.", field="clientUserId")
    _require_size(variables)
    return {**fields, "variables": {name: _variable(name, value, subject, context) for name, value in variables.items()}}


def _variable(name: str, value: Any, subject: str, context: Context) -> ToSeal | str:
    if is_sealed(value, Purpose.LEGAL):
        return str(value)
    shape = context.marked["variables"].shape
    return ToSeal(Purpose.LEGAL, subject, VALUE, Clear(checked(f"variables.{name}", value, shape)))


def _require_size(variables: Mapping[str, Any]) -> None:
    if len(variables) > MAXIMUM_VARIABLES:
        raise Problem("invalid_payload", f"variables: at most {MAXIMUM_VARIABLES}.", field="variables")
    clear = {name: value for name, value in variables.items() if isinstance(value, str) and not is_sealed(value, Purpose.LEGAL)}
    if sum(len(name.encode()) + len(value.encode()) for name, value in clear.items()) > MAXIMUM_CLEAR_VARIABLES:
        raise Problem("invalid_payload", f"variables: at most {MAXIMUM_CLEAR_VARIABLES} bytes in all.", field="variables")


DECLARED: Final[Mapping[str, tuple[Step, ...]]] = {
    "mindlinks.auth.RegisterUser.v1": (address_hash("email", "emailHash"), person("email", of=named_user), password, _VERIFICATION),
    "mindlinks.auth.RequestEmailVerification.v1": (_VERIFICATION,),
    "mindlinks.auth.VerifyEmail.v1": (token,),
    "mindlinks.auth.ChangeEmail.v1": (
        address_hash("newEmail", "newEmailHash"),
        person("newEmail", of=named_user),
        link("verification", LinkPurpose.CONFIRM_EMAIL, of="userId"),
    ),
    "mindlinks.auth.ConfirmEmailChange.v1": (token,),
    "mindlinks.auth.RequestPasswordReset.v1": (link("reset", LinkPurpose.RESET_PASSWORD, of="userId"),),
    "mindlinks.auth.SetPassword.v1": (password, token),
    "mindlinks.auth.RecordLoginFailure.v1": (ip_hash,),
    # Refresh tokens are made and checked where people sign in; here they arrive as hashes.
    "mindlinks.auth.OpenSession.v1": (ip_hash, person("userAgent", of=named_user)),
    "mindlinks.user.UpdateProfile.v1": (person("firstName", "lastName", "phone", of=named_user),),
    "mindlinks.client.RegisterCompany.v1": (lasting_name("legalName", of=named_user), person("taxId", of=named_user)),
    "mindlinks.client.UpdateCompanyDetails.v1": (lasting_name("legalName", of=_COMPANY), person("taxId", of=_COMPANY)),
    "mindlinks.client.ResendInvitation.v1": (link("token", LinkPurpose.INVITATION, of="invitationId"),),
    "mindlinks.client.AcceptInvitation.v1": (address_hash("email", "emailHash"), token),
    "mindlinks.contractor.CreateContractorProfile.v1": (lasting_name("name", of=named_user),),
    "mindlinks.contractor.UpdateContractorProfile.v1": (lasting_name("name", of=_CONTRACTOR),),
    "mindlinks.contract.SignContract.v1": (person("signatureName", of=actor), ip_hash),
    "mindlinks.lead.SubmitContact.v1": (
        address_hash("email", "emailHash"),
        person("name", "email", "company", "phone", "message", of=_asker),
    ),
    "mindlinks.lead.RequestDemo.v1": (address_hash("email", "emailHash"), person("name", "email", "company", of=_asker)),
    "mindlinks.lead.SetDemoNotes.v1": (person("notes", of=_demo_of),),
    "mindlinks.lead.ConfirmSubscription.v1": (token,),
    "mindlinks.lead.Unsubscribe.v1": (token,),
    "mindlinks.lead.EraseLead.v1": (address_hash("email", "emailHash"),),
    "mindlinks.notification.SuppressAddress.v1": (address_hash("address", "addressHash"),),
    "mindlinks.notification.LiftSuppression.v1": (address_hash("address", "addressHash"),),
}
TRANSLATORS: Final[Mapping[str, Translator]] = {
    "mindlinks.client.InviteContractor.v1": _invite_contractor,
    "mindlinks.contractor.AddBankDetails.v1": _add_bank_details,
    "mindlinks.notification.SyncRecipient.v1": _sync_recipient,
    "mindlinks.lead.SubscribeNewsletter.v1": _subscribe_newsletter,
    "mindlinks.contract.CreateContractDraft.v1": _contract_draft,
    "mindlinks.contract.UpdateContractDraft.v1": _contract_draft,
}
