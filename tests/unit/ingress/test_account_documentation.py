"""What /docs shows of signing in, sessions and uploads is what the routes take and answer."""

import json
from typing import Any

import pytest
from jsonschema import validate

from tests.unit.ingress.doubles import Ingress, reason_of
from tests.unit.ingress.signing_in import EMAIL, PASSWORD, people
from workers.ingress.requests import Body
from workers.ingress.sessions import RefreshRequest
from workers.ingress.sign_in import SignInRequest
from workers.ingress.uploads import ALLOWED, UploadRequest

BODIES: dict[str, type[Body]] = {
    "/v1/sign-in": SignInRequest,
    "/v1/sessions/rotate": RefreshRequest,
    "/v1/sign-out": RefreshRequest,
    "/v1/uploads": UploadRequest,
}


async def documented(path: str) -> dict[str, Any]:
    document = (await Ingress().http.get("/openapi.json")).json()
    found: dict[str, Any] = document["paths"][path]["post"]
    return found


@pytest.mark.parametrize("path", BODIES)
async def test_examples_fit_their_schemas_and_the_routes_take_them(path: str) -> None:
    route, body = await documented(path), BODIES[path]
    shown = route["requestBody"]["content"]["application/json"]
    validate(shown["example"], shown["schema"])
    body.model_validate_json(json.dumps(shown["example"]))
    assert set(shown["schema"]["properties"]) == {field.alias for field in body.model_fields.values()}
    assert set(shown["schema"]["required"]) == {field.alias for field in body.model_fields.values() if field.is_required()}
    for answer in route["responses"].values():
        for kind, content in answer.get("content", {}).items():
            if kind == "application/json":
                validate(content["example"], content["schema"])


async def test_answers_are_as_documented() -> None:
    async with people() as those:
        await those.register()
        answer = await those.sign_in(EMAIL, PASSWORD)
        for path, given in (("/v1/sign-in", answer), ("/v1/sessions/rotate", await those.rotate(answer.json()["refreshToken"]))):
            shown = (await documented(path))["responses"]["200"]["content"]["application/json"]["schema"]
            validate(given.json(), shown)
            assert set(given.json()) == set(shown["properties"])


async def test_every_type_and_limit_of_uploads_is_told() -> None:
    purposes = (await documented("/v1/uploads"))["requestBody"]["content"]["application/json"]["schema"]["properties"]["purpose"]
    assert purposes["enum"] == [purpose.value for purpose in ALLOWED]
    for allowed in ALLOWED.values():
        assert f"{allowed.most // 1024**2} MiB" in purposes["description"]
    assert reason_of(await Ingress().http.post("/v1/uploads")) == (401, "unauthenticated")
