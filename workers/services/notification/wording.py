"""Amounts, dates and codes in the reader's language. Arabic texts use Arabic-Indic digits throughout."""

from collections.abc import Mapping
from types import MappingProxyType
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from contracts.notification.values import Money
from contracts.timestamps import to_datetime
from contracts.types import Day, Locale, Timestamp

ARABIC_DIGITS = str.maketrans("0123456789,.", "٠١٢٣٤٥٦٧٨٩٬٫")
ARABIC_LETTER_MARK = "\u061c"
"""Keeps a minus sign on the number's own side in right-to-left text."""

# fmt: off
MONTHS: Mapping[Locale, tuple[str, ...]] = MappingProxyType(
    {
        Locale.EN: ("January", "February", "March", "April", "May", "June",
                    "July", "August", "September", "October", "November", "December"),
        Locale.AR: ("يناير", "فبراير", "مارس", "أبريل", "مايو", "يونيو", "يوليو", "أغسطس", "سبتمبر", "أكتوبر", "نوفمبر", "ديسمبر"),
    }
)
# fmt: on
ARABIC_CURRENCIES: Mapping[str, str] = MappingProxyType({"USD": "دولار أمريكي", "EUR": "يورو", "AED": "درهم إماراتي", "EGP": "جنيه مصري"})
GREETED: Mapping[Locale, str] = MappingProxyType({Locale.EN: "there", Locale.AR: "بك"})
"""Stands in for a first name that nobody told us."""
UNREADABLE = "…"
"""Stands in for a value whose owner was erased."""

PHRASES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "payee_not_ready": ("the contractor's payout account is not ready yet", "حساب استلام المدفوعات لدى المتعاقد غير جاهز بعد"),
        "funds_not_available": ("the deposited money is not available yet", "مبلغ الإيداع غير متاح بعد"),
        "not_found_at_stripe": ("the payment provider has no record of the transfer yet", "لا يوجد سجل للتحويل لدى مزود الدفع بعد"),
        "kyc": ("your identity is not verified", "لم يتم التحقق من هويتك"),
        "transfers": ("transfers to your account are switched off", "التحويلات إلى حسابك موقوفة"),
        "payouts": ("payouts from your account are switched off", "صرف المدفوعات من حسابك موقوف"),
        "deauthorized": ("your payout account was disconnected", "تم فصل حساب استلام المدفوعات"),
        "not_signed_in_time": ("it was not signed in time", "لم يتم التوقيع في الموعد المحدد"),
        "card_declined": ("the card was declined", "تم رفض البطاقة"),
        "insufficient_funds": ("there was not enough money on the account", "الرصيد غير كافٍ"),
        "expired_card": ("the card has expired", "انتهت صلاحية البطاقة"),
        "authentication_required": ("the bank asks for your confirmation", "يطلب البنك تأكيدك"),
        "company_inactive": ("the registry says that the company is not active", "يفيد السجل بأن الشركة غير نشطة"),
        "reversed_at_stripe": ("it was reversed by the payment provider", "تم عكسها لدى مزود الدفع"),
        "opened": ("the bank has opened a case", "فتح البنك قضية"),
        "won": ("the case was won, the money stays", "حُسمت القضية لصالحنا ويبقى المبلغ"),
        "lost": ("the case was lost, the money went back to the cardholder", "حُسمت القضية ضدنا وعاد المبلغ إلى صاحب البطاقة"),
        "inquiry_closed": ("the bank closed its inquiry, nothing changes", "أغلق البنك استفساره ولا يتغير شيء"),
        "hold_lifted": ("the hold was lifted, the money is available again", "رُفع الحجز وأصبح المبلغ متاحًا من جديد"),
        "lost_or_stolen_card": ("the card was reported lost or stolen", "أُبلغ عن فقدان البطاقة أو سرقتها"),
        "expired_or_canceled_card": ("the card has expired or was cancelled", "انتهت صلاحية البطاقة أو أُلغيت"),
        "charge_for_pending_refund_disputed": ("the payment is in dispute with the bank", "الدفعة محل نزاع لدى البنك"),
        "merchant_request": ("it was called back by us", "أُلغي بطلب منا"),
        "waited_too_long": ("it waited too long", "انتظرت المدة أكثر من المسموح"),
    }
)


def number_text(value: int, locale: Locale) -> str:
    return _digits(str(value), locale)


def amount_text(money: Money, locale: Locale) -> str:
    """The code first in English (``USD 1,500.00``), the currency's name last in Arabic. All our currencies have two decimals."""
    units, cents = divmod(abs(money.amount), 100)
    number = _digits(f"{units:,}.{cents:02d}", locale)
    minus = "-" if money.amount < 0 else ""
    if locale is Locale.AR:
        sign = f"{ARABIC_LETTER_MARK}{minus}" if minus else ""
        return f"{sign}{number} {ARABIC_CURRENCIES.get(money.currency, money.currency)}"
    return f"{money.currency} {minus}{number}"


def day_text(day: Day, locale: Locale) -> str:
    year, month, number = day.split("-")
    return _digits(f"{int(number)} {MONTHS[locale][int(month) - 1]} {year}", locale)


def moment_text(at: Timestamp, locale: Locale, timezone: str | None) -> str:
    """To the minute, in the reader's time zone, which is named; UTC where that is not known."""
    try:
        zone = ZoneInfo(timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    local = to_datetime(at).astimezone(zone)
    comma = "، " if locale is Locale.AR else ", "
    return f"{day_text(local.date().isoformat(), locale)}{comma}{_digits(f'{local:%H:%M}', locale)} ({zone.key})"


def phrase_text(code: str, locale: Locale) -> str:
    """A code of somebody else's, which may be any, is shown as it is."""
    english, arabic = PHRASES.get(code, (code, code))
    return arabic if locale is Locale.AR else english


def _digits(text: str, locale: Locale) -> str:
    return text.translate(ARABIC_DIGITS) if locale is Locale.AR else text
