"""Rendering: escaped, strict, nothing but placeholders; every seed text renders in both languages."""

import pytest
from jinja2.exceptions import TemplateSyntaxError
from jinja2.sandbox import SandboxedEnvironment

from contracts.clear import Clear, Redacted
from contracts.notification.values import PageLink, TokenLink
from contracts.sealed import VALUE
from contracts.types import Direction, Locale, Purpose
from tests.support.keys import key_ring, sealer
from workers.adapters.key_ring import KeyRing
from workers.adapters.links import LinkKeys, Links
from workers.adapters.opening import KeyRights, Opener
from workers.adapters.sealing import Sealer
from workers.adapters.templates import Renderer, Rendering, plain_text
from workers.ops.seed.catalogue import SeedText, texts
from workers.services.notification.matrix import ROWS, allowed_variables
from workers.services.notification.ports import CannotShowError, EmailText, InAppText, NotRendered, RenderedEmail, RenderedInApp
from workers.services.notification.template import placeholders

USER = "11111111-1111-4111-8111-111111111111"
HOSTILE = '<script>alert("x")</script> & {{ 7 * 7 }}'


def email(subject: str, body: str, locale: Locale = Locale.EN, direction: Direction = Direction.LTR) -> EmailText:
    return EmailText(subject, body, locale, direction)


# --- rendering -----------------------------------------------------------------------------------------------------


def test_values_are_escaped_in_html_and_plain_in_the_subject() -> None:
    mail = Renderer().render_email(email("About {{ title }}", "<p>{{ title }}</p>"), {"title": HOSTILE})
    assert isinstance(mail, RenderedEmail)
    assert mail.subject == f"About {HOSTILE}"
    assert "<script>" not in mail.html
    assert "&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt; &amp; {{ 7 * 7 }}" in mail.html
    assert mail.text == f"{HOSTILE}\n"


def test_a_subject_is_one_line() -> None:
    mail = Renderer().render_email(email("About {{ title }}", "<p>x</p>"), {"title": "one\r\nBcc: two@example.com"})
    assert isinstance(mail, RenderedEmail)
    assert mail.subject == "About one Bcc: two@example.com"


def test_in_app_messages_are_escaped_whole() -> None:
    rendered = Renderer().render_in_app(
        InAppText("{{ title }}", '<a href="{{ link }}">{{ title }}</a>'), {"title": HOSTILE, "link": '"><b>'}
    )
    assert isinstance(rendered, RenderedInApp)
    assert "<script>" not in rendered.title + rendered.message
    assert 'href="&#34;&gt;&lt;b&gt;"' in rendered.message


def test_an_sms_is_plain_and_as_strict() -> None:
    assert Renderer().render_sms("About {{ title }}\n", {"title": HOSTILE}) == f"About {HOSTILE}"
    assert Renderer().render_sms("{{ absent }}", {}) == NotRendered("missing_variable")
    assert Renderer().render_sms("{{ title | safe }}", {"title": "t"}) == NotRendered("template_invalid")


def test_direction_and_language_are_told() -> None:
    mail = Renderer().render_email(email("س", "<p>نص</p>", Locale.AR, Direction.RTL), {})
    assert isinstance(mail, RenderedEmail)
    assert mail.html.startswith('<!doctype html>\n<html dir="rtl" lang="ar">')


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("{{ absent }}", "missing_variable"),
        ("{% for x in title %}{% endfor %}", "template_invalid"),
        ("{{ title.__class__.__mro__ }}", "template_invalid"),
        ("{{ title | safe }}", "template_invalid"),
        ("{{ ''.join(title) }}", "template_invalid"),
        ("{# a note #}", "template_invalid"),
        ("{{ title", "template_invalid"),
    ],
)
def test_what_is_no_placeholder_or_has_no_value_is_not_rendered(source: str, code: str) -> None:
    assert Renderer().render_email(email("x", source), {"title": "t"}) == NotRendered(code)
    assert Renderer().render_email(email(source, "x"), {"title": "t"}) == NotRendered(code)
    assert Renderer().render_in_app(InAppText(source, "x"), {"title": "t"}) == NotRendered(code)


def test_the_allowed_syntax_is_what_jinja_takes_for_a_placeholder() -> None:
    """The pure check and the renderer must agree: what passes one is a plain variable for the other."""
    environment = SandboxedEnvironment()
    for source in ("{{ title }}", "a {{ b }} c {{ d }}", "}} no", "{ {x} }", "100 %}"):
        names = placeholders(source)
        if names is not None:
            assert environment.from_string(source).render(dict.fromkeys(names, "v")).count("v") == len(names)
    with pytest.raises(TemplateSyntaxError):
        environment.from_string("{{ title")
    assert placeholders("{{ title") is None


