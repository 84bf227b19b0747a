"""Refusals in Stripe's words: https://docs.stripe.com/api/errors and https://docs.stripe.com/error-codes."""

from collections.abc import Mapping
from enum import StrEnum

from workers.ops.fakes.stripe.wire import Json, JsonObject


class ErrorType(StrEnum):
    API = "api_error"
    CARD = "card_error"
    IDEMPOTENCY = "idempotency_error"
    INVALID_REQUEST = "invalid_request_error"


class StripeError(Exception):
    """An answer that is not 2xx. It is stored under the idempotency key: the endpoint had begun to execute."""

    stored = True

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        status: int = 400,
        kind: ErrorType = ErrorType.INVALID_REQUEST,
        more: Mapping[str, Json] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self._fields: JsonObject = {"message": message, "type": kind.value}
        if code is not None:
            self._fields |= {"code": code, "doc_url": f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"}
        if param is not None:
            self._fields["param"] = param
        self._fields |= more or {}

    def body(self) -> JsonObject:
        return {"error": dict(sorted(self._fields.items()))}


class NotExecuted(StripeError):
    """Refused before the endpoint executed (bad parameters, conflict, limit): not stored, the key stays free."""

    stored = False


def missing_parameter(name: str) -> NotExecuted:
    return NotExecuted(f"Missing required param: {name}.", code="parameter_missing", param=name)


def unknown_parameter(name: str) -> NotExecuted:
    return NotExecuted(f"Received unknown parameter: {name}", code="parameter_unknown", param=name)


def unknown_route(method: str, path: str) -> NotExecuted:
    message = f"Unrecognized request URL ({method}: {path}). If you are trying to list objects, remove the trailing slash."
    return NotExecuted(message, status=404)


def no_such(kind: str, object_id: str, param: str, status: int = 404) -> StripeError:
    """404 when the id stood in the path; 400 when another object was named in a parameter."""
    return StripeError(f"No such {kind}: '{object_id}'", code="resource_missing", param=param, status=status)


def rate_limited() -> NotExecuted:
    message = "Request rate limit exceeded. You can learn more about rate limits here https://stripe.com/docs/rate-limits."
    return NotExecuted(message, code="rate_limit", status=429)


def internal_error() -> StripeError:
    message = "An unknown error occurred. (We have been notified.) Please let us know if you need any help."
    return StripeError(message, status=500, kind=ErrorType.API)
