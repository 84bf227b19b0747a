"""POST /v1/uploads against the whole application."""

from typing import Any

import httpx
import pytest

from contracts.file import File
from contracts.ids import derived
from contracts.timestamps import from_milliseconds
from tests.unit.ingress.doubles import AUTHORIZED, NOW, OTHER, USER, Ingress, client_key, reason_of
from workers.adapters.s3_uploads import UploadForm, UploadsUnavailable

SESSION = "66666666-6666-4666-8666-666666666666"
SHA256 = "ab" * 32
MEBIBYTE = 1024 * 1024
AVATAR = {"purpose": "avatar", "mime": "image/png", "size": 48213, "sha256": SHA256}
PASSPORT = {"purpose": "kyc-document", "mime": "application/pdf", "size": 15 * MEBIBYTE, "sha256": SHA256, "kycSessionId": SESSION}


async def asked(ingress: Ingress, body: Any, actor: str = f"contractor:{USER}") -> httpx.Response:
    return await ingress.http.post("/v1/uploads", json=body, headers={**AUTHORIZED, "mindlinks-actor": actor})


def checked(ingress: Ingress, contractor: str = USER) -> None:
    """An identity check of this user's is there."""
    ingress.put("kyc-sessions", SESSION, {"id": SESSION, "contractorId": derived(f"contractor:{contractor}"), "status": "pending"})


async def test_an_avatar_goes_to_its_persons_folder(ingress: Ingress) -> None:
    answer = await asked(ingress, AVATAR)
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert document.keys() == {"url", "fields", "file", "expiresAt"}
    file = File.from_item(document["file"])
    assert (file.sha256, file.size, file.mime) == (SHA256, 48213, "image/png")
    assert file.key.startswith(f"avatars/{USER}/")
    assert file.key.endswith(".png")
    assert document["fields"]["key"] == file.key
    assert document["expiresAt"] == from_milliseconds(NOW + 600_000)
    assert answer.headers["cache-control"] == "no-store"
    assert ingress.commands == []


async def test_every_form_has_a_key_of_its_own(ingress: Ingress) -> None:
    keys = {(await asked(ingress, AVATAR)).json()["file"]["key"] for _ in range(3)}
    assert len(keys) == 3


async def test_a_document_goes_to_its_identity_check(ingress: Ingress) -> None:
    checked(ingress)
    for actor in (f"contractor:{USER}", f"admin:{OTHER}"):
        key = (await asked(ingress, PASSPORT, actor)).json()["file"]["key"]
        assert key.startswith(f"kyc/{SESSION}/")
        assert key.endswith(".pdf")


@pytest.mark.parametrize("whose", [OTHER, None])
async def test_nobody_uploads_to_anothers_identity_check(ingress: Ingress, whose: str | None) -> None:
    if whose:
        checked(ingress, whose)
    assert reason_of(await asked(ingress, PASSPORT)) == (403, "forbidden")


@pytest.mark.parametrize("actor", ["public", "system:web"])
async def test_files_are_peoples(actor: str) -> None:
    ingress = Ingress(clients=[client_key(actors=["public", "system:*"])])
    assert reason_of(await asked(ingress, AVATAR, actor)) == (403, "forbidden")


@pytest.mark.parametrize(
    ("changes", "answered"),
    [
        ({"size": 5 * MEBIBYTE}, (200, None)),
        ({"size": 5 * MEBIBYTE + 1}, (413, "file_too_large")),
        ({"size": 0}, (400, "invalid_payload")),
        ({"size": True}, (400, "invalid_payload")),
        ({"size": "5"}, (400, "invalid_payload")),
        ({"mime": "image/webp"}, (200, None)),
        ({"mime": "image/svg+xml"}, (400, "file_type_not_allowed")),
        ({"mime": "application/pdf"}, (400, "file_type_not_allowed")),
        ({"purpose": "contract"}, (400, "invalid_payload")),
        ({"sha256": "AB" * 32}, (400, "invalid_payload")),
        ({"kycSessionId": SESSION}, (400, "invalid_payload")),
        ({**PASSPORT, "kycSessionId": None}, (400, "invalid_payload")),
        ({**PASSPORT, "kycSessionId": "../avatars"}, (400, "invalid_payload")),
        ({**PASSPORT, "size": 15 * MEBIBYTE + 1}, (413, "file_too_large")),
        ({**PASSPORT, "mime": "image/webp"}, (400, "file_type_not_allowed")),
    ],
)
async def test_types_and_sizes_have_limits(ingress: Ingress, changes: dict[str, Any], answered: tuple[int, str | None]) -> None:
    checked(ingress)
    assert reason_of(await asked(ingress, {**AVATAR, **changes})) == answered


async def test_a_client_uploads_for_the_commands_it_may_send() -> None:
    ingress = Ingress(clients=[client_key(kinds=["mindlinks.user.SetAvatar.v1"], actors=["contractor:*"])])
    checked(ingress)
    assert (await asked(ingress, AVATAR)).status_code == 200
    assert reason_of(await asked(ingress, PASSPORT)) == (403, "kind_not_allowed")
    assert reason_of(await asked(ingress, AVATAR, f"admin:{USER}")) == (403, "actor_not_allowed")
    assert reason_of(await ingress.http.post("/v1/uploads", json=AVATAR)) == (401, "unauthenticated")


class NoUploads:
    async def form(self, file: File, *, seconds: int) -> UploadForm:
        raise UploadsUnavailable("NoCredentialsError")


async def test_without_credentials_the_caller_is_told_when_to_come_again() -> None:
    answer = await asked(Ingress(changes={"uploads": NoUploads()}), AVATAR)
    assert (reason_of(answer), answer.headers["retry-after"]) == ((503, "uploads_unavailable"), "5")


async def test_while_the_store_is_away_nothing_is_promised(ingress: Ingress) -> None:
    ingress.store.away = True
    assert reason_of(await asked(ingress, PASSPORT)) == (503, "store_unavailable")
