"""What surrounds the text of an e-mail. Mail programs know tables and inline styles; many drop style sheets and know no flow direction."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from types import MappingProxyType
from typing import Final

from contracts.types import Direction, Locale

# Contrast of each text on its ground is at least 5:1 (WCAG AA asks for 4.5:1).
_INK, _QUIET, _BRAND, _PAPER, _DESK, _LINE = "#1f2933", "#52606d", "#1d4ed8", "#ffffff", "#f3f5f8", "#dfe4ea"
_FONTS: Final = "-apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans Arabic', 'Geeza Pro', Tahoma, Arial, sans-serif"

_BUTTON: Final = re.compile(r'<p><a href="([^"]*)">([^<]*)</a></p>')
_BUTTON_LAID_OUT: Final = (
    '<table role="presentation" cellpadding="0" cellspacing="0" border="0" style="margin:24px 0"><tr>'
    f'<td bgcolor="{_BRAND}" style="border-radius:6px"><a href="\\1" style="display:inline-block;padding:12px 24px;color:{_PAPER};'
    'font-weight:bold;text-decoration:none;border-radius:6px">\\2</a></td></tr></table>'
)


@dataclass(frozen=True, slots=True)
class _Words:
    copy_address: str
    foot: str


_WORDS: Final[Mapping[Locale, _Words]] = MappingProxyType(
    {
        Locale.EN: _Words(
            "If the button does not work, copy this address into your browser:",
            "You receive this message because of something that happened on Mind-Links. We never ask for your password by e-mail.",
        ),
        Locale.AR: _Words(
            "إذا لم يعمل الزر، انسخ هذا العنوان إلى المتصفح:",
            "تصلك هذه الرسالة بسبب حدث على منصة Mind-Links. لن نطلب كلمة مرورك أبدًا عبر البريد الإلكتروني.",
        ),
    }
)

_PAGE: Final = """<!doctype html>
<html dir="{dir}" lang="{locale}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light">
<title>{title}</title>
<style>@media (max-width: 480px) {{ .card {{ padding: 24px 20px !important }} h1 {{ font-size: 20px !important }} }}</style>
</head>
<body style="margin:0;padding:0;background:{desk}">
<div dir="{dir}" lang="{locale}" style="background:{desk};font-family:{fonts};font-size:16px;line-height:1.6;color:{ink}">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"><tr><td align="center" style="padding:24px 12px">
<table role="presentation" width="600" cellpadding="0" cellspacing="0" border="0" align="center"
 style="width:100%;max-width:600px;margin:0 auto">
<tr><td align="{start}" style="padding:0 4px 16px;font-size:18px;font-weight:bold;color:{brand}">Mind-Links</td></tr>
<tr><td class="card" dir="{dir}" align="{start}" bgcolor="{paper}"
 style="padding:32px;background:{paper};border:1px solid {line};border-radius:8px;text-align:{start}">
<h1 style="margin:0 0 20px;font-size:22px;line-height:1.35;font-weight:bold">{title}</h1>
{body}
</td></tr>
<tr><td dir="{dir}" align="{start}" style="padding:16px 4px 0;font-size:13px;color:{quiet}">{foot}</td></tr>
</table>
</td></tr></table>
</div>
</body>
</html>
"""


def dressed(source: str, locale: Locale) -> str:
    """A template's body with its styles, before its values are in it: no value can pass for markup of ours.

    A link that is a paragraph of its own becomes a button, with its address written out below.
    """
    address = next(iter(_BUTTON.findall(source)), None)
    body = _BUTTON.sub(_BUTTON_LAID_OUT, source).replace("<p>", '<p style="margin:0 0 16px">')
    # Where the style of a link is given already, it is the button's.
    body = re.sub(r'<a href="([^"]*)">', rf'<a href="\1" style="color:{_BRAND}">', body)
    return body + _written_out(address[0], locale) if address else body


def laid_out(title: str, body: str, locale: Locale, direction: Direction) -> str:
    """The whole page. ``title`` is plain text, ``body`` HTML with its values in it."""
    return _PAGE.format(
        dir=direction,
        locale=locale,
        start="right" if direction is Direction.RTL else "left",
        title=escape(title),
        body=body.strip(),
        foot=_WORDS[locale].foot,
        fonts=_FONTS,
        ink=_INK,
        quiet=_QUIET,
        brand=_BRAND,
        paper=_PAPER,
        desk=_DESK,
        line=_LINE,
    )


def _written_out(address: str, locale: Locale) -> str:
    style = f"margin:24px 0 0;padding:16px 0 0;border-top:1px solid {_LINE};font-size:13px;color:{_QUIET}"
    link = f'<a href="{address}" style="color:{_QUIET};word-break:break-all">{address}</a>'
    return f'<p style="{style}">{_WORDS[locale].copy_address}<span dir="ltr" style="display:block;text-align:left">{link}</span></p>'
