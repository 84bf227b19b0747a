"""Clear fields go in, sealed ones come out; nothing clear reaches the log or an answer."""

from typing import Any

import pytest

from contracts.ids import derived
from contracts.sealed import VALUE, bank_number
from tests.unit.ingress.doubles import CONTRACT, KEY, SEALER, USER, Ingress, command, reason_of
from workers.adapters.blind_index import email_hash

COMPANY = derived(f"company:{USER}")
CONTRACTOR = derived(f"contractor:{USER}")
OTHER = "88888888-8888-4888-8888-888888888888"
DRAFT = {
    "contractId": CONTRACT,
    "clientId": COMPANY,
    "contractorId": CONTRACTOR,
    "title": "Website",
    "type": "fixed",
    "currency": "USD",
    "rate": 150000,
    "startDate": "2026-12-01",
    "templateId": OTHER,
    "variables": {"scope": "Build the  secret thing", "place": "القاهرة"},
}
BANK = {
    "contractorId": CONTRACTOR,
    "bankDetailsId": OTHER,
    "bankName": "Stripe Test Bank",
    "accountNumber": "0001 2345-6789",
    "routingNumber": "110000000",
    "currency": "USD",
    "country": "US",
    "makeDefault": True,
}
SIGN = {"contractId": CONTRACT, "party": "client", "pdfSha256": "a" * 64, "signatureName": " Amina Farouk "}
PHONE = "+201001234567"


async def wire(ingress: Ingress, kind: str, data: dict[str, Any], **headers: str) -> dict[str, Any]:
    response = await ingress.send(command(kind, data), **headers)
    assert response.status_code == 202, response.text
    return ingress.commands[-1].data.to_item()


async def test_contract_variables_are_sealed_for_the_clients_user(ingress: Ingress) -> None:
    sealed = (await wire(ingress, "mindlinks.contract.CreateContractDraft.v1", DRAFT))["variables"]
    assert all(value.startswith(f"s1.legal.{USER}.1.") for value in sealed.values())
    assert {name: SEALER.open(value, VALUE) for name, value in sealed.items()} == DRAFT["variables"]
    assert b"secret thing" not in ingress.raw


async def test_an_admin_names_the_clients_user(ingress: Ingress) -> None:
    kind, admin = "mindlinks.contract.CreateContractDraft.v1", f"admin:{OTHER}"
    wrong = await ingress.send(command(kind, {**DRAFT, "clientUserId": OTHER}), mindlinks_actor=admin)
    assert (reason_of(wrong), wrong.json()["field"]) == ((400, "invalid_payload"), "clientUserId")
    sealed = await wire(ingress, kind, {**DRAFT, "clientUserId": USER}, mindlinks_actor=admin)
    assert sealed["variables"]["scope"].startswith(f"s1.legal.{USER}.")
    assert "clientUserId" not in sealed


@pytest.mark.parametrize(
    ("variables", "field"),
    [
        ({"scope": "x" * 2001}, "variables.scope"),
        ({"scope": ""}, "variables.scope"),
        ({"scope": 7}, "variables.scope"),
        ({f"v{n}": "x" for n in range(51)}, "variables"),
        ({f"v{n}": "x" * 1000 for n in range(40)}, "variables"),
    ],
)
async def test_limits_are_checked_before_sealing(ingress: Ingress, variables: dict[str, Any], field: str) -> None:
    response = await ingress.send(command("mindlinks.contract.CreateContractDraft.v1", {**DRAFT, "variables": variables}))
    assert (reason_of(response), response.json()["field"]) == ((400, "invalid_payload"), field)


async def test_a_signature_seals_the_name_and_hashes_the_address(ingress: Ingress) -> None:
    kind = "mindlinks.contract.SignContract.v1"
    first = await wire(ingress, kind, SIGN)
    assert SEALER.open(first["signatureName"], VALUE) == "Amina Farouk"
    assert b"203.0.113.9" not in ingress.raw
    named = (await wire(Ingress(), kind, {**SIGN, "ip": "203.0.113.9"}))["ipHash"]
    assert named == first["ipHash"]
    assert (await wire(Ingress(), kind, {**SIGN, "ip": "203.0.113.10"}))["ipHash"] != named
    next_year = Ingress()
    next_year.clock.at += 366 * 86_400_000
    assert (await wire(next_year, kind, SIGN))["ipHash"] != named


async def test_a_signature_needs_a_person(ingress: Ingress) -> None:
    response = await ingress.send(command("mindlinks.contract.SignContract.v1", SIGN), mindlinks_actor="public")
    assert (reason_of(response), response.json()["field"]) == ((400, "invalid_payload"), "Mindlinks-Actor")


async def test_bank_numbers_are_sealed_for_one_reader(ingress: Ingress) -> None:
    data = await wire(ingress, "mindlinks.contractor.AddBankDetails.v1", BANK)
    assert data["accountNumber"].startswith("s1.reader.sync-bank.1.")
    assert SEALER.open(data["accountNumber"], bank_number(CONTRACTOR)) == "000123456789"
    assert SEALER.open(data["routingNumber"], bank_number(CONTRACTOR)) == "110000000"
    assert data["last4"] == "6789"
    again = await wire(Ingress(), "mindlinks.contractor.AddBankDetails.v1", {**BANK, "accountNumber": "000123456789"})
    assert again["fingerprint"] == data["fingerprint"]
    another = await wire(Ingress(), "mindlinks.contractor.AddBankDetails.v1", {**BANK, "accountNumber": "000123456780"})
    assert another["fingerprint"] != data["fingerprint"]
    assert b"123456789" not in ingress.raw


