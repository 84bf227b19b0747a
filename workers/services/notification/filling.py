"""A message's variables as its reader sees them: opened, linked, in his language."""

import re

from contracts.clear import Clear, Redacted
from contracts.notification.values import CalendarDay, Moment, Money, PageLink, Phrase, TokenLink, Variable
from contracts.types import SEALED_PATTERN, Locale, Purpose
from workers.services.notification.matrix import SEALED_VARIABLES
from workers.services.notification.ports import RenderPort
from workers.services.notification.wording import GREETED, UNREADABLE, amount_text, day_text, moment_text, number_text, phrase_text
from workers.services.notification.work import Work

PERSONS = frozenset({Purpose.SUBJECT, Purpose.LEGAL})
"""Whose values are opened: messages name both parties of a contract, by their legal names."""


async def texts_of(work: Work, port: RenderPort) -> dict[str, str]:
    """Every variable as the reader sees it. Raises CannotShowError."""
    locale, timezone = work.locale, work.recipient.timezone
    texts = {name: await _text(name, value, locale, timezone, port) for name, value in work.notification.variables.items()}
    first_name = await port.open(work.recipient.first_name) if work.recipient.first_name else Redacted.ERASED
    return texts | {"firstName": _shown(first_name, GREETED[locale]), "appUrl": port.app_url, "locale": locale}


def _shown(opened: Clear | Redacted, instead: str) -> str:
    return opened.reveal() if isinstance(opened, Clear) else instead


async def _text(name: str, value: Variable, locale: Locale, timezone: str | None, port: RenderPort) -> str:
    match value:
        case Money():
            return amount_text(value, locale)
        case Moment():
            return moment_text(value.at, locale, timezone)
        case CalendarDay():
            return day_text(value.day, locale)
        case Phrase():
            return phrase_text(value.code, locale)
        case int():
            return number_text(value, locale)
        case PageLink():
            return port.page_link(value)
        case TokenLink():
            return port.token_link(value)
        case str():
            sealed = name in SEALED_VARIABLES and re.fullmatch(SEALED_PATTERN, value)
            return _shown(await port.open(value), UNREADABLE) if sealed else value