def test_the_text_part_says_what_the_html_says() -> None:
    html = '<p>Hello <b>Sana</b>,</p>\n<p>Read\nit &amp; <a href="https://x.example/a?b=1&amp;c=2">sign</a></p><ul><li>one</li><li>two</li></ul>'
    assert plain_text(html) == "Hello Sana,\n\nRead it & sign: https://x.example/a?b=1&c=2\n\none\n\ntwo\n"


# --- the port ------------------------------------------------------------------------------------------------------


def port(ring: KeyRing | None = None) -> Rendering:
    rights = KeyRights(opens=frozenset({Purpose.SUBJECT}), seals=frozenset({Purpose.SUBJECT}))
    opener = Opener(Sealer(ring or key_ring()), rights, "render")
    return Rendering(opener, Links("https://app.example", LinkKeys.parse("k1:secret one, k2:secret:two")))


async def test_what_is_sealed_for_a_reader_opens_again() -> None:
    rendering = port()
    sealed = await rendering.seal(USER, "Please sign")
    assert sealed.startswith(f"s1.subject.{USER}.1.")
    assert await rendering.open(sealed) == Clear("Please sign")
    assert await rendering.seal(USER, "Please sign") == sealed, "deterministic"


async def test_a_destroyed_key_opens_and_seals_nothing() -> None:
    ring = key_ring()
    rendering = port(ring)
    sealed = await rendering.seal(USER, "Please sign")
    await ring.destroy(USER, Purpose.SUBJECT)
    assert await rendering.open(sealed) is Redacted.ERASED
    with pytest.raises(CannotShowError, match="erased"):
        await rendering.seal(USER, "Please sign")


async def test_a_text_that_nobody_sealed_is_a_failure() -> None:
    sealed = await sealer().seal(Purpose.SUBJECT, USER, VALUE, "x")
    for forged in (sealed, "clear text"):
        with pytest.raises(CannotShowError, match="unreadable_value"):
            await port().open(forged)


def test_links() -> None:
    rendering = port()
    assert rendering.page_link(PageLink(page="payouts")) == "https://app.example/payouts"
    assert rendering.page_link(PageLink(page="contracts", id=USER)) == f"https://app.example/contracts/{USER}"
    link = TokenLink(purpose="verify-email", id=USER, nonce="n" * 43, kid="k1")
    token = rendering.token_link(link).removeprefix(f"https://app.example/verify-email/{USER}?token=")
    assert len(token) == 43
    for other in ({"kid": "k2"}, {"nonce": "m" * 43}, {"purpose": "reset"}):
        assert token not in rendering.token_link(link.model_copy(update=other))
    with pytest.raises(CannotShowError, match="link_key_unknown"):
        rendering.token_link(link.model_copy(update={"kid": "k9"}))


def test_link_keys_are_read_strictly_and_never_shown() -> None:
    assert LinkKeys.parse("").keys == {}
    assert "secret" not in repr(LinkKeys.parse("k1:secret"))
    with pytest.raises(ValueError, match="kid:secret"):
        LinkKeys.parse("no-colon")


# --- the seed texts ------------------------------------------------------------------------------------------------

SEEDED = list(texts("notification"))


@pytest.mark.parametrize("text", SEEDED, ids=lambda text: f"{text.name}.{text.locale}.{text.kind}")
def test_every_seed_text_renders_with_the_variables_of_its_row(text: SeedText) -> None:
    subject, _, body = text.text.partition("\n\n")
    variables = dict.fromkeys(allowed_variables(text.name), "VALUE")
    rendered: object
    if text.kind == "sms":
        rendered = Renderer().render_sms(text.text, variables)
        assert isinstance(rendered, str)
        assert "\n" not in rendered
    elif text.kind == "email":
        assert "\n" not in subject
        rendered = Renderer().render_email(email(subject, body), variables)
        assert isinstance(rendered, RenderedEmail)
        assert "VALUE" in rendered.text
    else:
        assert "\n" not in subject
        rendered = Renderer().render_in_app(InAppText(subject, body), variables)
        assert isinstance(rendered, RenderedInApp)
    used = placeholders(text.text)
    assert used is not None
    # A recipient who is shown less than the row gives would ask what it was for.
    assert allowed_variables(text.name) - used <= {"firstName", "appUrl", "locale"}


def test_every_row_has_its_texts_in_both_languages() -> None:
    there = {(text.name, text.kind, text.locale) for text in SEEDED}
    wanted = {(row.template, channel, locale) for row in ROWS for channel in row.channels for locale in Locale}
    assert wanted == there


def test_arabic_texts_are_arabic_and_english_ones_are_not() -> None:
    for text in SEEDED:
        arabic = sum("\u0600" <= character <= "\u06ff" for character in text.text)
        assert (arabic > 10) == (text.locale is Locale.AR), text.name
