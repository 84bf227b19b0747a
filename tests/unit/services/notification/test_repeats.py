"""A command that was accepted once changes nothing when it is published again, however much later: the log may hold it twice."""

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.ids import template_id, within
from contracts.message import CommandData
from contracts.notification import commands
from contracts.notification.values import SuppressionReason
from contracts.timestamps import plus
from contracts.types import Channel, CommandId, Direction, Locale
from tests.support.oracle import START, Oracle
from tests.unit.services.notification.people import ADMIN, EMAIL_HASH, NAME, SANA, SOURCE, planned, synced
from workers.engine.decision import Accepted
from workers.services.notification.erasure import DELAY_HOURS
from workers.services.notification.service import SERVICE
from workers.services.notification.template import TABLE, content_sha256

MAIL = {"recipient_id": SANA, "notification_id": planned().notification_id}
IN_APP = {"recipient_id": SANA, "notification_id": planned(Channel.IN_APP).notification_id}


def publish(version: int) -> commands.PublishNotificationTemplate:
    id_ = template_id(TABLE, "escrow-opened", "email", "en", version)
    return commands.PublishNotificationTemplate(
        name="escrow-opened",
        template_id=id_,
        channel=Channel.EMAIL,
        locale=Locale.EN,
        dir=Direction.LTR,
        template_version=version,
        subject="Open",
        body="<p>Open</p>",
        variables=(),
        content_sha256=content_sha256("Open", "<p>Open</p>"),
    )


def activate(version: int) -> commands.ActivateNotificationTemplate:
    id_ = template_id(TABLE, "escrow-opened", "email", "en", version)
    return commands.ActivateNotificationTemplate(name="escrow-opened", template_id=id_, channel=Channel.EMAIL, locale=Locale.EN)


POOL: tuple[tuple[CommandData, str], ...] = (
    (synced(), "system:reactions"),
    (synced(plus(START, seconds=5), mail=False), "system:reactions"),
    (planned(), "system:reactions"),
    (planned(Channel.IN_APP), "system:reactions"),
    *(
        (fact, "system:notification.send-email")
        for attempt in (1, 2)
        for fact in (
            commands.RecordNotificationSent(**MAIL, attempt=attempt, provider_message_id=f"m-{attempt}"),
            commands.RecordNotificationUnknown(**MAIL, attempt=attempt),
            commands.RecordNotificationFailed(**MAIL, attempt=attempt, code="MessageRejected"),
            commands.ResolveUnknownNotification(**MAIL, attempt=attempt),
        )
    ),
    (commands.RecordNotificationSuppressed(**MAIL, reason="complaint"), "system:notification.send-email"),
    (commands.RecordNotificationDelayed(**MAIL), "system:ses"),
    (commands.RecordNotificationDelivered(**MAIL), "system:ses"),
    (commands.RecordNotificationFailed(**MAIL, code="Reject"), "system:ses"),
    (commands.RecordNotificationBounced(**MAIL, permanent=True, sub_type="NoEmail", address_hash=EMAIL_HASH), "system:ses"),
    (commands.RecordNotificationComplained(**MAIL, address_hash=EMAIL_HASH), "system:ses"),
    (commands.RetryNotification(**MAIL), ADMIN),
    (commands.EraseRecipient(recipient_id=SANA), "system:reactions"),
    (commands.FinishRecipientErasure(recipient_id=SANA), "system:timers"),
    (commands.RecordNotificationRendered(**IN_APP, template_id=publish(1).template_id, title=NAME, message=NAME), "system:render"),
    (commands.MarkNotificationsRead(recipient_id=SANA, ids=(planned(Channel.IN_APP).notification_id,)), f"company:{SANA}"),
    (commands.SuppressAddress(address_hash=EMAIL_HASH, reason=SuppressionReason.HARD_BOUNCE), "system:reactions"),
    (commands.SuppressAddress(address_hash=EMAIL_HASH, reason=SuppressionReason.COMPLAINT), "system:reactions"),
    (commands.LiftSuppression(address_hash=EMAIL_HASH, reason="asked for"), ADMIN),
    *((command(version), ADMIN) for version in (1, 2) for command in (publish, activate)),
)


@settings(max_examples=300)
@given(st.lists(st.integers(0, len(POOL) - 1), max_size=40), st.integers(0, 200))
def test_an_accepted_command_published_again_changes_nothing(order: list[int], hours: int) -> None:
    run = Oracle(SERVICE)
    accepted: list[tuple[CommandData, str, CommandId]] = []
    for number, index in enumerate(order):
        command, actor = POOL[index]
        id_ = CommandId(within(SOURCE, f"published-{number}"))
        # A timer never fires early.
        at = plus(START, hours=DELAY_HOURS) if isinstance(command, commands.FinishRecipientErasure) else START
        if isinstance(run.send(command, actor=actor, id=id_, at=at), Accepted):
            accepted.append((command, actor, id_))
    before, events, timers = dict(run.items), list(run.events), dict(run.timers)
    for command, actor, id_ in accepted:
        run.send(command, actor=actor, id=id_, at=plus(START, hours=hours))
    assert (run.items, run.events, run.timers) == (before, events, timers)


def test_the_pool_holds_every_kind() -> None:
    """Or the test above would promise more than it looked at."""
    assert {type(command) for command, _ in POOL} == {handler.command for handler in SERVICE.handlers}
