"""What /docs says about signing in, sessions and uploads: the shapes taken and answered, an example of each, the problems."""

from typing import Any, Final

from workers.ingress.documentation import header_parameters, problem_responses

_USER: Final = "11111111-1111-4111-8111-111111111111"
_SESSION: Final = "55555555-5555-4555-8555-555555555555"
_TOKEN: Final = f"{_SESSION}.1.{'s' * 43}.{'m' * 43}"
_SHA256: Final = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_TEXT: Final = {"type": "string"}
_ID: Final = {"type": "string", "format": "uuid"}
_SIGNED_IN: Final = {
    "userId": _ID,
    "role": {"enum": ["company", "contractor", "admin"], "description": "With userId the actor that requests of this person name."},
    "sessionId": _ID,
    "expiresAt": {"type": "string", "format": "date-time", "description": "Slides by seven days with each rotation, thirty at most."},
    "refreshToken": {**_TEXT, "description": "Replaced by each rotation; whoever presents a replaced one ends the session."},
}
_HELD: Final = {
    "emailVerified": {"type": "boolean"},
    "verifiedEpoch": {"type": "integer", "description": "Proves to SetPassword and RequestErasure that the password was checked."},
}
_ANSWER: Final = {
    "userId": _USER,
    "role": "company",
    "sessionId": _SESSION,
    "expiresAt": "2026-02-07T09:30:00.000Z",
    "refreshToken": _TOKEN,
}
_FILE: Final = {"key": f"avatars/{_USER}/{_SESSION}.png", "sha256": _SHA256, "size": 48213, "mime": "image/png"}


def _object(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "required": list(required or properties), "properties": properties}


def _json(schema: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema, "example": example}}}


def _body(schema: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, **_json(schema, example)}


def _refresh_body() -> dict[str, Any]:
    return _body(_object({"refreshToken": _TEXT}), {"refreshToken": _TOKEN})


SIGN_IN: Final[dict[str, Any]] = {
    "parameters": header_parameters("Authorization", "X-Correlation-Id"),
    "requestBody": _body(
        _object(
            {
                "email": {"type": "string", "maxLength": 254, "description": "A person's address, in the clear."},
                "password": {"type": "string", "minLength": 1, "maxLength": 256, "format": "password"},
                "userAgent": {"type": ["string", "null"], "maxLength": 2000, "description": "The request's own by default."},
                "ip": {"type": ["string", "null"], "maxLength": 64, "description": "The person's; the request's own by default."},
                "newDevice": {"type": "boolean", "default": True, "description": "Of a new device the person is told by mail."},
            },
            "email",
            "password",
        ),
        {"email": "amina@example.com", "password": "correct horse battery", "ip": "203.0.113.9", "newDevice": False},
    ),
    "responses": {
        "200": {
            "description": "Signed in; the session stands.",
            **_json(_object({**_SIGNED_IN, **_HELD}), {**_ANSWER, "emailVerified": True, "verifiedEpoch": 1}),
        },
        **problem_responses(400, 401, 403, 409, 413, 415, 429, 503),
    },
}
ROTATE: Final[dict[str, Any]] = {
    "parameters": header_parameters("Authorization", "X-Correlation-Id"),
    "requestBody": _refresh_body(),
    "responses": {
        "200": {
            "description": "The next token. Whoever lost this answer gets the same again for thirty seconds.",
            **_json(_object(_SIGNED_IN), {**_ANSWER, "refreshToken": _TOKEN.replace(".1.", ".2.")}),
        },
        **problem_responses(400, 401, 403, 413, 415, 429, 503),
    },
}
SIGN_OUT: Final[dict[str, Any]] = {
    "parameters": header_parameters("Authorization", "X-Correlation-Id"),
    "requestBody": _refresh_body(),
    "responses": {
        "202": {
            "description": "The session's revocation is on the log; its receipt tells when it is done.",
            **_json(_object({"id": _ID, "state": {"const": "accepted"}}), {"id": _USER, "state": "accepted"}),
        },
        "204": {"description": "The session was over."},
        **problem_responses(400, 401, 403, 413, 415, 429, 503),
    },
}
UPLOAD: Final[dict[str, Any]] = {
    "parameters": header_parameters("Authorization", "Mindlinks-Actor"),
    "requestBody": _body(
        _object(
            {
                "purpose": {
                    "enum": ["avatar", "kyc-document"],
                    "description": "avatar: PNG, JPEG, WebP up to 5 MiB. kyc-document: JPEG, PNG, PDF up to 15 MiB.",
                },
                "mime": {"type": "string", "maxLength": 200},
                "size": {"type": "integer", "minimum": 1, "maximum": 10**12, "description": "Bytes, exactly."},
                "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                "kycSessionId": {"type": ["string", "null"], "format": "uuid", "description": "With a kyc-document, and only then."},
            },
            "purpose",
            "mime",
            "size",
            "sha256",
        ),
        {"purpose": "avatar", "mime": "image/png", "size": _FILE["size"], "sha256": _SHA256},
    ),
    "responses": {
        "200": {
            "description": "Post the fields to the url as multipart/form-data, the file last; then send the command with `file`.",
            **_json(
                _object(
                    {
                        "url": _TEXT,
                        "fields": {"type": "object", "additionalProperties": _TEXT},
                        "file": _object({"key": _TEXT, "sha256": _TEXT, "size": {"type": "integer"}, "mime": _TEXT}),
                        "expiresAt": {"type": "string", "format": "date-time"},
                    }
                ),
                {
                    "url": "https://mindlinks-documents.s3.eu-central-1.amazonaws.com/",
                    "fields": {"key": _FILE["key"], "Content-Type": "image/png", "policy": "...", "x-amz-signature": "..."},
                    "file": _FILE,
                    "expiresAt": "2026-01-31T09:40:00.000Z",
                },
            ),
        },
        **problem_responses(400, 401, 403, 413, 415, 429, 503),
    },
}
