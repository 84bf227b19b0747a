"""``POST /v1/uploads``: a form by which a browser puts one file into S3, and the ``File`` that a command names it by afterwards.

Key, length, type and digest are signed, so nothing but the announced file is taken. What is uploaded and named by no command stays under
its prefix until the bucket's lifecycle rule takes it away.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final, Self
from uuid import uuid4

from fastapi import APIRouter
from pydantic import Field, model_validator
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from contracts import timestamps
from contracts.file import File
from contracts.ids import derived
from contracts.kyc import RegisterKycDocument, document_prefix
from contracts.message import CommandData
from contracts.types import Hash, Id, KycSessionId
from contracts.user import SetAvatar
from workers.adapters.s3_uploads import UploadsUnavailable
from workers.engine.decision import ItemRef
from workers.engine.ports import Store
from workers.ingress.account_documentation import UPLOAD
from workers.ingress.commands import PUBLIC
from workers.ingress.dependencies import Dependencies
from workers.ingress.problems import Problem
from workers.ingress.publishing import RETRY_AFTER
from workers.ingress.reading import store_answers
from workers.ingress.requests import NO_STORE, Body, Requests

VALID_SECONDS: Final = 600
KYC_SESSIONS: Final = "kyc-sessions"
MEBIBYTE: Final = 1024 * 1024


class UploadPurpose(StrEnum):
    AVATAR = "avatar"
    KYC_DOCUMENT = "kyc-document"


@dataclass(frozen=True, slots=True)
class Allowed:
    """What may be uploaded for a purpose, as the command judges it that names the file. ``types``: with the ending of their keys."""

    command: type[CommandData]
    types: Mapping[str, str]
    most: int


ALLOWED: Final = {
    UploadPurpose.AVATAR: Allowed(SetAvatar, {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}, 5 * MEBIBYTE),
    UploadPurpose.KYC_DOCUMENT: Allowed(
        RegisterKycDocument, {"image/jpeg": "jpg", "image/png": "png", "application/pdf": "pdf"}, 15 * MEBIBYTE
    ),
}


class UploadRequest(Body):
    """``size`` in bytes; ``kycSessionId`` with a kyc-document, and only then."""

    purpose: Annotated[UploadPurpose, Field(strict=False)]
    mime: Annotated[str, Field(max_length=200)]
    size: Annotated[int, Field(ge=1, le=10**12)]
    sha256: Hash
    kyc_session_id: Id | None = None

    @model_validator(mode="after")
    def _names_its_session(self) -> Self:
        if (self.purpose is UploadPurpose.KYC_DOCUMENT) != (self.kyc_session_id is not None):
            raise ValueError("kycSessionId goes with the purpose kyc-document, and only with it")
        return self


def router(dependencies: Dependencies, requests: Requests) -> APIRouter:
    routes = APIRouter(tags=["uploads"])

    @routes.post("/v1/uploads", openapi_extra=UPLOAD, summary="Get a form to upload a file with")
    async def upload(request: Request) -> Response:
        caller, given = await requests.read(request, UploadRequest)
        allowed = ALLOWED[given.purpose]
        caller.client.require_kind(allowed.command.kind())
        actor = caller.actor or PUBLIC
        caller.client.require_actor(actor)
        extension = _extension(given, allowed)
        folder = await _folder(dependencies.store, actor, given)
        file = File(key=f"{folder}{uuid4()}.{extension}", sha256=given.sha256, size=given.size, mime=given.mime)
        return await _answer(dependencies, file)

    return routes


def _extension(given: UploadRequest, allowed: Allowed) -> str:
    if given.mime not in allowed.types:
        raise Problem("file_type_not_allowed", f"{given.purpose.value}: {', '.join(allowed.types)}.", field="mime")
    if given.size > allowed.most:
        raise Problem("file_too_large", f"{given.purpose.value}: at most {allowed.most} bytes.", field="size")
    return allowed.types[given.mime]


async def _folder(store: Store, actor: str, given: UploadRequest) -> str:
    """Where the actor may put such a file. Raises Problem ``forbidden`` for a session that is not his, or not at all."""
    role, _, user = actor.partition(":")
    if role in ("public", "system"):
        raise Problem("forbidden", "Files are uploaded by people: act as a user.", field="Mindlinks-Actor")
    if given.kyc_session_id is None:
        return f"avatars/{user}/"
    ref = ItemRef(KYC_SESSIONS, given.kyc_session_id)
    async with store_answers():
        row = (await store.get([ref])).get(ref)
    contractor = row.get("contractorId") if row else None
    if contractor is None or (role != "admin" and contractor != derived(f"contractor:{user}")):
        raise Problem("forbidden", "There is no such identity check of this actor.", field="kycSessionId")
    return document_prefix(KycSessionId(given.kyc_session_id))


async def _answer(dependencies: Dependencies, file: File) -> Response:
    expires_at = timestamps.from_milliseconds(dependencies.clock.now() + VALID_SECONDS * 1000)
    try:
        form = await dependencies.uploads.form(file, seconds=VALID_SECONDS)
    except UploadsUnavailable as error:
        raise Problem("uploads_unavailable", "No form could be signed.", retry_after=RETRY_AFTER) from error
    answer = {"url": form.url, "fields": dict(form.fields), "file": file.to_item(), "expiresAt": expires_at}
    return JSONResponse(answer, headers=NO_STORE)