async def test_a_name_for_contracts_is_sealed_twice(ingress: Ingress) -> None:
    company = {"companyId": COMPANY, "userId": USER, "legalName": "Nile Software LLC", "country": "EG", "taxId": "204-518"}
    data = await wire(ingress, "mindlinks.client.RegisterCompany.v1", company)
    assert data["legalName"].startswith(f"s1.subject.{USER}.")
    assert data["nameLegal"].startswith(f"s1.legal.{USER}.")
    assert SEALER.open(data["nameLegal"], VALUE) == "Nile Software LLC"
    assert SEALER.open(data["taxId"], VALUE) == "204-518"
    person = {"contractorId": CONTRACTOR, "userId": USER, "name": "Amina Farouk", "country": "EG"}
    profile = await wire(Ingress(), "mindlinks.contractor.CreateContractorProfile.v1", person)
    assert {SEALER.open(profile[field], VALUE) for field in ("name", "nameLegal")} == {"Amina Farouk"}


async def test_an_account_is_registered_with_its_address_sealed_and_hashed(ingress: Ingress) -> None:
    data = {
        "userId": USER,
        "email": "Amina@Example.com ",
        "passwordHash": "s1.reader.sign-in.1.AAAA",
        "role": "company",
        "locale": "en",
        "verification": {"hash": "b" * 64, "nonce": "n" * 43, "kid": "k1"},
    }
    registered = await wire(ingress, "mindlinks.auth.RegisterUser.v1", data, mindlinks_actor="public")
    assert SEALER.open(registered["email"], VALUE) == "Amina@Example.com"
    assert registered["emailHash"] == email_hash(KEY, "amina@example.com")
    assert registered["passwordHash"] == "s1.reader.sign-in.1.AAAA"


async def test_a_recipient_without_account_is_sealed_for_its_address(ingress: Ingress) -> None:
    data = {
        "recipientId": OTHER,
        "email": "amina@example.com",
        "phone": PHONE,
        "firstName": "Amina",
        "sourceAt": "2026-11-21T22:27:16.000Z",
    }
    sealed = await wire(ingress, "mindlinks.notification.SyncRecipient.v1", data)
    assert sealed["email"].startswith(f"s1.subject.lead:{email_hash(KEY, 'amina@example.com')}.1.")
    owned = await wire(Ingress(), "mindlinks.notification.SyncRecipient.v1", {**data, "userId": USER})
    assert owned["phone"].startswith(f"s1.subject.{USER}.")


async def test_a_profile_is_sealed_for_its_user(ingress: Ingress) -> None:
    data = await wire(ingress, "mindlinks.user.UpdateProfile.v1", {"userId": USER, "firstName": "Amina", "phone": PHONE})
    assert SEALER.open(data["phone"], VALUE) == PHONE
    assert "lastName" not in data


async def test_what_is_sealed_already_passes_as_it_is(ingress: Ingress) -> None:
    kind = "mindlinks.contract.SignContract.v1"
    first = await wire(ingress, kind, SIGN)
    assert await wire(Ingress(), kind, first) == first


@pytest.mark.parametrize(
    ("kind", "data", "field"),
    [
        ("mindlinks.user.UpdateProfile.v1", {"userId": USER, "phone": "0100-CLEAR"}, "phone"),
        ("mindlinks.user.UpdateProfile.v1", {"userId": "CLEAR", "phone": PHONE}, "Mindlinks-Actor"),
        ("mindlinks.user.UpdateProfile.v1", {"userId": USER, "firstName": "CLEAR\x07"}, "firstName"),
        ("mindlinks.notification.SyncRecipient.v1", {"recipientId": OTHER, "email": "CLEAR@", "sourceAt": "x"}, "email"),
        ("mindlinks.notification.SyncRecipient.v1", {"recipientId": OTHER, "email": "CLEAR@x", "sourceAt": "CLEAR"}, "sourceAt"),
        ("mindlinks.contractor.AddBankDetails.v1", {**BANK, "accountNumber": "CLEAR!"}, "accountNumber"),
        ("mindlinks.contractor.AddBankDetails.v1", {**BANK, "routingNumber": 110000000}, "routingNumber"),
        ("mindlinks.contract.CreateContractDraft.v1", {**DRAFT, "startDate": "2026-13-41"}, "startDate"),
    ],
)
async def test_a_refusal_names_the_field_and_never_the_value(ingress: Ingress, kind: str, data: dict[str, Any], field: str) -> None:
    response = await ingress.send(command(kind, data))
    assert (reason_of(response), response.json()["field"]) == ((400, "invalid_payload"), field)
    assert "CLEAR" not in response.text
    assert "2026-13-41" not in response.text
    assert ingress.commands == []


async def test_equal_requests_are_equal_though_translations_may_differ(ingress: Ingress) -> None:
    """The body hash covers what was sent: next year's pepper changes the result, not the request."""
    event = command("mindlinks.contract.SignContract.v1", SIGN)
    await ingress.send(event)
    later = Ingress(store=ingress.store)
    later.clock.at += 366 * 86_400_000
    await later.send(event)
    tickets = [one.commands[0].envelope.receipt for one in (ingress, later)]
    assert tickets[0] == tickets[1]
    assert ingress.commands[0].data != later.commands[0].data
