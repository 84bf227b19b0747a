"""Veriff's deliveries in the words of kyc (domain.md 12). Pure. Only the fields named here are looked at.

There are two addresses and both may get either shape: which one it is shows in the body. A shape that is neither (watchlist, Full Auto)
is nothing to us.
"""

from typing import Any, Final

from contracts.kyc import KycProvider
from contracts.timestamps import to_datetime
from contracts.types import Timestamp
from workers.adapters.identity_decisions import instant, label, text, veriff_decision
from workers.ingress.kyc_delivery import Delivery, Json, KycKey, Translation, Untranslated, decision_data, delivery_id, session_id
from workers.ingress.problems import Problem

PROVIDER: Final = KycProvider.VERIFF
PROGRESS_CODES: Final = frozenset({7001, 7002})
KNOWN_TYPES: Final = frozenset({"7001", "7002", "9001", "9102", "9103", "9104", "9121"})
"""Codes that get a series of their own in the metric."""


def parse_veriff(value: Any) -> Delivery:
    """Raises Problem ``not_an_event`` or ``event_incomplete``."""
    if not isinstance(value, dict):
        raise Problem("not_an_event", "The body is no delivery of Veriff.")
    if isinstance(value.get("verification"), dict):
        return _decision(value["verification"])
    if "action" in value and "code" in value:
        return _event(value)
    identity = delivery_id(*sorted(f"{name}={each}" for name, each in value.items()))
    return Delivery(PROVIDER, identity, "other", None, KycKey(None, ""), Untranslated("ignored"))


def _event(event: Json) -> Delivery:
    reference, code = _reference(event), event["code"]
    attempt = label(event.get("attemptId"), 255)
    said: Translation | Untranslated = Untranslated("ignored")
    if code in PROGRESS_CODES:
        data = {"veriffSessionId": reference, "code": str(code)} | ({"attemptId": attempt} if attempt else {})
        said = Translation("RecordKycProgress", data)
    key = KycKey(session_id(event.get("vendorData")), reference)
    return Delivery(PROVIDER, delivery_id(reference, attempt, code, None), _type(code), None, key, said)


def _decision(verification: Json) -> Delivery:
    reference, code = _reference(verification), verification.get("code")
    found = veriff_decision(verification)
    said: Translation | Untranslated = Untranslated("ignored")
    if found:
        said = Translation("RecordKycDecision", decision_data(PROVIDER, reference, found), keeps_body=True)
    time = verification.get("decisionTime")
    identity = delivery_id(reference, verification.get("attemptId"), code, time)
    key = KycKey(session_id(verification.get("vendorData")), reference)
    return Delivery(PROVIDER, identity, _type(code), milliseconds(time), key, said)


def milliseconds(value: Any) -> int | None:
    """Of an instant as providers write it; None for none."""
    found = instant(value)
    return int(to_datetime(Timestamp(found)).timestamp() * 1000) if found else None


def _reference(part: Json) -> str:
    found = text(part.get("id"))
    if found is None:
        raise Problem("event_incomplete", "The delivery names no session.", field="id")
    return found


def _type(code: Any) -> str:
    return str(code) if str(code) in KNOWN_TYPES else "other"
