"""Versions of texts, and which of them is in use."""

from contracts.ids import template_id
from contracts.notification.commands import ActivateNotificationTemplate, PublishNotificationTemplate
from contracts.notification.events import NotificationTemplateActivated, NotificationTemplatePublished
from contracts.types import Channel, CommandId, Direction, Locale, TemplateId
from tests.support.oracle import START, Oracle
from tests.unit.services.notification.people import ADMIN, SOURCE
from workers.engine.decision import UNCHANGED, Accepted, Refused
from workers.services.notification.service import SERVICE
from workers.services.notification.template import TABLE, Family, Template, TemplateState, content_sha256, family_ref, row_ref

NAME = "escrow-opened"


def row_id(version: int, locale: Locale = Locale.EN, channel: Channel = Channel.EMAIL) -> TemplateId:
    return template_id(TABLE, NAME, channel, locale, version)


def publish(
    version: int = 1, body: str = "<p>{{ link }}</p>", *, variables: tuple[str, ...] = ("link",), name: str = NAME
) -> PublishNotificationTemplate:
    return PublishNotificationTemplate(
        name=name,
        template_id=template_id(TABLE, name, Channel.EMAIL, Locale.EN, version),
        channel=Channel.EMAIL,
        locale=Locale.EN,
        dir=Direction.LTR,
        template_version=version,
        subject="Open",
        body=body,
        variables=variables,
        content_sha256=content_sha256("Open", body),
    )


def activate(version: int = 1) -> ActivateNotificationTemplate:
    return ActivateNotificationTemplate(name=NAME, template_id=row_id(version), channel=Channel.EMAIL, locale=Locale.EN)


def send(run: Oracle, *commands: PublishNotificationTemplate | ActivateNotificationTemplate) -> object:
    return [run.send(command, actor=ADMIN) for command in commands][-1]


def row(run: Oracle, version: int) -> Template:
    return Template.from_item(run.items[row_ref(row_id(version))])


def family(run: Oracle) -> Family:
    return Family.from_item(run.items[family_ref(NAME)])


def test_a_version_is_published_without_being_in_use() -> None:
    run = Oracle(SERVICE)
    send(run, publish())
    assert run.events == [
        NotificationTemplatePublished(name=NAME, template_id=row_id(1), channel=Channel.EMAIL, locale=Locale.EN, template_version=1)
    ]
    item = run.items[row_ref(row_id(1))]
    assert (item["type"], item["nameVersion"], item["dir"], "state" in item) == ("email", "escrow-opened#en#000001", "ltr", False)
    assert (family(run).latest, family(run).active) == ({"email#en": 1}, {})


def test_the_version_in_use_retires_the_one_before() -> None:
    run = Oracle(SERVICE)
    send(run, publish(), activate(), publish(2), activate(2))
    assert run.emitted(NotificationTemplateActivated)[1:] == [
        NotificationTemplateActivated(name=NAME, template_id=row_id(2), channel=Channel.EMAIL, locale=Locale.EN, template_version=2)
    ]
    assert (row(run, 1).state, row(run, 2).state) == (TemplateState.RETIRED, TemplateState.ACTIVE)
    assert family(run).active == {"email#en": row_id(2)}


def test_english_stands_in_for_a_language_without_text() -> None:
    run = Oracle(SERVICE)
    send(run, publish(), activate())
    assert family(run).chosen(Channel.EMAIL, Locale.AR) == row_id(1)
    assert family(run).chosen(Channel.IN_APP, Locale.AR) is None


def test_commands_published_again_undo_no_newer_choice() -> None:
    run = Oracle(SERVICE)
    first = CommandId(SOURCE)
    send(run, publish())
    run.send(activate(), actor="system:seed", id=first)
    send(run, publish(2), activate(2))
    assert run.send(activate(), actor="system:seed", id=first) is UNCHANGED
    assert isinstance(run.send(activate(), actor=ADMIN), Accepted), "an admin may go back"


def test_publishing_refusals() -> None:
    run = Oracle(SERVICE)
    run.send(publish(), actor=ADMIN, id=CommandId(SOURCE))
    assert run.send(publish(), actor=ADMIN, id=CommandId(SOURCE)) is UNCHANGED
    assert send(run, publish()) == Refused("id_conflict")
    assert send(run, publish(3)) == Refused("version_gap")
    assert send(run, publish(2).model_copy(update={"template_id": row_id(3)})) == Refused("id_mismatch")
    assert run.send(publish(2), actor="company:1") == Refused("forbidden")
    for text, variables in (
        ("<p>{{ link }} {{ more }}</p>", ("link",)),
        ("<p>nothing</p>", ("link",)),
        ("{% if x %}{{ link }}{% endif %}", ("link",)),
        ("{{ link.__class__ }}", ("link",)),
        ("{{link|safe}}", ("link",)),
        ("{# note #}{{ link }}", ("link",)),
    ):
        assert send(run, publish(2, text, variables=variables)) == Refused("template_invalid"), text
    assert send(run, publish(2).model_copy(update={"content_sha256": "00" * 32})) == Refused("template_invalid")
    assert send(run, publish(2).model_copy(update={"subject": None})) == Refused("template_invalid")


def test_a_variable_that_the_message_will_not_have_is_refused_when_the_text_is_published() -> None:
    run = Oracle(SERVICE)
    assert send(run, publish(1, "<p>{{ link }} {{ iban }}</p>", variables=("link", "iban"))) == Refused("unknown_variable")
    assert run.items == {}
    greeting = publish(
        1, "<p>{{ firstName }} {{ appUrl }} {{ locale }} {{ link }}</p>", variables=("firstName", "appUrl", "locale", "link")
    )
    assert isinstance(send(run, greeting), Accepted)


def test_a_text_of_a_message_that_nobody_sends_yet_may_be_published_but_not_used() -> None:
    run, name = Oracle(SERVICE), "not-sent-yet"
    text = publish(1, "<p>{{ iban }}</p>", variables=("iban",), name=name)
    assert isinstance(send(run, text), Accepted)
    use = ActivateNotificationTemplate(name=name, template_id=text.template_id, channel=Channel.EMAIL, locale=Locale.EN)
    assert send(run, use) == Refused("unknown_variable")


def test_activation_refusals() -> None:
    run = Oracle(SERVICE)
    send(run, publish())
    assert send(run, activate(2)) == Refused("template_not_found")
    assert send(run, activate().model_copy(update={"locale": Locale.AR})) == Refused("template_not_found")
    assert run.send(activate(), actor="contractor:1") == Refused("forbidden")


def test_an_sms_is_short_and_has_no_subject() -> None:
    run = Oracle(SERVICE)

    def sms(body: str) -> PublishNotificationTemplate:
        changes = {"channel": Channel.SMS, "template_id": row_id(1, channel=Channel.SMS), "subject": None, "variables": ()}
        return publish(1, body).model_copy(update={**changes, "content_sha256": content_sha256(None, body)})

    assert send(run, sms("x" * 641)) == Refused("template_invalid")
    assert isinstance(send(run, sms("x" * 640)), Accepted)
    assert run.items[row_ref(row_id(1, channel=Channel.SMS))]["createdAt"] == START
