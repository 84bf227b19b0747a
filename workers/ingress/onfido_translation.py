"""Onfido's deliveries in the words of kyc (domain.md 12). Pure. ``output`` may be an object or a list and is not looked at; ``href`` is
never followed."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from contracts.kyc import KycProvider
from workers.adapters.identity_decisions import ENVIRONMENT_TAG, SESSION_TAG, mapping, run_decision, text
from workers.ingress.kyc_delivery import Delivery, Json, KycKey, Translation, Untranslated, decision_data, delivery_id, session_id
from workers.ingress.problems import Problem
from workers.ingress.veriff_translation import milliseconds

PROVIDER: Final = KycProvider.ONFIDO


def parse_onfido(value: Any, environment: str) -> Delivery:
    """Raises Problem ``not_an_event`` or ``event_incomplete``."""
    payload = value.get("payload") if isinstance(value, dict) else None
    if not isinstance(payload, dict):
        raise Problem("not_an_event", "The body is no delivery of Onfido.", field="payload")
    action, subject, resource = text(payload.get("action")), payload.get("object"), mapping(payload.get("resource"))
    if action is None:
        raise Problem("event_incomplete", "The delivery names no action.", field="payload.action")
    if not isinstance(subject, dict) or text(subject.get("id")) is None:
        raise Problem("event_incomplete", "The delivery names no object.", field="payload.object.id")
    reference = text(subject.get("workflow_run_id")) or text(resource.get("workflow_run_id")) or subject["id"]
    completed = subject.get("completed_at_iso8601")
    tags = _tags(resource.get("tags")) or _tags(subject.get("tags"))
    return Delivery(
        provider=PROVIDER,
        id=delivery_id(action, _object_id(subject, reference), completed),
        type=action if action in TRANSLATORS else "other",
        at=milliseconds(completed),
        key=KycKey(session_id(tags.get(SESSION_TAG)), reference),
        said=_said(action, subject, resource, reference, tags.get(ENVIRONMENT_TAG) not in (None, environment)),
    )


def _object_id(subject: Json, reference: str) -> str:
    """Tasks are numbered within their workflow: those of two people bear the same id, and one that starts tells no time either."""
    return subject["id"] if reference == subject["id"] else f"{reference}/{subject['id']}"


def _tags(value: Any) -> Mapping[str, str]:
    found = [tag.partition(":") for tag in value if isinstance(tag, str)] if isinstance(value, list) else []
    return {name: rest for name, colon, rest in found if colon}


def _said(action: str, subject: Json, resource: Json, reference: str, foreign: bool) -> Translation | Untranslated:
    translator = TRANSLATORS.get(action)
    if translator is None:
        return Untranslated("ignored")
    return Untranslated("dropped") if foreign else translator(action, subject, resource, reference)


# --- one for each kind of action -----------------------------------------------------------------------------------


def _run_completed(_action: str, subject: Json, resource: Json, reference: str) -> Translation | Untranslated:
    status = text(subject.get("status")) or resource.get("status")
    found = run_decision({**resource, "status": status}, subject.get("completed_at_iso8601"))
    if found is None:
        return Untranslated("ignored")
    return Translation("RecordKycDecision", decision_data(PROVIDER, reference, found), keeps_body=True)


def _verdict_elsewhere(_action: str, _subject: Json, _resource: Json, _reference: str) -> Translation:
    """A check says that it is complete and not how it ended."""
    return Translation("RefreshKycDecision", {})


def _progress(action: str, _subject: Json, _resource: Json, reference: str) -> Translation:
    return Translation("RecordKycProgress", {"veriffSessionId": reference, "action": action})


Translator = Callable[[str, Json, Json, str], Translation | Untranslated]
TRANSLATORS: Final[Mapping[str, Translator]] = {
    "workflow_run.completed": _run_completed,
    "check.completed": _verdict_elsewhere,
    "check.reopened": _verdict_elsewhere,
    "workflow_task.started": _progress,
    "workflow_task.completed": _progress,
    "check.started": _progress,
    "check.form_completed": _progress,
}
