"""What people without an account send: sealed for their address, which alone says whose it is."""

from typing import Any

import pytest

from contracts.ids import derived
from contracts.sealed import VALUE
from tests.unit.ingress.doubles import KEY, LINK_KEYS, SEALER, Ingress, command, reason_of
from workers.adapters.blind_index import email_hash

OTHER = "88888888-8888-4888-8888-888888888888"
ADDRESS = "Amina@Example.com "
HASH = email_hash(KEY, "amina@example.com")
PHONE, MESSAGE = "+201001234567", "Could you show us the secret thing?"
CONTACT = {
    "contactId": OTHER,
    "name": "Amina Farouk",
    "email": ADDRESS,
    "company": "Nile Design LLC",
    "phone": PHONE,
    "message": MESSAGE,
    "source": "website",
    "locale": "ar",
}
DEMO = {
    "demoId": OTHER,
    "name": "Amina Farouk",
    "email": ADDRESS,
    "company": "Nile Design LLC",
    "companySize": "1-10",
    "useCase": "Contracts and payouts",
    "preferredDate": "2027-01-15T10:00:00.000Z",
    "locale": "ar",
}
NEWSLETTER = {
    "email": ADDRESS,
    "name": "Amina",
    "source": "landing-page",
    "locale": "ar",
    "consent": {"textVersion": "newsletter-2026-01", "at": "2026-11-21T22:27:16.000Z"},
}
SUBSCRIPTION = derived(f"newsletter:{HASH}")


async def wire(ingress: Ingress, name: str, data: dict[str, Any], actor: str = "public") -> dict[str, Any]:
    response = await ingress.send(command(f"mindlinks.lead.{name}.v1", data), mindlinks_actor=actor)
    assert response.status_code == 202, response.text
    return ingress.commands[-1].data.to_item()


def opened(sealed: str) -> str:
    assert sealed.startswith(f"s1.subject.lead:{HASH}.1.")
    return SEALER.open(sealed, VALUE)


async def test_a_contact_is_sealed_for_its_address(ingress: Ingress) -> None:
    data = await wire(ingress, "SubmitContact", CONTACT)
    assert data["emailHash"] == HASH
    clear = {field: opened(data[field]) for field in ("name", "email", "company", "phone", "message")}
    assert clear == {field: CONTACT[field].strip() for field in clear}
    assert b"secret thing" not in ingress.raw


async def test_a_demo_request_is_sealed_for_its_address(ingress: Ingress) -> None:
    data = await wire(ingress, "RequestDemo", DEMO)
    assert [opened(data[field]) for field in ("name", "email", "company")] == ["Amina Farouk", "Amina@Example.com", "Nile Design LLC"]
    assert (data["emailHash"], data["useCase"]) == (HASH, DEMO["useCase"])


async def test_what_is_sealed_already_passes_with_its_hash(ingress: Ingress) -> None:
    first = await wire(ingress, "SubmitContact", CONTACT)
    assert await wire(Ingress(), "SubmitContact", first) == first


async def test_notes_are_sealed_for_whom_the_admin_names(ingress: Ingress) -> None:
    notes = {"demoId": OTHER, "notes": "Wants to see the Arabic pages"}
    data = await wire(ingress, "SetDemoNotes", {**notes, "emailHash": HASH}, actor=f"admin:{OTHER}")
    assert (opened(data["notes"]), sorted(data)) == (notes["notes"], ["demoId", "notes"])
    nobody = await Ingress().send(command("mindlinks.lead.SetDemoNotes.v1", notes), mindlinks_actor=f"admin:{OTHER}")
    assert (reason_of(nobody), nobody.json()["field"]) == ((400, "invalid_payload"), "emailHash")


async def test_a_subscription_gets_its_id_its_link_and_the_hash_of_where_it_came_from(ingress: Ingress) -> None:
    data = await wire(ingress, "SubscribeNewsletter", NEWSLETTER)
    assert (data["subscriptionId"], data["emailHash"]) == (SUBSCRIPTION, HASH)
    assert [opened(data[field]) for field in ("name", "email")] == ["Amina", "Amina@Example.com"]
    assert data["verification"].keys() == {"hash", "nonce", "kid"}
    assert data["consent"].keys() == {"textVersion", "ipHash", "at"}
    named = await wire(Ingress(), "SubscribeNewsletter", {**NEWSLETTER, "ip": "203.0.113.10"})
    assert named["consent"]["ipHash"] != data["consent"]["ipHash"]
    assert b"203.0.113.9" not in ingress.raw


@pytest.mark.parametrize(
    ("name", "more"), [("ConfirmSubscription", {}), ("Unsubscribe", {"via": "link"}), ("Unsubscribe", {"via": "header"})]
)
async def test_the_token_of_its_mail_is_what_the_row_knows(ingress: Ingress, name: str, more: dict[str, str]) -> None:
    link = (await wire(ingress, "SubscribeNewsletter", NEWSLETTER))["verification"]
    token = LINK_KEYS.token("newsletter", SUBSCRIPTION, link["nonce"], link["kid"])
    data = await wire(Ingress(), name, {"subscriptionId": SUBSCRIPTION, "token": token, **more})
    assert data["tokenHash"] == link["hash"]


async def test_an_admin_who_has_a_letter_names_the_address(ingress: Ingress) -> None:
    assert await wire(ingress, "EraseLead", {"email": ADDRESS}, actor=f"admin:{OTHER}") == {"emailHash": HASH}


@pytest.mark.parametrize(
    ("name", "data", "field"),
    [
        ("SubmitContact", {**CONTACT, "email": "CLEAR@"}, "email"),
        ("SubmitContact", {**CONTACT, "email": None}, "emailHash"),
        ("SubmitContact", {**CONTACT, "phone": "0100-CLEAR"}, "phone"),
        ("SubmitContact", {**CONTACT, "message": "CLEAR" * 1001}, "message"),
        ("RequestDemo", {**DEMO, "companySize": "CLEAR"}, "companySize"),
        ("RequestDemo", {**DEMO, "useCase": "CLEAR" * 401}, "useCase"),
        ("SubscribeNewsletter", {**NEWSLETTER, "consent": "CLEAR"}, "consent"),
        ("SubscribeNewsletter", {**NEWSLETTER, "consent": {"textVersion": "CLEAR"}}, "consent.at"),
        ("ConfirmSubscription", {"subscriptionId": SUBSCRIPTION, "token": "CLEAR"}, "token"),
    ],
)
async def test_a_refusal_names_the_field_and_never_the_value(ingress: Ingress, name: str, data: dict[str, Any], field: str) -> None:
    response = await ingress.send(command(f"mindlinks.lead.{name}.v1", data), mindlinks_actor="public")
    assert (reason_of(response), response.json()["field"]) == ((400, "invalid_payload"), field)
    assert "CLEAR" not in response.text
    assert ingress.commands == []
