"""Amounts, dates and codes as their readers write them."""

import pytest

from contracts.notification.values import Money
from contracts.types import Locale, Timestamp
from workers.services.notification.wording import PHRASES, amount_text, day_text, moment_text, number_text, phrase_text

EN, AR = Locale.EN, Locale.AR


@pytest.mark.parametrize(
    ("amount", "currency", "english", "arabic"),
    [
        (150000, "USD", "USD 1,500.00", "١٬٥٠٠٫٠٠ دولار أمريكي"),
        (1, "EGP", "EGP 0.01", "٠٫٠١ جنيه مصري"),
        (123456789_05, "AED", "AED 123,456,789.05", "١٢٣٬٤٥٦٬٧٨٩٫٠٥ درهم إماراتي"),
        (-30005, "EUR", "EUR -300.05", "\u061c-٣٠٠٫٠٥ يورو"),
        (100, "GBP", "GBP 1.00", "١٫٠٠ GBP"),
    ],
)
def test_amounts(amount: int, currency: str, english: str, arabic: str) -> None:
    money = Money(amount=amount, currency=currency)
    assert (amount_text(money, EN), amount_text(money, AR)) == (english, arabic)


def test_days_and_numbers() -> None:
    assert (day_text("2026-02-01", EN), day_text("2026-02-01", AR)) == ("1 February 2026", "١ فبراير ٢٠٢٦")
    assert (number_text(12, EN), number_text(12, AR)) == ("12", "١٢")


@pytest.mark.parametrize(
    ("timezone", "text"),
    [
        ("Asia/Dubai", "1 February 2026, 00:30 (Asia/Dubai)"),
        (None, "31 January 2026, 20:30 (UTC)"),
        ("Nowhere/Town", "31 January 2026, 20:30 (UTC)"),
        ("../etc/passwd", "31 January 2026, 20:30 (UTC)"),
    ],
)
def test_moments_are_told_in_the_readers_time_zone(timezone: str | None, text: str) -> None:
    assert moment_text(Timestamp("2026-01-31T20:30:00.000Z"), EN, timezone) == text


def test_an_arabic_moment() -> None:
    assert moment_text(Timestamp("2026-01-31T20:30:00.000Z"), AR, "UTC") == "٣١ يناير ٢٠٢٦، ٢٠:٣٠ (UTC)"


def test_phrases_exist_in_both_languages_and_other_codes_stay_as_they_are() -> None:
    assert phrase_text("kyc", EN) == "your identity is not verified"
    assert phrase_text("do_not_honor", AR) == "do_not_honor"
    assert all(english and arabic and english != arabic for english, arabic in PHRASES.values())
