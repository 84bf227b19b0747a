"""Section 13 of docs/domain.md against the code: every line of an event that exists is sent as the page says, and nothing else is."""

from collections import Counter
from typing import Any, TypeAlias

import pytest

from contracts.ids import address_recipient_id, notification_id
from contracts.message import EventData
from contracts.notification.commands import PlanNotification
from contracts.types import EventId, RecipientId
from tests.contracts.test_examples import raw
from tests.support.oracle import START
from tests.unit.services.notification.expected import KEY, VARIABLES
from tests.unit.services.notification.matrix_page import Line, lines
from tests.unit.services.notification.people import SOURCE
from workers.engine.service import Event, Send
from workers.services.notification.matrix import ROWS
from workers.services.notification.recipient import ADMINS
from workers.services.notification.service import SERVICE

Addressee: TypeAlias = tuple[RecipientId, dict[str, Any]]
LINES = lines()
SENT = [line for line in LINES if line.model is not None]


def example(line: Line) -> EventData:
    assert line.model is not None
    data = raw(line.model.kind()).decode().data
    assert isinstance(data, EventData)
    return data


def planned(line: Line, data: EventData) -> list[Send]:
    event = Event(EventId(SOURCE), type(data).service, KEY, START, "system:test", data)
    reactions = [reaction for reaction in SERVICE.reactions if reaction.event is line.model]
    sends = [send for reaction in reactions for send in reaction.react(event, ())]
    return [send for send in sends if isinstance(send.command, PlanNotification) and send.command.template == line.template]


def party(data: Any, name: str) -> RecipientId:
    """The user behind a party, by the name that the event has for him."""
    return RecipientId(getattr(data, f"{name}_user_id", None) or data.user_id)


def addressees(recipient: str, data: Any) -> list[Addressee]:
    """By the page's words; what goes to an address of its own carries it."""
    match recipient:
        case "client, contractor":
            return [(party(data, "client"), {}), (party(data, "contractor"), {})]
        case "client, admins":
            return [(party(data, "client"), {}), (ADMINS, {})]
        case "client" | "contractor":
            return [(party(data, recipient), {})]
        case "admins":
            return [(ADMINS, {})]
        case "user":
            return [(RecipientId(data.user_id), {})]
        case "user, if known":
            return [(data.recipient_id, {})]
        case "new address":
            return [(RecipientId(data.user_id), {"address": data.new_email, "address_hash": data.new_email_hash})]
        case "old address":
            return [(RecipientId(data.user_id), {"address": data.old_email, "address_hash": data.old_email_hash})]
        case "address":
            sealed = getattr(data, "email", None) or data.contractor_email
            address = {"address": sealed, "address_hash": data.email_hash, "locale": data.locale}
            return [(address_recipient_id(data.email_hash), address)]
        case "the other party":
            return [(party(data, {"client": "contractor", "contractor": "client"}[data.party]), {})]
        case "who has not signed":
            return [(party(data, each), {}) for each in data.waiting_for]
    raise AssertionError(f"nobody knows who {recipient!r} is")


def test_the_page_is_read_whole() -> None:
    """How many there are was counted by hand."""
    assert Counter(line.category for line in LINES) == {"txn": 63, "sec": 11, "prod": 5, "mkt": 1}


def test_every_line_is_about_an_event_that_its_service_has() -> None:
    assert [line.event for line in LINES if line.model is None] == []


def test_no_row_is_without_its_line() -> None:
    assert Counter((row.event, row.template) for row in ROWS) == Counter((line.model, line.template) for line in SENT)
    assert set(VARIABLES) == {(row.event, row.template) for row in ROWS}


@pytest.mark.parametrize("line", SENT, ids=lambda line: f"{line.event}-{line.template}")
def test_a_line_is_planned_as_the_page_says(line: Line) -> None:
    data = example(line)
    assert line.model is not None
    variables = dict(VARIABLES[line.model, line.template])
    assert variables.keys() == line.variables
    assert planned(line, data) == [
        Send(
            PlanNotification(
                recipient_id=recipient,
                notification_id=notification_id(SOURCE, recipient, channel, line.template),
                channel=channel,
                template=line.template,
                category=line.category,
                variables=variables,
                source_event_id=SOURCE,
                source_at=START,
                **address,
            ),
            notification_id(SOURCE, recipient, channel, line.template),
        )
        for recipient, address in addressees(line.recipient, data)
        for channel in line.channels
    ]


@pytest.mark.parametrize("line", [line for line in SENT if "(" in line.event or line.template in ("new-sign-in", "release-waiting")])
def test_what_the_page_limits_is_not_planned_otherwise(line: Line) -> None:
    """A known device, a wait that was told before."""
    data = example(line)
    limits = {"new_device": False, "first": False}
    assert planned(line, data)
    assert planned(line, data.model_copy(update={name: no for name, no in limits.items() if hasattr(data, name)})) == []
