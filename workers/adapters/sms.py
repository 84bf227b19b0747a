"""Sends SMS through SNS."""

from typing import Any, Final

from workers.adapters.aws_messages import AwsMessages, Codes
from workers.adapters.links import Links
from workers.adapters.opening import Opener
from workers.adapters.sender_ids import SenderIds
from workers.services.notification.ports import MessageAnswer, MessageRejected, Sms


def _why(code: str, said: str) -> str:
    if code == "OptedOut" or "opted out" in said.lower():
        return "opted_out"
    return "invalid_number" if "phone" in said.lower() else "invalid_request"


CODES: Final = Codes(
    name="sns",
    rejected=frozenset({"OptedOut", "InvalidParameter", "ParameterValueInvalid", "ValidationException", "UserError"}),
    throttled=frozenset({"Throttled", "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"}),
    malformed="invalid_request",
    why=_why,
)


class SnsTexts(AwsMessages):
    """The SMS port."""

    def __init__(
        self, opener: Opener, links: Links, sender_ids: SenderIds, *, region: str | None = None, endpoint_url: str | None = None
    ) -> None:
        super().__init__(opener, links, CODES, region, endpoint_url)
        self._sender_ids = sender_ids

    async def send(self, sms: Sms) -> MessageAnswer:
        number = sms.to.reveal()
        if self._sender_ids.is_missing(number):
            return MessageRejected("no_sender_id")
        attributes = self._attributes(number)
        return await self._fate_of(self._client.publish(PhoneNumber=number, Message=sms.text, MessageAttributes=attributes))

    def _attributes(self, number: str) -> dict[str, Any]:
        sender = self._sender_ids.of(number)
        given = {"SMSType": "Transactional"} | ({"SenderID": sender} if sender else {})
        return {f"AWS.SNS.SMS.{name}": {"DataType": "String", "StringValue": value} for name, value in given.items()}
