"""SES and SNS as they behave towards us after a message was taken: feedback, signed, at least once."""

from workers.ops.fakes.messaging.application import MessagingFake
from workers.ops.fakes.messaging.feedback import Happening
from workers.ops.fakes.messaging.messages import SES_TOPIC, SMS_TOPIC, Messages

__all__ = ["SES_TOPIC", "SMS_TOPIC", "Happening", "Messages", "MessagingFake"]
