"""Passwords, links and tokens become hashes; what cannot be sealed is answered with a problem document; nothing clear stays anywhere."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from contracts.catalogue import SERVICES, command_models
from contracts.clear import Clear
from contracts.ids import derived
from contracts.marks import MarkedField, marked_fields
from contracts.sealed import PASSWORD_HASH, VALUE
from contracts.types import Email, Purpose, Text160, Timestamp
from tests.support.raw_sealer import ReadableRaw, reopened
from tests.unit.ingress.doubles import (
    ID,
    KEY,
    LINK_KEYS,
    NOW,
    OTHER,
    PASSWORDS,
    SEALER,
    THIRD,
    USER,
    Ingress,
    ReadableSealer,
    client_key,
    command,
    reason_of,
)
from workers.adapters.blind_index import email_hash
from workers.adapters.links import LinkKeys
from workers.adapters.passwords import LEAST_COST, BcryptPasswords
from workers.engine.memory import MemoryStore
from workers.ingress.clear_fields import Context, ToSeal
from workers.ingress.link_tokens import NewLinks
from workers.ingress.problems import Problem
from workers.ingress.quarantine import DeliveryQuarantine
from workers.ingress.rules import Step
from workers.ingress.translators import DECLARED, TRANSLATORS, translate_clear

COMPANY = derived(f"company:{USER}")
CONTRACTOR = derived(f"contractor:{USER}")
PASSWORD = "correct horse بطارية"
TOKEN = "t" * 43
REGISTER = {"userId": USER, "email": "Amina@Example.com", "password": PASSWORD, "role": "company", "locale": "en"}
PROFILE = {"userId": USER, "firstName": "Amina"}
DOMAIN = Path(__file__).parents[3] / "docs" / "domain.md"
SENT_FROM_OUTSIDE = frozenset(re.findall(r"^\| `(\w+)` \| [^|]*\bup:", DOMAIN.read_text(encoding="utf-8"), re.MULTILINE))
"""Commands of people. Reactions and effects pass sealed values on."""


async def wire(kind: str, data: dict[str, Any], ingress: Ingress | None = None, **headers: str) -> dict[str, Any]:
    ingress = ingress or Ingress()
    response = await ingress.send(command(f"mindlinks.{kind}.v1", data), **headers)
    assert response.status_code == 202, response.text
    assert PASSWORD.encode() not in ingress.raw
    assert TOKEN.encode() not in ingress.raw
    return ingress.commands[-1].data.to_item()


async def test_a_password_is_hashed_and_its_hash_sealed_for_the_sign_in() -> None:
    made = await wire("auth.RegisterUser", REGISTER, mindlinks_actor="public")
    assert made["passwordHash"].startswith("s1.reader.sign-in.1.")
    hashed = SEALER.open(made["passwordHash"], PASSWORD_HASH)
    assert hashed.startswith(f"$2b${LEAST_COST}$")
    assert await PASSWORDS.matches(Clear(PASSWORD), Clear(hashed))
    assert not await PASSWORDS.matches(Clear(PASSWORD + "x"), Clear(hashed))


async def test_a_link_keeps_the_hash_of_a_token_that_only_the_key_forms() -> None:
    link = (await wire("auth.RegisterUser", REGISTER))["verification"]
    token = LINK_KEYS.token("verify-email", USER, link["nonce"], "k2") or ""
    assert link == {"hash": hashlib.sha256(token.encode()).hexdigest(), "nonce": link["nonce"], "kid": "k2"}
    assert len(link["nonce"]) == 43
    assert (await wire("auth.RegisterUser", REGISTER))["verification"]["nonce"] != link["nonce"]


async def test_without_a_link_key_no_link_is_promised() -> None:
    bare = Ingress(changes={"new_link": NewLinks(LinkKeys({}))})
    assert reason_of(await bare.send(command("mindlinks.auth.RegisterUser.v1", REGISTER))) == (503, "not_configured")


async def test_tokens_of_links_arrive_as_hashes() -> None:
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    assert (await wire("auth.VerifyEmail", {"userId": USER, "token": f" {TOKEN}"}))["tokenHash"] == digest
    changed = await wire("auth.SetPassword", {"userId": USER, "token": TOKEN, "password": PASSWORD})
    assert (changed["tokenHash"], changed["passwordHash"][:18]) == (digest, "s1.reader.sign-in.")


async def test_a_new_address_waits_with_a_link_of_its_own() -> None:
    made = await wire("auth.ChangeEmail", {"userId": USER, "newEmail": "New@Example.com"})
    assert made["newEmailHash"] == email_hash(KEY, "new@example.com")
    assert SEALER.open(made["newEmail"], VALUE) == "New@Example.com"
    token = LINK_KEYS.token("confirm-email", USER, made["verification"]["nonce"], "k2") or ""
    assert made["verification"]["hash"] == hashlib.sha256(token.encode()).hexdigest()


async def test_a_session_seals_the_browser_and_hashes_the_network_address() -> None:
    session = {"userId": USER, "sessionId": ID, "refreshTokenHash": "c" * 64, "verifiedEpoch": 1, "newDevice": True}
    made = await wire("auth.OpenSession", {**session, "userAgent": "Mozilla/5.0", "ip": "203.0.113.77"})
    assert SEALER.open(made["userAgent"], VALUE) == "Mozilla/5.0"
    assert made["userAgent"].startswith(f"s1.subject.{USER}.")
    assert len(made["ipHash"]) == 64


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"password": "short"}, "password"),
        ({"password": "x" * 257}, "password"),
        ({"password": 12345678}, "password"),
        ({"email": f"{'x' * 250}@example.com"}, "email"),
        ({"email": "no address"}, "email"),
    ],
)
async def test_limits_are_told_before_anything_is_sealed(changes: dict[str, Any], field: str) -> None:
    response = await Ingress().send(command("mindlinks.auth.RegisterUser.v1", {**REGISTER, **changes}))
    assert (reason_of(response), response.json()["field"]) == ((400, "invalid_payload"), field)


async def test_without_keys_the_caller_is_told_when_to_come_again() -> None:
    sealer = ReadableSealer()
    sealer.away = True
    ingress = Ingress(changes={"sealer": sealer})
    refused = await ingress.send(command("mindlinks.user.UpdateProfile.v1", PROFILE))
    assert (reason_of(refused), refused.headers["retry-after"]) == ((503, "keys_unavailable"), "5")
    assert ingress.commands == []
    nothing_to_seal = command("mindlinks.contract.CancelContract.v1", {"contractId": OTHER, "reason": "x"}, id=OTHER)
    assert (await ingress.send(nothing_to_seal)).status_code == 202
    sealer.away = False
    assert (await ingress.send(command("mindlinks.user.UpdateProfile.v1", PROFILE))).status_code == 202


async def test_nothing_is_kept_about_somebody_who_was_erased() -> None:
    sealer = ReadableSealer()
    sealer.erased.add(USER)
    ingress = Ingress(changes={"sealer": sealer})
    assert reason_of(await ingress.send(command("mindlinks.user.UpdateProfile.v1", PROFILE))) == (409, "erased")
    well = command("mindlinks.user.UpdateProfile.v1", {"userId": OTHER, "firstName": "Omar"}, id=OTHER)
    mixed = await ingress.send([command("mindlinks.user.UpdateProfile.v1", PROFILE, id=THIRD), well])
    assert [each.get("reason", each.get("state")) for each in mixed.json()["results"]] == ["erased", "accepted"]
    assert len(ingress.commands) == 1


async def test_too_many_passwords_at_once_are_put_off() -> None:
    ingress = Ingress(changes={"passwords": BcryptPasswords(LEAST_COST, waiting=0)})
    assert reason_of(await ingress.send(command("mindlinks.auth.RegisterUser.v1", REGISTER))) == (503, "busy")


async def test_a_password_is_no_part_of_the_hash_that_the_receipt_keeps() -> None:
    first, second = Ingress(), Ingress()
    for ingress, word in ((first, PASSWORD), (second, "something else")):
        await ingress.send(command("mindlinks.auth.RegisterUser.v1", {**REGISTER, "password": word}))
    tickets = [one.commands[0].envelope.receipt for one in (first, second)]
    assert tickets[0] is not None
    assert tickets[0] == tickets[1]


def context(**changes: Any) -> Context:
    marked = {
        "name": MarkedField(Purpose.SUBJECT, TypeAdapter(Text160)),
        "nameLegal": MarkedField(Purpose.LEGAL, TypeAdapter(Text160)),
        "contractorEmail": MarkedField(Purpose.SUBJECT, TypeAdapter(Email)),
    }
    given: dict[str, Any] = {
        "actor": f"company:{USER}",
        "ip": None,
        "at": Timestamp("2026-11-21T22:27:16.000Z"),
        "marked": marked,
        "email_hash": lambda address: email_hash(KEY, address),
        "keyed_hash": lambda use, text: f"{use}/{text}",
        "new_link": NewLinks(LINK_KEYS),
    }
    return Context(**given | changes)


def test_an_admin_names_whose_profile_it_is() -> None:
    kind, admin = "mindlinks.contractor.UpdateContractorProfile.v1", context(actor=f"admin:{OTHER}")
    fields = {"contractorId": CONTRACTOR, "name": "Amina Farouk"}
    with pytest.raises(Problem) as refused:
        translate_clear(kind, fields, admin)
    assert refused.value.field == "userId"
    made = translate_clear(kind, {**fields, "userId": USER}, admin)
    own = translate_clear(kind, fields, context(actor=f"contractor:{USER}"))
    for each in (made, own):
        assert each["name"] == ToSeal(Purpose.SUBJECT, USER, VALUE, Clear("Amina Farouk"))
        assert each["nameLegal"] == ToSeal(Purpose.LEGAL, USER, VALUE, Clear("Amina Farouk"))
    assert "Amina" not in repr(made["name"])


def test_an_invitation_is_addressed_by_whom_it_invites() -> None:
    fields = {"companyId": COMPANY, "contractorEmail": "Omar@Example.com", "locale": "ar"}
    made = translate_clear("mindlinks.client.InviteContractor.v1", fields, context())
    hashed = email_hash(KEY, "omar@example.com")
    assert made["invitationId"] == derived(f"invitation:{COMPANY}:{hashed}")
    assert made["contractorEmail"] == ToSeal(Purpose.SUBJECT, f"lead:{hashed}", VALUE, Clear("Omar@Example.com"))
    token = LINK_KEYS.token("invitation", made["invitationId"], made["token"]["nonce"], "k2") or ""
    assert made["token"]["hash"] == hashlib.sha256(token.encode()).hexdigest()


def test_an_invitation_is_accepted_with_its_token_and_the_address_of_the_session() -> None:
    made = translate_clear("mindlinks.client.AcceptInvitation.v1", {"token": TOKEN, "email": "Omar@Example.com"}, context())
    assert made["tokenHash"] == hashlib.sha256(TOKEN.encode()).hexdigest()
    assert made["emailHash"] == email_hash(KEY, "omar@example.com")


def test_every_kind_with_marked_fields_that_a_client_may_send_has_a_declaration() -> None:
    built = {model.kind(): model for service in SERVICES[:8] for model in _models(service)}
    marked = {kind for kind, model in built.items() if marked_fields(model) and model.__name__ in SENT_FROM_OUTSIDE}
    assert "mindlinks.user.UpdateProfile.v1" in marked
    assert marked - DECLARED.keys() - TRANSLATORS.keys() == set()


def _models(service: str) -> list[Any]:
    return list(command_models(service))


@pytest.mark.parametrize("kind", [kind for kind in DECLARED if kind in {m.kind() for s in SERVICES for m in command_models(s)}])
def test_declared_fields_are_marked_in_the_model(kind: str) -> None:
    """A field that the model does not mark would stay in the clear."""
    model = next(model for service in SERVICES for model in command_models(service) if model.kind() == kind)
    named = {field for step in DECLARED[kind] for field in _fields(step)}
    assert named <= marked_fields(model).keys()


def _fields(step: Step) -> set[str]:
    cells = dict(zip(step.__code__.co_freevars, step.__closure__ or (), strict=True)) if hasattr(step, "__closure__") else {}
    if "fields" in cells:
        return set(cells["fields"].cell_contents)
    if "subject" in step.__code__.co_varnames and "field" in cells:
        return {cells["field"].cell_contents, "nameLegal"}
    return set()


def test_what_a_request_holds_does_not_show_when_it_is_printed() -> None:
    from workers.ingress.cloudevents import structured

    event = structured({"specversion": "1.0", "id": ID, "source": "/t", "type": "x", "data": REGISTER})
    assert PASSWORD not in repr(event)


async def test_a_client_without_the_right_gets_no_password_hashed() -> None:
    ingress = Ingress(clients=(client_key(kinds=["mindlinks.contract.*"]),))
    assert reason_of(await ingress.send(command("mindlinks.auth.RegisterUser.v1", REGISTER)))[0] == 403


async def test_a_delivery_that_becomes_no_command_rests_sealed_or_comes_again() -> None:
    store, raw = MemoryStore(), ReadableRaw(away=1)
    ingress = Ingress(changes={"quarantine": DeliveryQuarantine(store, raw)})
    ingress.clock.at += 2 * 3_600_000
    event = {"id": "evt_1", "object": "event", "type": "payout.paid", "livemode": False, "account": "acct_unknown"}
    body = json.dumps({**event, "created": NOW // 1000, "data": {"object": {"id": "po_1", "holder": "Amina Farouk"}}}).encode()
    assert reason_of(await ingress.stripe(body, connect=True)) == (503, "keys_unavailable")
    assert store.items == {}
    assert reason_of(await ingress.stripe(body, connect=True)) == (200, "quarantined")
    (row,) = store.items.values()
    assert reopened(row["record"]) == body
    assert "Amina" not in repr(row)
