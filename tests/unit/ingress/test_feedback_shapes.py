"""Whatever a provider puts into its feedback: a command that the log takes, or a word why there is none."""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from hypothesis import given
from hypothesis import strategies as st

from contracts.ids import webhook_command_id
from contracts.message import CommandData
from contracts.notification.commands import RecordNotificationSent
from tests.unit.ingress.doubles import KEY
from tests.unit.ingress.feedback import NOTIFICATION, RECIPIENT, names, notification, payload, tagged
from workers.adapters.blind_index import email_hash
from workers.ingress.message_feedback import Feedback, Untranslated
from workers.ingress.messages import command_data, command_model
from workers.ingress.problems import Problem
from workers.ingress.ses_translation import IGNORED, TRANSLATORS, parse_ses
from workers.ingress.sms_translation import parse_sms_log
from workers.ingress.sns_envelope import certificate_name, parse_sns
from workers.ingress.twilio import parse_form, parse_twilio

Made = TypeVar("Made")
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=20)
    | st.sampled_from(["Permanent", "a@example.com", "<a@example.com>", ">", "<"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)
SAID = [*map(tagged, names("ses", "event_*")), *(payload("ses", name) for name in names("ses", "feedback_*"))]
REPORTS = [payload("sns", name) for name in names("sns", "sms_*")]


def places(part: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inner = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for name, value in inner:
        yield from places(value, (*path, name))


def replaced(event: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    changed = copy.deepcopy(event)
    part = changed
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = value
    return changed


@st.composite
def altered(draw: st.DrawFn, events: list[Any]) -> str:
    """A file with anything at one to three of its places."""
    event = draw(st.sampled_from(events))
    for _ in range(draw(st.integers(1, 3))):
        event = replaced(event, draw(st.sampled_from(list(places(event)))), draw(ANYTHING))
    return json.dumps(event)


def attempted(make: Callable[[], Made]) -> Made | Problem:
    try:
        return make()
    except Problem as problem:
        return problem


def commands_of(feedback: Feedback) -> list[tuple[int, CommandData]]:
    said, whose = feedback.said(), {"notificationId": NOTIFICATION, "recipientId": RECIPIENT}
    translations = () if isinstance(said, Untranslated) else said
    return [
        (each.repeat, command_data(command_model(f"mindlinks.notification.{each.command}.v1"), {**each.data, **whose}))
        for each in translations
    ]


def require_commands(feedback: Feedback) -> None:
    made = attempted(lambda: commands_of(feedback))
    if isinstance(made, Problem):
        assert made.reason == "invalid_payload"
        assert "@" not in made.detail
        return
    for _, command in made:
        assert type(command).model_validate_json(command.to_json()) == command
        assert b"example.com" not in command.to_json() or isinstance(command, RecordNotificationSent)
    ids = {webhook_command_id(feedback.provider, f"{feedback.id}#{repeat}", type(command).__name__) for repeat, command in made}
    assert len(ids) == len(made)


@given(altered(SAID))
def test_ses(message: str) -> None:
    feedback = parse_ses(parse_sns({**UNSIGNED, **notification(message)}), "test", lambda address: email_hash(KEY, address))
    assert feedback.type in {*TRANSLATORS, *IGNORED, "other"}
    require_commands(feedback)


@given(altered(REPORTS))
def test_sms(message: str) -> None:
    require_commands(parse_sms_log(parse_sns({**UNSIGNED, **notification(message)})))


@given(st.binary(max_size=200))
def test_forms(body: bytes) -> None:
    found = attempted(lambda: parse_twilio(parse_form(body)))
    if isinstance(found, Problem):
        assert found.reason in {"not_an_event", "event_incomplete"}
    else:
        require_commands(found)


UNSIGNED = {"SigningCertURL": "x", "SignatureVersion": "2", "Signature": "x"}


@given(altered([payload("sns", "notification_ses_bounce"), payload("sns", "subscription_confirmation")]))
def test_envelopes(body: str) -> None:
    message = attempted(lambda: parse_sns(json.loads(body)))
    if isinstance(message, Problem):
        assert message.reason in {"not_an_event", "event_incomplete"}
        return
    assert message.signed_text().startswith(b"Message\n")
    name = attempted(lambda: certificate_name(message))
    assert name.reason == "certificate_refused" if isinstance(name, Problem) else name.endswith(".pem")
