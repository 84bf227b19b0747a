"""Sends e-mail through SES v2."""

from typing import Any, Final

from workers.adapters.aws_messages import AwsMessages, Codes
from workers.adapters.links import Links
from workers.adapters.opening import Opener
from workers.services.notification.ports import Email, MessageAnswer

# NotFoundException: the configuration set does not exist.
CODES: Final = Codes(
    name="sesv2",
    rejected=frozenset({"MessageRejected", "BadRequestException", "MailFromDomainNotVerifiedException", "NotFoundException"}),
    held=frozenset({"SendingPausedException", "AccountSuspendedException"}),
    throttled=frozenset({"TooManyRequestsException", "LimitExceededException", "ThrottlingException", "Throttling"}),
    malformed="BadRequestException",
)


class SesMailer(AwsMessages):
    """The mail port."""

    def __init__(
        self,
        opener: Opener,
        links: Links,
        *,
        sender: str,
        configuration_set: str | None,
        region: str | None = None,
        endpoint_url: str | None = None,
    ) -> None:
        super().__init__(opener, links, CODES, region, endpoint_url)
        self._sender, self._configuration_set = sender, configuration_set

    async def send(self, email: Email) -> MessageAnswer:
        return await self._fate_of(self._client.send_email(**self._request(email)))

    def _request(self, email: Email) -> dict[str, Any]:
        content = email.content
        simple: dict[str, Any] = {
            "Subject": {"Data": content.subject, "Charset": "UTF-8"},
            "Body": {"Text": {"Data": content.text, "Charset": "UTF-8"}, "Html": {"Data": content.html, "Charset": "UTF-8"}},
        }
        if email.unsubscribe:
            simple["Headers"] = [
                {"Name": "List-Unsubscribe", "Value": f"<{email.unsubscribe}>"},
                {"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"},
            ]
        request: dict[str, Any] = {
            "FromEmailAddress": self._sender,
            "Destination": {"ToAddresses": [email.to.reveal()]},
            "Content": {"Simple": simple},
            "EmailTags": [{"Name": name, "Value": value} for name, value in email.tags.items()],
        }
        return request | ({"ConfigurationSetName": self._configuration_set} if self._configuration_set else {})
