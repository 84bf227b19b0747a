"""Messages sent within one process pass no address that a fake could stand at: they are shown to it."""

from collections.abc import Mapping
from typing import Any

from workers.ops.dev.variables import CONFIGURATION_SET, MAIL_FROM
from workers.ops.fakes.identity_faults import Fault
from workers.ops.fakes.messaging import MessagingFake
from workers.services.notification.ports import (
    Email,
    MessageAnswer,
    MessageFateUnknown,
    MessageNotTaken,
    Sms,
)


def overhear(ports: Mapping[str, Any], fake: MessagingFake) -> None:
    """RATE_LIMITED refuses a message; of any other fault its sender hears that nobody knows, though it was taken."""

    def mailed(email: Email, message_id: str) -> MessageAnswer | None:
        fault = fake.faults.strike()
        if fault is Fault.RATE_LIMITED:
            return MessageNotTaken(fault)
        fake.messages.mailed(message_id, MAIL_FROM, [email.to.reveal()], email.content.subject, email.tags, CONFIGURATION_SET)
        return MessageFateUnknown(fault) if fault else None

    def texted(sms: Sms, message_id: str) -> MessageAnswer | None:
        fault = fake.faults.strike()
        if fault is Fault.RATE_LIMITED:
            return MessageNotTaken(fault)
        fake.messages.texted(message_id, sms.to.reveal())
        return MessageFateUnknown(fault) if fault else None

    ports["ses"].on_send, ports["sms"].on_send = mailed, texted
