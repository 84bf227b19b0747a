"""What /docs says about routes that read raw bodies."""

from typing import Any, Final

from workers.ingress.cloudevents import Mode
from workers.ingress.problems import MEDIA_TYPE, REASONS

_EVENT: Final = {
    "type": "object",
    "required": ["specversion", "type", "data"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "format": "uuid", "description": "The command's id; or send an Idempotency-Key."},
        "type": {"type": "string", "examples": ["mindlinks.contract.SendContract.v1"]},
        "source": {"type": "string"},
        "subject": {"type": "string", "description": "The aggregate's id; if given, the one that data names."},
        "correlationid": {"type": "string"},
        "actor": {"type": "string", "description": "Instead of the header Mindlinks-Actor, for members of a batch."},
        "data": {"type": "object", "description": "The command's fields, as /asyncapi lists them; personal values in clear."},
    },
}
_HEADERS: Final = {
    "Authorization": "Bearer <client id>.<secret>",
    "Idempotency-Key": "Instead of an id; not with a batch.",
    "Mindlinks-Actor": "<role>:<user id>, public (default) or system:<sender>.",
    "X-Correlation-Id": "Travels through everything the command sets in motion; the command's id by default.",
}


def header_parameters(*names: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "header", "required": name == "Authorization", "description": _HEADERS[name], "schema": {"type": "string"}}
        for name in names
    ]


def problem_responses(*statuses: int) -> dict[str, Any]:
    listed = {status: sorted(reason for reason, meaning in REASONS.items() if meaning.status == status) for status in statuses}
    return {str(status): {"description": f"Reasons: {', '.join(names)}", "content": {MEDIA_TYPE: {}}} for status, names in listed.items()}


POST_COMMANDS: Final[dict[str, Any]] = {
    "parameters": header_parameters("Authorization", "Idempotency-Key", "Mindlinks-Actor", "X-Correlation-Id"),
    "requestBody": {
        "required": True,
        "content": {
            Mode.STRUCTURED.value: {"schema": _EVENT},
            Mode.BATCH.value: {"schema": {"type": "array", "items": _EVENT}},
            Mode.BINARY.value: {"schema": {"type": "object", "description": "Data alone; the rest in ce-* headers."}},
        },
    },
    "responses": {
        "202": {"description": "All on the log, acknowledged by all in-sync replicas."},
        "207": {"description": "A batch of which some were refused: one result per member, in order."},
        **problem_responses(400, 401, 403, 413, 415, 422, 429, 503),
    },
}


def webhook(signature: str, body: str, *headers: str) -> dict[str, Any]:
    """``signature`` and ``headers`` are names of headers without which a delivery is refused."""
    parameters = [{"name": name, "in": "header", "required": True, "schema": {"type": "string"}} for name in (signature, *headers)]
    return {
        "parameters": parameters,
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object", "description": body}}}},
        "responses": {"200": {"description": "On the log, or known to become no command."}, **problem_responses(400, 413, 503)},
    }


def sns_webhook(body: str, **other: str) -> dict[str, Any]:
    """Deliveries of SNS are signed within and call themselves text. ``other``: what else is taken, by its kind."""
    content = {"text/plain": body, **{f"application/{kind}": text for kind, text in other.items()}}
    described = {media: {"schema": {"type": "string", "description": text}} for media, text in content.items()}
    return {"requestBody": {"required": True, "content": described}, "responses": webhook("", body)["responses"]}


WEBHOOK: Final[dict[str, Any]] = webhook("Stripe-Signature", "Stripe's event.")
DESCRIPTION: Final[dict[str, Any]] = {"responses": problem_responses(404)}
HEALTH: Final[dict[str, Any]] = {"responses": {"503": {"description": "Down.", "content": {"application/json": {}}}}}
RECEIPT: Final[dict[str, Any]] = {
    "parameters": header_parameters("Authorization"),
    "responses": {"200": {"description": "Its receipt, kept for 90 days."}, **problem_responses(401, 404, 429, 503)},
}
