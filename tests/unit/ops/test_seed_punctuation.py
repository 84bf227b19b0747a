"""Every text of the seed ends its sentences, in both languages and every channel, whatever the values in them are."""

import re
from collections.abc import Sequence
from typing import Final

import pytest

from contracts.types import Channel, Locale
from workers.ops.seed.catalogue import SeedText, texts

TEXTS: Final = list(texts("notification"))
STOP: Final = "."
"""Arabic has the same full stop."""
LINK: Final = re.compile(r"(<a href=[^>]*>[^<]*</a>|\{\{ link \}\})$")
OWN_WORDS: Final = re.compile(r"<bdi>\{\{ (detail|message) \}\}</bdi>$")
"""Whole texts of somebody else's, which end themselves: what an alert is about, what a client writes to whom he invites."""
AFTER_COLON: Final = re.compile(r": <bdi>\{\{ (\w+) \}\}</bdi>(.?)", re.DOTALL)
FRAME: Final = re.compile(r"(.*[,،]|Mind-Links)")
"""A greeting, or the signature: no sentences."""


def parts(text: SeedText) -> Sequence[str]:
    """What is read in one go: an e-mail has several, any other message is one."""
    body = text.text.strip() if text.kind == Channel.SMS else text.text.partition("\n\n")[2].strip()
    found = re.findall(r"<p>(.*?)</p>", body, re.DOTALL) if text.kind == Channel.EMAIL else [body]
    return [part for part in found if not FRAME.fullmatch(part)]


def end(part: str) -> str:
    """How its words end, and whether a link follows them."""
    words = LINK.sub("", OWN_WORDS.sub(STOP, part))
    return words.rstrip()[-1:] + ("link" if words != part and LINK.search(part) else "")


def faults(text: SeedText) -> list[str]:
    found = [f"ends with {end(part)!r}: {part}" for part in parts(text) if end(part) not in (STOP, f"{STOP}link", ":link", "link")]
    for part in parts(text):
        open_ended = [name for name, mark in AFTER_COLON.findall(OWN_WORDS.sub(STOP, part)) if mark != STOP]
        found += [f"no stop after {name}: {part}" for name in open_ended]
    return found


def test_there_are_texts_of_every_channel_and_language() -> None:
    assert {(text.kind, text.locale) for text in TEXTS} == {(channel.value, locale) for channel in Channel for locale in Locale}
    assert all(parts(text) for text in TEXTS)


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: f"{text.name}.{text.locale}.{text.kind}")
def test_its_sentences_end(text: SeedText) -> None:
    assert faults(text) == []


def test_both_languages_end_alike() -> None:
    ends = {locale: {(text.name, text.kind): [*map(end, parts(text))] for text in TEXTS if text.locale is locale} for locale in Locale}
    assert ends[Locale.EN] == ends[Locale.AR]


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ("It failed: <bdi>{{ reason }}</bdi> Try again.", 1),
        ("It failed. Reason: <bdi>{{ reason }}</bdi>", 2),
        ('It failed: <bdi>{{ reason }}</bdi> <a href="{{ link }}">Try again</a>', 2),
        ('It failed <a href="{{ link }}">Try again</a>', 1),
        ("It failed", 1),
        ("It failed: <bdi>{{ reason }}</bdi>. Try again.", 0),
        ('Begin: <a href="{{ link }}">here</a>', 0),
        ("<bdi>{{ key }}</bdi>: <bdi>{{ detail }}</bdi>", 0),
    ],
)
def test_a_sentence_without_its_end_is_found(body: str, wrong: int) -> None:
    assert len(faults(SeedText("any", Locale.EN, Channel.IN_APP, f"Title\n\n{body}\n"))) == wrong
