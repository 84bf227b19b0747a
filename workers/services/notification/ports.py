"""What the effects of notification need of the outside."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from contracts.clear import Clear, Redacted
from contracts.notification.values import PageLink, TokenLink
from contracts.types import Direction, Locale, Pii

# --- rendering -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EmailText:
    """``subject`` is plain text, ``body`` an HTML fragment; both hold placeholders ``{{ name }}`` and nothing else."""

    subject: str
    body: str
    locale: Locale
    dir: Direction


@dataclass(frozen=True, slots=True)
class InAppText:
    title: str
    message: str


@dataclass(frozen=True, slots=True, repr=False)
class RenderedEmail:
    """``html`` is a whole document, ``text`` says the same. It has no repr, because it says personal things."""

    subject: str
    html: str
    text: str


@dataclass(frozen=True, slots=True, repr=False)
class RenderedInApp:
    """HTML-escaped. It has no repr, because it says personal things."""

    title: str
    message: str


@dataclass(frozen=True, slots=True)
class NotRendered:
    """The template and its variables do not fit; no retry will help. ``code``: missing_variable or template_invalid."""

    code: str


class CannotShowError(Exception):
    """A value of the message can't be brought into a form to show; no retry will help.

    ``code``: unreadable_value, link_key_unknown, erased.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class RenderPort(Protocol):
    """Opens, links and renders; leaves nothing behind, so every call may be repeated."""

    @property
    def app_url(self) -> str: ...

    async def open(self, sealed: str) -> Clear | Redacted:
        """Redacted once the subject's key is destroyed. Raises KeysUnavailable; CannotShowError for a text that nobody sealed."""
        ...

    async def seal(self, subject: str, text: str) -> Pii[str]:
        """Raises KeysUnavailable; CannotShowError ``erased`` once the subject's key is destroyed."""
        ...

    def token_link(self, link: TokenLink) -> str:
        """Raises CannotShowError when the link key is not known (any more)."""
        ...

    def page_link(self, link: PageLink) -> str: ...

    def render_email(self, text: EmailText, variables: Mapping[str, str]) -> RenderedEmail | NotRendered: ...

    def render_in_app(self, text: InAppText, variables: Mapping[str, str]) -> RenderedInApp | NotRendered: ...


# --- sending -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MessageAccepted:
    """``message_id`` is all that some providers' reports about the message will name."""

    message_id: str


@dataclass(frozen=True, slots=True)
class MessageRejected:
    """The provider will never take this message: an invalid address, one who opted out, no sender id for the country."""

    code: str


@dataclass(frozen=True, slots=True)
class MessageNotTaken:
    """The message certainly was not taken; the same may be sent again, ``after`` seconds if the provider said so."""

    reason: str
    after: float | None = None


@dataclass(frozen=True, slots=True)
class MessageFateUnknown:
    """The request was on its way when the connection broke, or a failing server may have taken it."""

    reason: str


MessageAnswer: TypeAlias = MessageAccepted | MessageRejected | MessageNotTaken | MessageFateUnknown


@dataclass(frozen=True, slots=True)
class Email:
    """``tags`` come back in every event about the message. ``unsubscribe``: address of the one-click link, where there is one."""

    to: Clear
    content: RenderedEmail
    tags: Mapping[str, str]
    unsubscribe: str | None = None


class EmailPort(RenderPort, Protocol):
    async def send(self, email: Email) -> MessageAnswer:
        """One call, no retries inside: providers of mail take no idempotency key."""
        ...


@dataclass(frozen=True, slots=True, repr=False)
class Sms:
    """``to``: E.164, whose country decides the sender id. ``text`` is plain and at most four parts long. It has no repr, because it says
    personal things."""

    to: Clear
    text: str


class SmsPort(RenderPort, Protocol):
    def render_sms(self, body: str, variables: Mapping[str, str]) -> str | NotRendered:
        """Plain text: nothing is escaped."""
        ...

    async def send(self, sms: Sms) -> MessageAnswer:
        """One call, no retries inside: providers of sms take no idempotency key."""
        ...
