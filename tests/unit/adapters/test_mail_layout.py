"""What every mail of ours looks like to a mail program, whatever its template says."""

from html.parser import HTMLParser

import pytest

from contracts.types import Direction, Locale
from workers.adapters.templates import Renderer
from workers.ops.seed.catalogue import DIRECTIONS, SeedText, texts
from workers.services.notification.ports import EmailText, RenderedEmail
from workers.services.notification.template import placeholders

LINK = "https://app.example/contracts/1?a=1&b=2"
MAILS = [text for text in texts("notification") if text.kind == "email"]


class Reader(HTMLParser):
    """Elements as they open, and whether each is closed in its turn."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def rendered(seed: SeedText) -> RenderedEmail:
    subject, _, body = seed.text.partition("\n\n")
    values = dict.fromkeys(placeholders(seed.text) or (), "value") | {
        "link": LINK,
        "unsubscribeLink": LINK,
        "appUrl": "https://app.example",
    }
    mail = Renderer().render_email(EmailText(subject, body, seed.locale, DIRECTIONS[seed.locale]), values)
    assert isinstance(mail, RenderedEmail)
    return mail


def mail_of(body: str, **values: str) -> RenderedEmail:
    mail = Renderer().render_email(EmailText("A subject", body, Locale.EN, Direction.LTR), values)
    assert isinstance(mail, RenderedEmail)
    return mail


@pytest.mark.parametrize("seed", MAILS, ids=lambda seed: f"{seed.name}.{seed.locale}")
def test_every_seed_mail_is_a_sound_page_that_loads_nothing(seed: SeedText) -> None:
    page = Reader(rendered(seed).html)
    assert page.open == []
    assert not {"script", "img", "link", "iframe", "form"} & {name for name, _ in page.elements}
    assert len(page.all("h1")) == 1
    assert all(table.get("role") == "presentation" for table in page.all("table"))
    (frame,) = page.all("div")
    # Some programs take away what html says, so the text says it too.
    assert (frame["lang"], frame["dir"]) == (seed.locale, DIRECTIONS[seed.locale])
    (card,) = (cell for cell in page.all("td") if cell.get("class") == "card")
    assert card["align"] == ("right" if seed.locale is Locale.AR else "left")


@pytest.mark.parametrize("seed", MAILS, ids=lambda seed: f"{seed.name}.{seed.locale}")
def test_every_link_leads_somewhere_and_stands_in_the_text_part_too(seed: SeedText) -> None:
    mail = rendered(seed)
    addresses = {link["href"] for link in Reader(mail.html).all("a")}
    assert addresses <= {LINK, "https://app.example"}
    assert all(address is not None and address in mail.text for address in addresses)


def test_a_link_by_itself_becomes_a_button_and_is_written_out() -> None:
    mail = mail_of('<p>Hello</p>\n<p><a href="{{ link }}">Sign</a></p>', link=LINK)
    button, written = Reader(mail.html).all("a")
    assert button["href"] == written["href"] == LINK
    assert "background" in mail.html[: mail.html.index("Sign</a>")]
    assert f">{LINK.replace('&', '&amp;')}</a>" in mail.html
    assert mail.text == f"Hello\n\nSign: {LINK}\n", "the text part says it once"


def test_a_link_within_a_sentence_stays_one() -> None:
    page = Reader(mail_of('<p>Read <a href="{{ link }}">this</a> first.</p>', link=LINK).html)
    assert len(page.all("a")) == 1


def test_no_value_can_pass_for_a_button() -> None:
    hostile = '<p><a href="https://evil.example">Sign</a></p>'
    page = Reader(mail_of("<p>{{ title }}</p>", title=hostile).html)
    assert page.all("a") == []
