"""Renders messages with Jinja2, of which only ``{{ name }}`` is allowed: sandboxed, escaped, a missing variable is an error."""

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Final

from jinja2 import StrictUndefined, TemplateError, UndefinedError
from jinja2.sandbox import SandboxedEnvironment
from pydantic import TypeAdapter

from contracts.clear import Clear, Redacted
from contracts.notification.values import PageLink, TokenLink
from contracts.sealed import VALUE, MalformedSealError, SubjectErased
from contracts.types import Pii, Purpose
from workers.adapters.links import Links
from workers.adapters.mail_layout import dressed, laid_out
from workers.adapters.opening import Opener
from workers.adapters.sealing import ForgedSealError
from workers.services.notification.ports import CannotShowError, EmailText, InAppText, NotRendered, RenderedEmail, RenderedInApp
from workers.services.notification.template import placeholders

BLOCKS: Final = frozenset({"p", "div", "h1", "h2", "h3", "li", "tr", "table", "ul", "ol"})
PII: Final[TypeAdapter[str]] = TypeAdapter(Pii[str])


class Renderer:
    """Stateless: the same template and variables give the same bytes."""

    def __init__(self) -> None:
        self._html = SandboxedEnvironment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
        # A subject is a header, not HTML: an escaped one would show its escapes.
        self._plain = SandboxedEnvironment(autoescape=False, undefined=StrictUndefined)

    def render_email(self, text: EmailText, variables: Mapping[str, str]) -> RenderedEmail | NotRendered:
        subject = self._rendered(self._plain, text.subject, variables)
        body = self._rendered(self._html, text.body, variables)
        dressed_body = self._rendered(self._html, dressed(text.body, text.locale), variables)
        if isinstance(subject, NotRendered):
            return subject
        if isinstance(body, NotRendered):
            return body
        if isinstance(dressed_body, NotRendered):
            return dressed_body
        title = " ".join(subject.split())
        return RenderedEmail(title, laid_out(title, dressed_body, text.locale, text.dir), plain_text(body))

    def render_in_app(self, text: InAppText, variables: Mapping[str, str]) -> RenderedInApp | NotRendered:
        title = self._rendered(self._html, text.title, variables)
        message = self._rendered(self._html, text.message, variables)
        if isinstance(title, NotRendered):
            return title
        return message if isinstance(message, NotRendered) else RenderedInApp(title.strip(), message.strip())

    def render_sms(self, body: str, variables: Mapping[str, str]) -> str | NotRendered:
        rendered = self._rendered(self._plain, body, variables)
        return rendered if isinstance(rendered, NotRendered) else rendered.strip()

    def _rendered(self, environment: SandboxedEnvironment, source: str, variables: Mapping[str, str]) -> str | NotRendered:
        if placeholders(source) is None:
            return NotRendered("template_invalid")
        try:
            return environment.from_string(source).render(variables)
        except UndefinedError:
            return NotRendered("missing_variable")
        except TemplateError:
            return NotRendered("template_invalid")


class Rendering(Renderer):
    """The rendering port: what is sealed is opened here, links get their tokens here, and nothing of it is kept."""

    def __init__(self, opener: Opener, links: Links) -> None:
        super().__init__()
        self._opener = opener
        self._links = links

    @property
    def app_url(self) -> str:
        return self._links.app_url

    async def open(self, sealed: str) -> Clear | Redacted:
        try:
            return await self._opener.open(sealed, VALUE)
        except (ForgedSealError, MalformedSealError) as error:
            raise CannotShowError("unreadable_value") from error

    async def seal(self, subject: str, text: str) -> Pii[str]:
        try:
            return PII.validate_python(await self._opener.seal(Purpose.SUBJECT, subject, VALUE, text))
        except SubjectErased as error:
            raise CannotShowError("erased") from error

    def token_link(self, link: TokenLink) -> str:
        address = self._links.token_link(link)
        if address is None:
            raise CannotShowError("link_key_unknown")
        return address

    def page_link(self, link: PageLink) -> str:
        return self._links.page_link(link)


def plain_text(html: str) -> str:
    """The text part of an e-mail: blocks become paragraphs, a link is followed by its address."""
    reader = _Text()
    reader.feed(html)
    reader.close()
    lines = [re.sub(r"[ \t]+", " ", line).strip() for line in "".join(reader.parts).splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self._addresses.append(dict(attrs).get("href") or "")
        elif tag == "br":
            self.parts.append("\n")
        elif tag in BLOCKS:
            self.parts.append("\n\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._addresses and (address := self._addresses.pop()):
            self.parts.append(f": {address}")
        elif tag in BLOCKS:
            self.parts.append("\n\n")

    def handle_data(self, data: str) -> None:
        # Line breaks of the source are mere spaces in HTML.
        self.parts.append(data.replace("\n", " "))
