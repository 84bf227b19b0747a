"""RFC 9457 problem documents. ``REASONS`` is the whole list: a reason outside it cannot be answered."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "/problems/"


@dataclass(frozen=True, slots=True)
class Reason:
    """``advice``: what the caller can do about it. Titles and advice never change with the request."""

    status: int
    title: str
    advice: str


_REASONS: Final = {
    "invalid_payload": Reason(400, "A field is missing or wrong", "Correct the field named in `field` and send it again."),
    "not_json": Reason(400, "The body is not JSON", "Send one JSON value, encoded as UTF-8."),
    "not_utf8": Reason(400, "The body is not UTF-8", "Encode the body as UTF-8."),
    "unknown_type": Reason(400, "No such command", "The kinds are listed at /asyncapi."),
    "unknown_version": Reason(400, "No such version of this command", "The versions are listed at /asyncapi."),
    "invalid_actor": Reason(400, "The actor is malformed", "Send `<role>:<user id>`, `public` or `system:<sender>`."),
    "invalid_idempotency_key": Reason(400, "The Idempotency-Key is malformed", "Send 1 to 255 visible characters, and none with a batch."),
    "file_type_not_allowed": Reason(400, "Files of this type are not taken", "Convert it; the types of each purpose stand at /docs."),
    "signature_missing": Reason(400, "The delivery is not signed", "Deliveries come from the provider, signed."),
    "signature_malformed": Reason(400, "The signature header cannot be read", "Its form is in the provider's documentation of webhooks."),
    "signature_mismatch": Reason(400, "The signature does not match", "Check the endpoint's secret on both sides."),
    "client_mismatch": Reason(400, "The delivery is for another integration", "Check the provider's API key on both sides."),
    "signature_too_old": Reason(
        400, "The signature is too old", "Stripe's are accepted for 5 minutes, SNS's for 2 hours; check the clocks."
    ),
    "signature_version_refused": Reason(
        400, "Signatures of this version are not taken", "Operators: set the topic's signature_version to 2."
    ),
    "certificate_refused": Reason(400, "The signing certificate is not the provider's", "Deliveries come from SNS, in the topic's region."),
    "topic_unknown": Reason(400, "The topic is not ours", "Operators: list the topic's ARN among the endpoint's topics."),
    "link_refused": Reason(400, "The link does not lead to the provider", "Confirmations come from SNS, in the topic's region."),
    "signature_in_future": Reason(400, "The signature lies in the future", "Check the clocks."),
    "not_an_event": Reason(400, "The body is not an event", "Only event objects are delivered here."),
    "event_incomplete": Reason(400, "The event lacks a required field", "The field named in `field` has to be there."),
    "unauthenticated": Reason(401, "Unknown client or wrong secret", "Send `Authorization: Bearer <client id>.<secret>`."),
    "sign_in_failed": Reason(
        401,
        "Nobody signs in with this",
        "Check address and password. After ten failures an account is locked for 15 minutes; its owner is told.",
    ),
    "refresh_token_invalid": Reason(401, "This is no refresh token of ours", "Sign in again."),
    "refresh_token_reused": Reason(
        401,
        "The refresh token had been replaced, so its session is revoked",
        "Sign in again; two hold tokens of this session. Change the password if the other one is a stranger.",
    ),
    "session_expired": Reason(401, "The session has ended", "Sign in again."),
    "session_revoked": Reason(401, "The session was revoked", "Sign in again."),
    "user_not_active": Reason(403, "The account is suspended or closed", "Do not repeat it; an admin can say more."),
    "forbidden": Reason(403, "This is not the actor's own", "Act as the person it belongs to."),
    "kind_not_allowed": Reason(403, "This client may not send this command", "Ask for the kind to be added to the client's key."),
    "actor_not_allowed": Reason(403, "This client may not act as this actor", "Ask for the actor to be added to the client's key."),
    "not_found": Reason(404, "No such resource", "The routes are listed at /docs."),
    "receipt_not_found": Reason(404, "No receipt under this id", "It is not settled yet, or was never sent by this client: ask again."),
    "method_not_allowed": Reason(405, "The route does not take this method", "The routes are listed at /docs."),
    "erased": Reason(409, "The person was erased", "Nothing can be kept about this person any more; do not repeat it."),
    "body_too_large": Reason(413, "The body is too large", "A command takes 256 KiB, a batch 1 MiB."),
    "batch_too_large": Reason(413, "The batch has too many commands", "Split it."),
    "file_too_large": Reason(413, "The file is too large", "Make it smaller; the limits of each purpose stand at /docs."),
    "record_too_large": Reason(413, "The command is too large", "Key, data and headers take 256 KiB together, after sealing."),
    "unsupported_media_type": Reason(
        415, "The content type is not taken here", "Send CloudEvents: structured, binary or batch, as UTF-8 JSON."
    ),
    "idempotency_key_reused": Reason(
        422, "This id was used for another command", "Use a new id; the same one only to repeat the same command."
    ),
    "rate_limited": Reason(429, "Too many commands", "Wait as long as Retry-After says, then repeat under the same id."),
    "internal_error": Reason(500, "A defect of ours", "Repeat under the same id; if it stays, report the time and the instance."),
    "log_unavailable": Reason(
        503, "The log did not acknowledge in time", "Repeat under the same id after Retry-After: it cannot count twice."
    ),
    "store_unavailable": Reason(503, "The store did not answer", "Repeat under the same id after Retry-After: it cannot count twice."),
    "keys_unavailable": Reason(
        503, "The key of this person is not to be had", "Repeat under the same id after Retry-After: it cannot count twice."
    ),
    "objects_unavailable": Reason(503, "The body could not be kept", "Deliver it again after Retry-After: it cannot count twice."),
    "busy": Reason(503, "Too many passwords at once", "Repeat under the same id after Retry-After: it cannot count twice."),
    "uploads_unavailable": Reason(503, "The file store's credentials are not to be had", "Repeat it after Retry-After: nothing was done."),
    "unsettled": Reason(503, "The outcome is not known yet", "Repeat the same request after Retry-After: it cannot count twice."),
    "sns_unavailable": Reason(503, "SNS did not answer", "Deliver it again after Retry-After: it cannot count twice."),
    "unknown_key": Reason(503, "Whose event this is cannot be told yet", "Deliver it again later."),
    "not_configured": Reason(503, "This endpoint has no signing secret or topic", "Operators: set the endpoint's secrets or topics."),
}
REASONS: Final[Mapping[str, Reason]] = MappingProxyType(_REASONS)


class Problem(Exception):  # RFC 9457's word
    """Ends a request with a problem document. ``detail`` is shown to the caller: no secret and no personal value belongs in it."""

    def __init__(self, reason: str, detail: str, *, field: str | None = None, retry_after: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail
        self.field = field
        self.retry_after = retry_after

    @property
    def status(self) -> int:
        return REASONS[self.reason].status

    def members(self) -> dict[str, Any]:
        """The document without ``instance``, as it also stands in a batch's results."""
        known = {"field": self.field, "retryAfter": self.retry_after}
        return {
            "type": f"{TYPE_PREFIX}{self.reason}",
            "title": REASONS[self.reason].title,
            "status": self.status,
            "detail": self.detail,
            "reason": self.reason,
        } | {name: value for name, value in known.items() if value is not None}


def problem_response(request: Request, problem: Problem) -> Response:
    request.state.reason = problem.reason
    headers = {"Cache-Control": "no-store"}
    if problem.retry_after is not None:
        headers["Retry-After"] = str(problem.retry_after)
    if problem.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="mindlinks"'
    document = problem.members() | {"instance": request.url.path}
    return JSONResponse(document, status_code=problem.status, headers=headers, media_type=MEDIA_TYPE)
